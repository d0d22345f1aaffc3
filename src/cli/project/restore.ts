import { Problem } from "../../problem/problem.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";
import { type ReleaseCommand, runRelease } from "./release.ts";
import { releaseFlags } from "./release-flags.ts";

const { "no-backup": _, ...flags } = releaseFlags;

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
        description: "Name or path of the backup; the newest one that a deployment left by default",
      },
      yes: { type: "boolean", alias: "y", description: "Apply without asking for confirmation" },
      ...flags,
    },
    async run(values, context) {
      const { restoreRequest } = await import("../../sites/deploy/requests.ts");
      const slug = slugOf(values);
      if (!(values.yes || values["dry-run"] || values.check)) {
        const hint = ["sudo", "edox-ops", ...context.typed, "--yes"];
        throw new Problem(
          "not-confirmed",
          `${meta.name} replaces the site of ${slug}: say --yes, or --dry-run to look`,
          {
            hint,
            exit: exitCode.failed,
          },
        );
      }
      const release: ReleaseCommand = {
        id: "project.restore",
        title: (from) => `${slug} is restored from ${from}`,
        done: (from) => `Restored project ${slug} from ${from}.`,
        nothing: (from) =>
          from === null
            ? `Nothing to restore: ${slug} was restored already, and no earlier release is left.`
            : `Nothing to restore: ${slug} is already as it is in ${from}.`,
        requestOf: (project, choices, host, trees) =>
          restoreRequest(host, trees, { project, typed: values.backup ?? null, choices: { ...choices, backup: true } }),
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
    "sudo edox-ops project restore docs --dry-run --diff",
  ],
});

export const rollback = restoring({
  name: "rollback",
  description: "Roll back to the previous release",
  long: [
    "It restores the newest backup that a deployment left, and is the same as project restore.",
    "The replaced files become a backup.",
  ],
  examples: ["sudo edox-ops project rollback docs --yes", "sudo edox-ops project rollback docs --dry-run --diff"],
});
