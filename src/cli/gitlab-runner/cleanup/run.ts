import type { Session } from "../../../run/session.ts";
import type { Removal } from "../../../runner/cleanup/decide.ts";
import type { DataRoom } from "../../../runner/cleanup/inventory.ts";
import type { Survey } from "../../../runner/cleanup/run.ts";
import { lineOf, oneLine } from "../../../text/lines.ts";
import { sizeText } from "../../../text/size.ts";
import { ageText } from "../../../text/time.ts";
import { command } from "../../command.ts";
import { pruneFlags } from "../../flags.ts";
import { run } from "../../run.ts";
import { removablePart, settingsPart } from "./part.ts";

export default command({
  meta: {
    name: "run",
    description: "Remove what CI jobs used longest ago, until enough space is free",
    long: [
      "The timer of the cleanup runs it every five minutes.",
      "With enough space it only records what jobs have used, and removes nothing.",
      "The engine refuses to remove what a container uses, and the cleanup passes over that.",
    ],
    examples: ["sudo edox-ops gitlab-runner cleanup run --dry-run", "sudo edox-ops gitlab-runner cleanup run --json"],
  },
  args: { ...pruneFlags, diff: { ...pruneFlags.diff, description: "List what is removed, as it always does" } },
  async run(values, context) {
    const { clean, planned, survey } = await import("../../../runner/cleanup/run.ts");
    const { cleanupLockPath } = await import("../../../runner/paths.ts");
    return run(values, context, async (session) => {
      const { host, options, stop } = session;
      if (!options.dryRun) session.demandRoot();
      if (!options.dryRun) await session.lock("cleanup", cleanupLockPath);
      const found = await survey(host, options.dryRun);
      if (found.fault !== null) await session.warn(found.fault);
      const removed: Removal[] = [];
      let { rooms } = found;
      try {
        const step = {
          id: "runner.cleanup.run",
          title: "enough space is free for CI jobs",
          action: "Removing what jobs used longest ago",
        };
        const removeAll = async () => {
          const onRemoved = (removal: Removal): void => {
            removed.push(removal);
            session.keeps("what was removed before is gone");
          };
          if (!options.dryRun) return clean(host, found, stop, onRemoved);
          removed.push(...planned(found, host.now()));
          return { kept: [], rooms };
        };
        ({ rooms } = await session.operation(step, removeAll, ({ kept }) => ({
          outcome: removed.length === 0 ? "ok" : options.dryRun ? "pending" : "changed",
          warnings: kept.map(({ removal, reason }) => `${described(removal)} stays: ${oneLine(reason)}`),
        })));
      } finally {
        // A run that fails has removed something before.
        reportIn(session, found, rooms, removed);
      }
      const part = settingsPart(found.settings, rooms);
      const short = (part.disks ?? []).filter(({ bytes_free, bytes_wanted }) => bytes_free < bytes_wanted);
      if (short.length === 0 && removed.length === 0) session.say("Enough space is free: nothing to remove.\n");
      // The plan of a dry run has no free space of its own.
      for (const { path, bytes_free, bytes_wanted } of options.dryRun && removed.length > 0 ? [] : short) {
        const sizes = `${sizeText(bytes_free)} are free in ${path}, less than ${sizeText(bytes_wanted)}`;
        await session.warn(`${sizes}, and nothing more may be removed (cleanup status lists the images that stay)`);
      }
    });
  },
});

/** Lists what was removed, or would be in a dry run. */
function reportIn(session: Session, { settings }: Survey, rooms: DataRoom[], removed: readonly Removal[]): void {
  const { host, options } = session;
  const parts = removed.map(({ candidate, why }) => ({ ...removablePart(candidate), why }));
  session.include({ cleanup: { ...settingsPart(settings, rooms), removed: parts } });
  const verb = options.dryRun ? "Would remove" : "Removed";
  const now = host.now();
  session.say(
    ...removed.map((removal) => {
      const { bytes, usedMs } = removal.candidate;
      const size = bytes > 0 ? `, ${sizeText(bytes)}` : "";
      return lineOf`${verb} ${described(removal)}${size}, last used ${ageText(usedMs, now)}.`;
    }),
  );
}

const nouns = { container: "container", cache: "build cache:", volume: "volume", image: "image" } as const;

function described({ candidate: { kind, name } }: Removal): string {
  return `${nouns[kind]} ${name}`;
}
