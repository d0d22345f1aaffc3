import { listKeptAssets, removeAssets } from "../../sites/deploy/assets.ts";
import { projectLockPath } from "../../sites/deploy/releases.ts";
import { theProject } from "../../sites/store.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { pruneFlags } from "../flags.ts";
import { demandRoot, takeLock } from "../run.ts";
import { pruneReport } from "./prune-report.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "prune", description: "Remove them: only the live release stays reachable" },
  args: {
    ...slugArgument,
    ...pruneFlags,
    yes: { type: "boolean", description: "Accepted for scripts: prune never asks" },
  },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const typedSlug = slugOf(values);
    const report = pruneReport("project assets prune", values, context);
    if (!report.looks) demandRoot(host, context);
    const { slug } = await theProject(host, typedSlug);
    const again = ["sudo", "edox-ops", ...context.typed];
    const lock = report.looks ? null : await takeLock(host, projectLockPath(slug), again);
    try {
      const assets = listKeptAssets(trees, slug);
      if (!report.looks && assets.length > 0) removeAssets(trees, slug);
      const verb = report.looks ? "Would remove" : "Removed";
      const lines = assets.map(({ path }) => lineOf`${verb} ${path}`);
      const none = lineOf`No files of earlier releases for ${slug}.`;
      return await report.end({ assets }, assets.length, [], lines.length > 0 ? lines : [none]);
    } finally {
      lock?.release();
    }
  },
});
