import { command } from "./command.ts";
import { editFlags } from "./flags.ts";

const { verbose: _, ...flags } = editFlags;

export default command({
  meta: {
    name: "recover",
    description: "Roll back changes of an interrupted run",
    long: [
      "If a run was killed or the power failed, its last step may be incomplete.",
      "This command restores the state before that step.",
      "The next command that changes the host does the same first, so you rarely need it.",
    ],
    examples: ["sudo edox-ops recover --dry-run", "sudo edox-ops recover"],
  },
  args: flags,
  async run(values, context) {
    const { planRecovery, recoverLogged } = await import("../run/recovery.ts");
    const { lockPath } = await import("../engine/paths.ts");
    const { editWaitMs, run } = await import("./run.ts");
    return run(values, context, async (session) => {
      const { host, options, reporter } = session;
      if (!options.dryRun) {
        session.demandRoot();
        await session.lock("host", lockPath, editWaitMs);
        // A signal that arrives from here on must not end the rollback.
        session.catchSignals();
      }
      const note = (sentence: string) => session.note({ warnings: [sentence], unknown: [] });
      const results = options.dryRun ? await planRecovery(host) : await recoverLogged(host, note);
      session.add(...results);
      for (const result of results) {
        reporter.started(result);
        await reporter.step(result);
      }
      if (results.length === 0) session.say("No interrupted run found.\n");
    });
  },
});
