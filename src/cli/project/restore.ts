import { Problem } from "../../engine/step.ts";
import { command } from "../command.ts";
import { slugArgument, slugOf } from "./record.ts";
import { release, releaseFlags } from "./release.ts";

const { "no-backup": _, ...flags } = releaseFlags;

export default command({
  meta: { name: "restore", description: "make a backup the site again; what it replaces becomes a backup" },
  args: {
    ...slugArgument,
    backup: { type: "string", valueHint: "directory", description: "its name or path, the newest without it" },
    yes: { type: "boolean", description: "do it: without it nothing is replaced" },
    ...flags,
  },
  async run(values, context) {
    const { restoreOrder } = await import("../../projects/publish.ts");
    const slug = slugOf(values);
    if (!values.yes && !values["dry-run"]) {
      const hint = ["sudo", "edox-ops", ...context.typed, "--yes"];
      throw new Problem("blocked", `restore replaces the site of ${slug}: say --yes, or --dry-run to look`, { hint });
    }
    const told = {
      command: "project restore",
      id: "project.restore",
      done: (name: string) => `Restored project ${slug} from ${name}.`,
    };
    return release(
      slug,
      (project, choices, host, trees) =>
        restoreOrder(project, values.backup ?? null, { ...choices, backup: true }, host, trees),
      told,
      values,
      context,
    );
  },
});
