import { askFirst, unconfirmed } from "../../run/confirmation.ts";
import type { Session } from "../../run/session.ts";
import { ageText, utcText } from "../../text/time.ts";
import { withFlag } from "../../text/with-flag.ts";
import { command } from "../command.ts";
import { confirmationFlags, editFlags, runOptionsOf } from "../flags.ts";
import { run } from "../run.ts";
import { lockBackups, recordedAccess } from "./access.ts";
import { partsFlag, partsOf, restoreIn } from "./restoring.ts";

export default command({
  meta: {
    name: "restore",
    description: "Restore sites, certificates and runners from a snapshot",
    long: [
      "What is missing on this host is restored.",
      "A site that is live is replaced by a deploy, which project rollback undoes.",
      "Settings, certificates and runners that are there stay as they are.",
      "Sites that are not in the snapshot are not changed.",
    ],
    examples: [
      "sudo edox-ops backup restore --yes",
      "sudo edox-ops backup restore --snapshot 4f283b18 --only sites --yes",
      "sudo edox-ops backup restore --dry-run",
    ],
  },
  args: {
    snapshot: {
      type: "string",
      valueHint: "id",
      description: "Id of the snapshot; the newest one of this host by default",
    },
    ...partsFlag,
    ...confirmationFlags,
    ...editFlags,
  },
  async run({ only, ...values }, context) {
    const { demandWhole } = await import("../../backup/restore.ts");
    const { chosenSnapshot, listSnapshots, shortLength } = await import("../../backup/snapshots.ts");
    const parts = partsOf(only);
    const host = await context.host();
    const { settings, access } = recordedAccess(host);
    const { dryRun, yes } = runOptionsOf(values);
    if (!(yes || dryRun || context.console.interactive())) throw unconfirmed(context.command, context.typed);
    const all = await listSnapshots(host, access, values.snapshot === undefined ? settings.host : null);
    const snapshot = chosenSnapshot(all, values.snapshot);
    // A timer may make a newer one, of a host that is restored in part, before this restore is repeated.
    const { typed: words } = context;
    const again = ["sudo", "edox-ops", ...withFlag(words, "--snapshot", snapshot.id.slice(0, shortLength))];
    const act = async (session: Session): Promise<void> => {
      await askFirst(session, () => {
        const made = `${utcText(snapshot.timeMs)} (${ageText(snapshot.timeMs, host.now())})`;
        return `Restore ${parts.join(", ")} from the snapshot of ${made}?`;
      });
      if (!dryRun) await lockBackups(session);
      const { program } = context;
      const restored = await restoreIn(session, await context.trees(), { access, snapshot, parts, program });
      if (restored !== null) demandWhole(restored);
    };
    return run(values, context, act, again);
  },
});
