import { listKeptAssets } from "../../sites/deploy/assets.ts";
import { theProject } from "../../sites/store.ts";
import { countOf, oneLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { nextText, rootCommand, viewOf } from "../view.ts";
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
    const { console } = context;
    const [host, trees] = [await context.host(), await context.trees()];
    const { slug } = await theProject(host, slugOf(values));
    const assets = listKeptAssets(trees, slug);
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      await console.out(jsonOf({ command: "project assets list", outcome: "ok", exit: exitCode.done, assets }));
      return exitCode.done;
    }
    const view = viewOf(context);
    if (view !== null && assets.length > 0) {
      const { table } = await import("../../report/table.ts");
      const { sizeText } = await import("../../text/size.ts");
      const rows = assets.map(({ path, bytes }) => [path, sizeText(bytes)]);
      const total = assets.reduce((sum, { bytes }) => sum + bytes, 0);
      const sentence = `${countOf(assets.length, "file")}, ${sizeText(total)}. Remove them:`;
      const prune = nextText(view, sentence, rootCommand(`project assets prune ${slug}`));
      await console.out(`${table(["PATH", "SIZE"], rows, view.width)}\n${prune}`);
      return exitCode.done;
    }
    const lines = assets.map(({ path, bytes }) => `${oneLine(path)}\t${bytes}\n`);
    await console.out(lines.join("") || `No files of earlier releases for ${slug}.\n`);
    return exitCode.done;
  },
});
