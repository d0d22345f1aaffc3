import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { linesText, printFound, rootCommand } from "../view.ts";

const none = "No backup repository is set up.";
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

export default command({
  meta: {
    name: "status",
    description: "Show the repository, the schedule and the last backup (read-only)",
    long: [
      "It shows what this host has recorded, and does not open the repository.",
      "To see the snapshots in the repository, use backup list.",
      "The settings are readable only by root.",
    ],
    examples: ["sudo edox-ops backup status", "sudo edox-ops backup status --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const { stateChecks } = await import("../../backup/checks.ts");
    const { dailyTime } = await import("../../backup/recipe.ts");
    const { shownLocation } = await import("../../backup/repository.ts");
    const { keepText, readSettings } = await import("../../backup/settings.ts");
    const { readState } = await import("../../backup/state.ts");
    const host = await context.host();
    const { repository = null, keep = null, host: name = null } = readSettings(host) ?? {};
    const { backedUpMs, verifiedMs, failure, upkeep, damage } = readState(host, repository ?? "");
    const status = {
      ...{
        repository: repository && shownLocation(repository),
        host: name,
        daily: dailyTime(host),
        keep: keep && keepText(keep),
      },
      ...{ last_backup: iso(backedUpMs), last_verification: iso(verifiedMs) },
      ...{ failure, upkeep_failure: upkeep?.failure ?? null, damage },
    };
    return printFound(context, values.json, {
      document: { backup_status: status },
      async view(view) {
        if (repository === null)
          return linesText(view, { text: none, next: { argv: rootCommand("backup init --help") } });
        const findings = await Promise.all(stateChecks.map((each) => each.run(host)));
        const when = status.daily === null ? "without a timer" : `every day at ${status.daily}`;
        return linesText(
          view,
          { text: `Backups go to ${status.repository}, ${when}. The snapshots to keep: ${status.keep ?? "all"}.` },
          ...findings.map(({ status: result, detail, hint }) => ({
            mark: result === "error" ? ("failed" as const) : result === "ok" ? ("done" as const) : ("warning" as const),
            ...{ text: detail, ...(hint !== undefined && result !== "ok" && { next: { argv: hint } }) },
          })),
        );
      },
      text: () => (repository === null ? `${none}\n` : Object.entries(status).map(lineFor).join("")),
    });
  },
});

function lineFor([name, value]: [string, string | null]): string {
  return lineOf`${name.replace("_", " ")}: ${value ?? "none"}`;
}
