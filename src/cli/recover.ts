import type { StepResult } from "../engine/step.ts";
import { command } from "./command.ts";
import { editFlags } from "./flags.ts";

const { verbose: _, ...flags } = editFlags;

export default command({
  meta: { name: "recover", description: "Roll back changes of an interrupted run" },
  args: flags,
  async run(values, context) {
    const { planRecovery, recoverLogged } = await import("../run/recovery.ts");
    const { lockPath } = await import("../engine/paths.ts");
    const { demandRoot, editWaitMs, takeLock } = await import("./run.ts");
    const { reporter } = await import("./teller.ts");
    const { console, typed } = context;
    const host = await context.host();
    const tell = reporter(values, context);
    const report = async (results: StepResult[]): Promise<number> => {
      for (const result of results) await tell.step(result);
      if (results.length === 0 && !values.json && !values.quiet) await console.out("No interrupted run found.\n");
      return tell.end(results);
    };
    if (values["dry-run"] || values.check) return report(await planRecovery(host));
    demandRoot(host, context);
    const lock = await takeLock(host, lockPath, ["sudo", "edox-ops", ...typed], editWaitMs);
    try {
      // A signal that arrives from here on must not end the rollback.
      host.catchSignals();
      return await report(await recoverLogged(host, tell.warning));
    } finally {
      lock.release();
    }
  },
});
