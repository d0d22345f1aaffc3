import { lineOf } from "../../engine/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { editFlags } from "../flags.ts";
import { change, demandRoot, interruption } from "../run.ts";
import { drainFlag, drainOf } from "./drain.ts";

export default command({
  meta: { name: "upgrade", description: "bring GitLab Runner up to date when its running jobs have ended" },
  args: { ...drainFlag, ...editFlags },
  async run(values, context) {
    const { fetchLists, installedVersion, newer, upgrading } = await import("../../runner/upgrade.ts");
    const { drained } = await import("../../runner/drain.ts");
    const drainMs = drainOf(values.drain);
    const { console, typed } = context;
    const host = await context.host();
    const before = installedVersion(host);
    const edit = { ...values, yes: true };
    if (values["dry-run"] || values.check) return change(upgrading, edit, context);
    demandRoot(host, context);
    const signal = host.heedSignals();
    const stop = () => interruption(signal(), ["sudo", "edox-ops", ...typed]);
    await fetchLists(host, stop);
    const tell = (sentence: string) => void (values.quiet || console.err(lineOf`${sentence}`));
    // Its own scripts find it stopped: they would wait for its jobs with dpkg's lock in hand.
    const restart = (await newer(host)).size > 0 ? await drained(host, drainMs, stop, tell) : null;
    let exit: number = exitCode.failed;
    try {
      exit = await change(upgrading, edit, context);
    } finally {
      if (exit !== exitCode.done) await restart?.();
    }
    const after = installedVersion(host);
    const quiet = values.quiet || values.json || exit !== exitCode.done;
    if (!quiet && before !== after) await console.out(lineOf`GitLab Runner was ${before}, and is ${after}`);
    return exit;
  },
});
