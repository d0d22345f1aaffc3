import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { confirmationFlags, editFlags } from "../flags.ts";
import { change } from "../run.ts";

export default command({
  meta: {
    name: "enable",
    description: "Run a backup of this host every day",
    long: [
      "A timer of systemd runs the backup, and removes snapshots beyond the retention.",
      "A host that was off at that time is backed up after its next start.",
      "By default, a snapshot is kept for each of 7 days, 4 weeks and 12 months, and each of the last 24 hours.",
      "To change a setting, run it again; what no flag names stays.",
    ],
    examples: [
      "sudo edox-ops backup enable --yes",
      "sudo edox-ops backup enable --daily 02:30 --keep 14d,8w,24m --yes",
    ],
  },
  args: {
    daily: {
      type: "string",
      valueHint: "time",
      description: "Time of the backup in the time zone of the host; 03:00 by default",
    },
    keep: {
      type: "string",
      group: "Backup",
      valueHint: "counts",
      description: "Snapshots to keep, by days, weeks and months; 7d,4w,12m by default",
    },
    ...confirmationFlags,
    ...editFlags,
  },
  async run(values, context) {
    const { dailyTime, enableRecipe, usualTime } = await import("../../backup/recipe.ts");
    const { readRepository } = await import("../../backup/repository.ts");
    const { readKeep, theSettings } = await import("../../backup/settings.ts");
    const { daily, keep } = values;
    if (daily !== undefined && !/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(daily))
      throw usage(`invalid time '${daily}' for --daily (for example 03:00)`);
    const typedKeep = keep === undefined ? null : readKeep(keep);
    const host = await context.host();
    const before = theSettings(host);
    // A shorter retention deletes snapshots, so a change of the time must not reset it.
    const settings = { ...before, keep: typedKeep ?? before.keep ?? readKeep("7d,4w,12m") };
    const at = daily ?? dailyTime(host) ?? usualTime;
    const repository = readRepository(settings.repository);
    return change(() => enableRecipe(settings, repository, at, context.program), values, context);
  },
});
