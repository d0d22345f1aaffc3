import { listKeptAssets } from "../../sites/deploy/assets.ts";
import { keptAssetsOf } from "../../sites/deploy/releases.ts";
import { theProject } from "../../sites/store.ts";
import { countOf, oneLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { linesText, printFound, rootCommand } from "../view.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "list",
    description: "List hashed files of earlier releases",
    long: [
      "Each file is listed with its path within the site and its size in bytes.",
      "These files are not part of the live release, but visitors can still request them.",
    ],
    examples: ["sudo edox-ops project assets list docs", "sudo edox-ops project assets list docs --json"],
  },
  args: { ...slugArgument, json: outputFlags.json },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const { slug } = await theProject(host, slugOf(values));
    const assets = listKeptAssets(trees, keptAssetsOf(slug));
    const none = `No files of earlier releases for ${slug}.\n`;
    return printFound(context, values.json, {
      document: { assets },
      text: () => assets.map(({ path, bytes }) => `${oneLine(path)}\t${bytes}\n`).join("") || none,
      async view(view) {
        if (assets.length === 0) return none;
        const { table } = await import("../../report/table.ts");
        const { sizeText } = await import("../../text/size.ts");
        const rows = assets.map(({ path, bytes }) => [path, sizeText(bytes)]);
        const total = assets.reduce((sum, { bytes }) => sum + bytes, 0);
        const text = `${countOf(assets.length, "file")}, ${sizeText(total)}. Remove them:`;
        const prune = linesText(view, { text, next: { argv: rootCommand(`project assets prune ${slug}`) } });
        return `${table(["PATH", "SIZE"], rows, view.width)}\n${prune}`;
      },
    });
  },
});
