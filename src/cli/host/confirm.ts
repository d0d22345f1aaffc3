import { command } from "../command.ts";
import { editFlags } from "../flags.ts";

const { verbose: _, ...flags } = editFlags;

export default command({
  meta: {
    name: "confirm",
    description: "Keep a change that waits for a confirmation",
    long: [
      "A command with --confirm-within rolls its change back unless this command is run in time.",
      "Log in again for it: a connection that is open works even if no new one is accepted.",
      "A further session over the same connection is not a new login.",
      "If the waiting command was killed, the change is kept as well.",
    ],
    examples: ["sudo edox-ops host confirm", "sudo edox-ops host confirm --any-login"],
  },
  args: {
    "any-login": { type: "boolean", description: "Accept the login that made the change, for example at the console" },
    ...flags,
  },
  async run(values, context) {
    const { confirmToRun, demandUnconfirmed, isAwaited } = await import("../../hardening/confirmation.ts");
    const { hardeningLogPath } = await import("../../hardening/paths.ts");
    const { keep } = await import("../../engine/recover.ts");
    const { journaledSteps } = await import("../../engine/interrupted.ts");
    const { lockPath } = await import("../../engine/paths.ts");
    const { run } = await import("../run.ts");
    return run(values, context, async (session) => {
      const { host, options, reporter } = session;
      const anyLogin = values["any-login"] === true;
      if (!options.dryRun) session.demandRoot();
      demandUnconfirmed(host, anyLogin);
      const step = { id: "host.confirm", title: `${journaledSteps(host).join(", ")} is kept` };
      const empty = { ...step, changes: [], unknown: [], warnings: [], ran: [] };
      if (options.dryRun) {
        session.add({ ...empty, outcome: "pending" });
        return reporter.step({ ...empty, outcome: "pending" });
      }
      await session.operation(
        step,
        async () => {
          if (isAwaited(host)) return confirmToRun(host);
          const release = await session.lock("host", lockPath);
          // The rollback may have begun at the deadline meanwhile.
          demandUnconfirmed(host, anyLogin);
          session.catchSignals();
          await keep(host);
          release();
        },
        () => ({ outcome: "changed", warnings: [] }),
      );
      const log = session.log(hardeningLogPath);
      log.started({ ...step, resources: [] });
      log.finished({ ...empty, outcome: "changed" });
      session.say("The change is kept.\n");
    });
  },
});
