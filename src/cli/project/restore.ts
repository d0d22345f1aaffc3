import { Problem } from "../../problem/problem.ts";
import { askFirst } from "../../run/confirmation.ts";
import type { LiveTree } from "../../sites/deploy/live-tree.ts";
import { backupNames, secondsOf } from "../../sites/deploy/releases.ts";
import type { Project } from "../../sites/project.ts";
import { versionFront } from "../../sites/serve/answer.ts";
import { siteTarget, versionTarget } from "../../sites/target.ts";
import { countOf } from "../../text/lines.ts";
import { nameOf } from "../../text/path.ts";
import { ageText, utcText } from "../../text/time.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { confirmationFlags, runOptionsOf } from "../flags.ts";
import { slugArgument, slugOf } from "./record.ts";
import { type ReleaseCommand, runRelease } from "./release.ts";
import { releaseFlags } from "./release-flags.ts";
import { asFlag, demandVersion, versionOf, wordingOf } from "./version-flags.ts";

const { "no-backup": _, ...flags } = releaseFlags;

/** Returns the question. The time of a backup is when a deploy replaced it. */
function questionOf(slug: string, live: LiveTree | null, backup: string, nowMs: number): string {
  const ms = secondsOf(backup) * 1000;
  const files = countOf(live?.files ?? 0, "file");
  return `Replace ${slug} (${files}) with the backup of ${utcText(ms)} (${ageText(ms, nowMs)})?`;
}

interface Texts {
  name: "restore" | "rollback";
  description: string;
  long: readonly string[];
  examples: readonly string[];
}

/** Defines one command under two names. */
const restoring = (meta: Texts) =>
  command({
    meta,
    args: {
      ...slugArgument,
      backup: {
        type: "string",
        completes: "backup",
        group: "Backup",
        valueHint: "directory",
        description: "Name or path of the backup; the newest one that a deploy left by default",
      },
      ...asFlag,
      ...confirmationFlags,
      ...flags,
    },
    async run(values, context) {
      const { backupToRestore, restoreRequest } = await import("../../sites/deploy/requests.ts");
      const { theProject } = await import("../../sites/store.ts");
      const slug = slugOf(values);
      const version = versionOf(values);
      const shown = version === null ? slug : `${slug} ${version}`;
      const targetOf = (project: Project) => (version === null ? siteTarget(project) : versionTarget(slug, version));
      const options = runOptionsOf(values);
      if (!(options.yes || options.dryRun || context.console.interactive())) {
        const hint = ["sudo", "edox-ops", ...context.typed, "--yes"];
        const message = `${meta.name} replaces the site of ${shown} and needs confirmation: pass --yes to apply, or --dry-run to preview`;
        throw new Problem("not-confirmed", message, { hint, exit: exitCode.failed });
      }
      let typed = values.backup ?? null;
      await askFirst({ environment: context, options, host: await context.host() }, async (host) => {
        const { key, root } = targetOf(await theProject(host, slug));
        const chosen = backupToRestore(host, key, typed);
        if (chosen === undefined || !backupNames(host, key).includes(chosen)) return null;
        // A deploy may make a newer backup while the question is on the screen.
        typed = chosen;
        const { measureLive } = await import("../../sites/deploy/live-tree.ts");
        const live = measureLive(host, await context.trees(), root, Number.POSITIVE_INFINITY);
        return questionOf(shown, live, chosen, host.now());
      });
      const release: ReleaseCommand = {
        id: "project.restore",
        ...(version !== null && wordingOf(slug, version)),
        title: (from) => `${shown} is restored from ${from}`,
        action: `Restoring ${shown}`,
        needsYes: true,
        state: (from) => `${shown} is restored from ${nameOf(from)}`,
        done: (from) => `Restored project ${shown} from ${from}.`,
        nothing: (from) =>
          from === null
            ? `Nothing to restore: ${shown} was restored already, and no earlier release is left.`
            : `Nothing to restore: ${shown} is already as it is in ${from}.`,
        async requestOf(project, choices, host, trees) {
          if (version !== null) demandVersion(host, slug, version);
          const front = version === null ? undefined : versionFront(project, version);
          const target = targetOf(project);
          return restoreRequest(host, trees, { project, target, front, typed, choices: { ...choices, backup: true } });
        },
      };
      return runRelease(slug, release, values, context);
    },
  });

export default restoring({
  name: "restore",
  description: "Restore a backup as the live site",
  long: [
    "It swaps the files of the backup and the live files atomically, and requests a page afterwards.",
    "The replaced files become a backup, so you can restore them again.",
    "Settings of the project, such as its domain, stay as they are.",
  ],
  examples: [
    "sudo edox-ops project restore docs --yes",
    "sudo edox-ops project restore docs --backup 20261126T051545Z --yes",
    "sudo edox-ops project restore docs --as 1.4 --yes",
    "sudo edox-ops project restore docs --dry-run --diff",
  ],
});

export const rollback = restoring({
  name: "rollback",
  description: "Roll back to the previous release",
  long: [
    "It restores the newest backup that a deploy left, and is the same as project restore.",
    "The replaced files become a backup.",
  ],
  examples: ["sudo edox-ops project rollback docs --yes", "sudo edox-ops project rollback docs --dry-run --diff"],
});
