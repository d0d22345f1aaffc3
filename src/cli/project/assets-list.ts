import { listKeptAssets } from "../../sites/deploy/assets.ts";
import { theProject } from "../../sites/store.ts";
import { oneLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
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
  async run(values, { console, host: loadHost, trees: loadTrees }) {
    const [host, trees] = [await loadHost(), await loadTrees()];
    const { slug } = await theProject(host, slugOf(values));
    const assets = listKeptAssets(trees, slug);
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      await console.out(jsonOf({ command: "project assets list", outcome: "ok", exit: exitCode.done, assets }));
      return exitCode.done;
    }
    const lines = assets.map(({ path, bytes }) => `${oneLine(path)}\t${bytes}\n`);
    await console.out(lines.join("") || `No files of earlier releases for ${slug}.\n`);
    return exitCode.done;
  },
});
