import type { BackupResult } from "../../backup/run.ts";
import type { Upkeep } from "../../backup/upkeep.ts";
import { countOf, lineOf } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { durationText } from "../../text/time.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { run } from "../run.ts";
import { deployWaitMs, lockBackups, recordedAccess } from "./access.ts";

export default command({
  meta: {
    name: "run",
    description: "Back up this host now",
    long: [
      "It makes a snapshot of the sites, their settings, certificates and runners in the repository.",
      "A deploy waits only while its site is linked, which takes less than a second.",
      "With the retention of backup enable, it also removes old snapshots.",
      "Once a week, it frees their space and verifies a part of the data.",
    ],
    examples: ["sudo edox-ops backup run", "sudo edox-ops backup run --dry-run", "sudo edox-ops backup run --json"],
  },
  args: editFlags,
  async run(values, context) {
    const { backUp } = await import("../../backup/run.ts");
    const { keepUp } = await import("../../backup/upkeep.ts");
    const { backedUpProjects } = await import("../../backup/contents.ts");
    const { shownLocation } = await import("../../backup/repository.ts");
    const host = await context.host();
    const trees = await context.trees();
    const { settings, access } = recordedAccess(host);
    return run(values, context, async (session) => {
      const { options, stop } = session;
      const to = shownLocation(settings.repository);
      const step = { id: "backup.run", title: `this host is backed up to ${to}`, action: `Backing up to ${to}` };
      if (options.dryRun) {
        const slugs = await backedUpProjects(host);
        await session.operation(
          step,
          () => {},
          () => ({ outcome: "pending", warnings: [] }),
        );
        session.say(lineOf`Would back up ${countOf(slugs.length, "project")}: ${slugs.join(", ") || "none"}`);
        return;
      }
      await lockBackups(session);
      const lockProject = (path: string) => session.lock("project", path, deployWaitMs);
      const done = async (): Promise<BackupResult & Upkeep> => {
        const result = await backUp({ host, trees, lockProject, stop }, settings, access);
        session.keeps("the new snapshot is kept");
        return { ...result, ...(await keepUp(host, settings, access, stop)) };
      };
      const result = await session.operation(step, done, () => ({ outcome: "changed", warnings: [] }));
      session.include({ backup: result });
      session.say(...resultLines(result));
    });
  },
});

function resultLines({
  snapshot,
  files,
  bytes,
  added_bytes,
  milliseconds,
  ...upkeep
}: BackupResult & Upkeep): string[] {
  const added = `${sizeText(added_bytes)} new`;
  return [
    lineOf`Snapshot ${snapshot.slice(0, 8)}: ${countOf(files, "file")}, ${sizeText(bytes)}, ${added}, in ${durationText(milliseconds)}.`,
    ...(upkeep.forgotten > 0 ? [lineOf`Removed ${countOf(upkeep.forgotten, "old snapshot")}.`] : []),
    ...(upkeep.verified ? ["Verified a part of the data.\n"] : []),
  ];
}
