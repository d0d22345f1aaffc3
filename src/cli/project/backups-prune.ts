import { pruneAssets } from "../../sites/deploy/assets.ts";
import { oldBackups } from "../../sites/deploy/backups.ts";
import { cleanUp, projectLockPath, prune, secureBackups } from "../../sites/deploy/releases.ts";
import { theProject } from "../../sites/store.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { pruneFlags } from "../flags.ts";
import { demandRoot, takeLock } from "../run.ts";
import { pruneReport } from "./prune-report.ts";
import { slugArgument, slugOf } from "./record.ts";
import { keepOf, releaseFlags } from "./release.ts";

export default command({
  meta: { name: "prune", description: "take away all but the newest" },
  args: { ...slugArgument, keep: releaseFlags.keep, ...pruneFlags },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const keep = keepOf(values.keep);
    const typedSlug = slugOf(values);
    const report = pruneReport("project backups prune", values, context);
    if (!report.looks) demandRoot(host, context);
    const project = await theProject(host, typedSlug);
    const { slug } = project;
    const linesOf = (verb: string, backups: { path: string }[]) => {
      return backups.map(({ path }) => lineOf`${verb} old deploy backup ${path}`);
    };
    if (report.looks) {
      const backups = oldBackups(host, trees, slug, keep);
      return report.end({ backups }, backups.length, [], linesOf("Would prune", backups));
    }
    const lock = await takeLock(host, projectLockPath(slug), ["sudo", "edox-ops", ...context.typed]);
    try {
      secureBackups(host, trees, slug);
      const notes = cleanUp(host, trees, project);
      const backups = oldBackups(host, trees, slug, keep);
      prune(host, trees, slug, keep, "none");
      pruneAssets(trees, project);
      return await report.end({ backups }, backups.length, notes, linesOf("Pruned", backups));
    } finally {
      lock.release();
    }
  },
});
