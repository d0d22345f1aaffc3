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
      "By default, a snapshot is kept for each of 7 days, 4 weeks and 12 months.",
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
    const { enableRecipe } = await import("../../backup/recipe.ts");
    const { readRepository } = await import("../../backup/repository.ts");
    const { readKeep, theSettings } = await import("../../backup/settings.ts");
    const at = values.daily ?? "03:00";
    if (!/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(at)) throw usage(`invalid time '${at}' for --daily (for example 03:00)`);
    const keep = readKeep(values.keep ?? "7d,4w,12m");
    const host = await context.host();
    const settings = { ...theSettings(host), keep };
    const repository = readRepository(settings.repository);
    return change(() => enableRecipe(settings, repository, at, context.program), values, context);
  },
});
