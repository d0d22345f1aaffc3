import type { Stop } from "../../problem/wait.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { editFlags } from "../flags.ts";
import { changeDrained, drainFlag, drainOf } from "./drain.ts";

export default command({
  meta: { name: "upgrade", description: "bring GitLab Runner up to date when its running jobs have ended" },
  args: { ...drainFlag, ...editFlags },
  async run(values, context) {
    const { fetchLists, installedVersion, outdatedPackages, upgrading } = await import("../../runner/upgrade.ts");
    const drainMs = drainOf(values.drain);
    const host = await context.host();
    const before = installedVersion(host);
    // The service must be stopped before the package's own scripts run: they would wait for its jobs while holding
    // dpkg's lock.
    const stops = async (stop: Stop): Promise<boolean> => {
      await fetchLists(host, stop);
      return (await outdatedPackages(host)).length > 0;
    };
    const exit = await changeDrained(upgrading, { ...values, yes: true }, context, drainMs, stops);
    if (exit !== exitCode.done || values["dry-run"] || values.check || values.quiet || values.json) return exit;
    const after = installedVersion(host);
    if (before !== after) await context.console.out(lineOf`GitLab Runner was ${before}, and is ${after}`);
    return exit;
  },
});
