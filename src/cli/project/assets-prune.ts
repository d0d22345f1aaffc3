import { oneLine } from "../../engine/lines.ts";
import { listKeptAssets, removeAssets } from "../../projects/assets.ts";
import { projectLockPath } from "../../projects/releases.ts";
import { theProject } from "../../projects/store.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { editFlags } from "../flags.ts";
import { demandRoot, takeLock } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "prune", description: "Remove them: only the live release stays reachable" },
  args: {
    ...slugArgument,
    "dry-run": editFlags["dry-run"],
    json: editFlags.json,
    quiet: editFlags.quiet,
    yes: { type: "boolean", description: "Accepted for scripts: prune never asks" },
  },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const typedSlug = slugOf(values);
    const looks = values["dry-run"] === true;
    if (!looks) demandRoot(host, context);
    const { slug } = await theProject(host, typedSlug);
    const again = ["sudo", "edox-ops", ...context.typed];
    const lock = looks ? null : await takeLock(host, projectLockPath(slug), again);
    try {
      const assets = listKeptAssets(trees, slug);
      if (!looks && assets.length > 0) removeAssets(trees, slug);
      if (values.json) {
        const { jsonOf } = await import("../../report/json.ts");
        const outcome = assets.length === 0 ? "ok" : looks ? "pending" : "changed";
        const document = { command: "project assets prune", outcome, exit: exitCode.done, assets } as const;
        await context.console.out(jsonOf(document));
      } else if (!values.quiet) {
        const verb = looks ? "Would remove" : "Removed";
        const lines = assets.map(({ path }) => `${verb} ${oneLine(path)}\n`);
        await context.console.out(lines.join("") || `No files of earlier releases for ${slug}.\n`);
      }
    } finally {
      lock?.release();
    }
    return exitCode.done;
  },
});
