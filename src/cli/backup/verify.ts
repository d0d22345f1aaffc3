import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { run } from "../run.ts";
import { lockBackups, recordedAccess } from "./access.ts";

export default command({
  meta: {
    name: "verify",
    description: "Verify that the backups can be read",
    long: [
      "It checks the structure of the repository, and reads an eighth of the data: each time the next one.",
      "With --all it reads all data, which takes as long as a restore.",
      "A damage is reported by doctor until a later verification succeeds.",
    ],
    examples: ["sudo edox-ops backup verify", "sudo edox-ops backup verify --all"],
  },
  args: { all: { type: "boolean", description: "Verify all data" }, ...outputFlags },
  async run(values, context) {
    const { verify } = await import("../../backup/upkeep.ts");
    const { shownLocation } = await import("../../backup/repository.ts");
    const host = await context.host();
    const { settings, access } = recordedAccess(host);
    const to = shownLocation(settings.repository);
    return run(values, context, async (session) => {
      await lockBackups(session);
      const step = { id: "backup.verify", title: `${to} can be read`, action: `Verifying ${to}` };
      const all = values.all === true;
      await session.operation(
        step,
        () => verify(host, settings, access, { all, stop: session.stop }),
        () => {
          return { outcome: "ok", warnings: [] };
        },
      );
      session.say(all ? "Verified all data.\n" : "Verified the structure, and an eighth of the data.\n");
    });
  },
});
