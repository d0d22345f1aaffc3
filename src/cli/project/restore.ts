import { Problem } from "../../problem/problem.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";
import { type ReleaseCommand, runRelease } from "./release.ts";
import { releaseFlags } from "./release-flags.ts";

const { "no-backup": _, ...flags } = releaseFlags;

/** Defines one command under two names. */
const restoring = (name: "restore" | "rollback", description: string) =>
  command({
    meta: { name, description },
    args: {
      ...slugArgument,
      backup: {
        type: "string",
        valueHint: "directory",
        completes: "backup",
        description: "its name or path; without it the newest that a deploy left, however often this is repeated",
      },
      yes: { type: "boolean", description: "do it: without it nothing is replaced" },
      ...flags,
    },
    async run(values, context) {
      const { restoreRequest } = await import("../../sites/deploy/requests.ts");
      const slug = slugOf(values);
      if (!(values.yes || values["dry-run"] || values.check)) {
        const hint = ["sudo", "edox-ops", ...context.typed, "--yes"];
        throw new Problem("not-confirmed", `${name} replaces the site of ${slug}: say --yes, or --dry-run to look`, {
          hint,
          exit: exitCode.failed,
        });
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

export default restoring("restore", "make a backup the site again; what it replaces becomes a backup");
export const rollback = restoring("rollback", "Roll back to the previous release (the same as restore)");
