import { pruneAssets } from "../../sites/deploy/assets.ts";
import { filesIn, oldBackups } from "../../sites/deploy/backups.ts";
import { cleanUp, prune, secureBackups } from "../../sites/deploy/releases.ts";
import { theProject } from "../../sites/store.ts";
import { siteTarget, versionTarget } from "../../sites/target.ts";
import { countOf, lineOf } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { command } from "../command.ts";
import { confirmationFlags, pruneFlags } from "../flags.ts";
import { type Removal, runPrune } from "./prune.ts";
import { slugArgument, slugOf } from "./record.ts";
import { keepOf, releaseFlags } from "./release-flags.ts";
import { namesText } from "./release-report.ts";
import { asFlag, demandVersion, versionOf } from "./version-flags.ts";

export default command({
  meta: {
    name: "prune",
    description: "Delete old backups of a project",
    long: [
      "The newest backups stay, 5 of them by default.",
      "Deleted backups cannot be restored.",
      "Each deploy does this as well, with its own --keep.",
    ],
    examples: [
      "sudo edox-ops project backups prune docs --keep 2 --dry-run",
      "sudo edox-ops project backups prune docs --keep 2",
    ],
  },
  args: { ...slugArgument, ...asFlag, keep: releaseFlags.keep, ...confirmationFlags, ...pruneFlags },
  async run(values, context) {
    const trees = await context.trees();
    const keep = keepOf(values.keep);
    const typedSlug = slugOf(values);
    return runPrune(values, context, async ({ host, options }) => {
      const project = await theProject(host, typedSlug);
      const { slug } = project;
      const version = versionOf(values);
      if (version !== null) demandVersion(host, slug, version);
      const target = version === null ? siteTarget(project) : versionTarget(slug, version);
      const shown = version === null ? slug : `${slug} ${version}`;
      const removal = (verb: string, warnings: string[]): Removal => {
        const backups = oldBackups(host, trees, target.key, keep);
        const removed = options.diff ? backups.flatMap((backup) => filesIn(trees, backup)) : [];
        const lines = backups.map(({ path }) => lineOf`${verb} old deploy backup ${path}`);
        return {
          parts: { backups },
          count: backups.length,
          files: { removed, pruned: backups.map(({ path }) => path) },
          lines: [namesText({ added: [], changed: [], removed }), ...lines],
          warnings,
        };
      };
      return {
        step: { id: "project.backups.prune", title: `${shown} has at most ${countOf(keep, "backup")}` },
        slug,
        plan: () => removal("Would prune", []),
        question: ({ parts: { backups = [] } }) => {
          const bytes = backups.reduce((sum, each) => sum + (each.bytes ?? 0), 0);
          return `Delete ${countOf(backups.length, "backup")} of ${shown} (${sizeText(bytes)})?`;
        },
        remove() {
          secureBackups(host, trees, target);
          const pruned = removal("Pruned", cleanUp(host, trees, target));
          prune(host, trees, { key: target.key, keep, spare: "none" });
          pruneAssets(trees, target);
          return pruned;
        },
      };
    });
  },
});
