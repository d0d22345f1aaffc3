import { lineOf } from "../../engine/lines.ts";
import { dropUnheldAssets } from "../../projects/assets.ts";
import { projectLockPath, prune, securedBackups, settle } from "../../projects/releases.ts";
import { theProject } from "../../projects/store.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { demandRoot, takeLock } from "../run.ts";
import { slugArgument, slugOf } from "./record.ts";
import { keepOf, releaseFlags } from "./release.ts";

export default command({
  meta: { name: "prune", description: "take away all but the newest" },
  args: { ...slugArgument, keep: releaseFlags.keep },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const keep = keepOf(values.keep);
    const typedSlug = slugOf(values);
    demandRoot(host, context);
    const project = await theProject(host, typedSlug);
    const { slug } = project;
    const lock = await takeLock(host, projectLockPath(slug), ["sudo", "edox-ops", ...context.typed]);
    try {
      securedBackups(host, trees, slug);
      const notes = settle(host, trees, project);
      const pruned = prune(host, trees, slug, keep, "none");
      dropUnheldAssets(trees, project);
      const lines = [...notes, ...pruned.map((path) => `Pruned old deploy backup ${path}`)];
      await context.console.out(lines.map((each) => lineOf`${each}`).join(""));
    } finally {
      lock.release();
    }
    return exitCode.done;
  },
});
