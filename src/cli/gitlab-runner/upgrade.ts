import { Problem } from "../../engine/step.ts";
import { lockPath, runnerLogPath } from "../../recipes/paths.ts";
import { runLog } from "../../report/run-log.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { demandRoot, interruption, takeLock } from "../run.ts";
import { drainFlag, drainOf } from "./drain.ts";

export default command({
  meta: { name: "upgrade", description: "bring GitLab Runner up to date when its running jobs have ended" },
  args: { ...drainFlag, quiet: { type: "boolean", description: "print errors only" } },
  async run(values, context) {
    const { upgrade } = await import("../../runner/upgrade.ts");
    const drainMs = drainOf(values.drain);
    const { console, typed } = context;
    const host = await context.host();
    demandRoot(host, context);
    const again = ["sudo", "edox-ops", ...typed];
    const signal = host.heedSignals();
    const lock = await takeLock(host, lockPath, again);
    const tell = (sentence: string) => values.quiet || console.err(`${sentence}\n`);
    const log = runLog(runnerLogPath, host, (sentence) => console.err(`warning: ${sentence}\n`));
    const step = { id: "runner.upgrade", title: "GitLab Runner is up to date" };
    const result = { ...step, changes: [], unseen: [], warnings: [], ran: [] };
    log.started({ ...step, wants: [] });
    try {
      const { from, to, warnings } = await upgrade(host, drainMs, () => interruption(signal(), again), tell);
      log.finished({ ...result, warnings, outcome: from === to ? "ok" : "changed" });
      for (const sentence of warnings) console.err(`warning: ${sentence}\n`);
      const said = from === to ? `GitLab Runner ${from} is the newest` : `GitLab Runner was ${from}, and is ${to}`;
      if (!values.quiet) await console.out(`${said}\n`);
      return exitCode.done;
    } catch (error) {
      const problem = Problem.of(error);
      log.finished({ ...result, outcome: "failed", problem });
      throw problem;
    } finally {
      lock.release();
    }
  },
});
