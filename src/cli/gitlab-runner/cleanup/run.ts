import type { Removal } from "../../../runner/cleanup/decide.ts";
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
      const { removed, rooms } = await session.operation(
        {
          id: "runner.cleanup.run",
          title: "enough space is free for CI jobs",
          action: "Removing what jobs used longest ago",
        },
        () => {
          if (options.dryRun) return { removed: planned(found, host.now()), kept: [], rooms: found.rooms };
          return clean(host, found, stop);
        },
        (done) => {
          const outcome = done.removed.length === 0 ? "ok" : options.dryRun ? "pending" : "changed";
          const reasons = done.kept.map(({ removal, reason }) => `${described(removal)} stays: ${oneLine(reason)}`);
          return { outcome, warnings: reasons };
        },
      );
      const part = settingsPart(found.settings, rooms);
      session.include({
        cleanup: { ...part, removed: removed.map(({ candidate, why }) => ({ ...removablePart(candidate), why })) },
      });
      const verb = options.dryRun ? "Would remove" : "Removed";
      const now = host.now();
      session.say(
        ...removed.map((removal) => {
          const { bytes, usedMs } = removal.candidate;
          const size = bytes > 0 ? `, ${sizeText(bytes)}` : "";
          return lineOf`${verb} ${described(removal)}${size}, last used ${ageText(usedMs, now)}.`;
        }),
      );
      const short = (part.disks ?? []).filter(({ bytes_free, bytes_wanted }) => bytes_free < bytes_wanted);
      if (short.length === 0 && removed.length === 0) session.say("Enough space is free: nothing to remove.\n");
      for (const { path } of options.dryRun ? [] : short) {
        await session.warn(`less space than wanted is free in ${path}, and nothing more may be removed`);
      }
    });
  },
});

const nouns = { container: "container", cache: "build cache:", volume: "volume", image: "image" } as const;

function described({ candidate: { kind, name } }: Removal): string {
  return `${nouns[kind]} ${name}`;
}
