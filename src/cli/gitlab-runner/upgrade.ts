import { demandBundle } from "../../run/recipes.ts";
import type { Session } from "../../run/session.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { bundleFlags, editFlags } from "../flags.ts";
import { run } from "../run.ts";
import { convergeDrained, drainFlag, drainOf } from "./drain.ts";

export default command({
  meta: {
    name: "upgrade",
    description: "Upgrade GitLab Runner after its running jobs",
    long: [
      "It accepts no new jobs, waits for the running ones, upgrades the packages and starts the service again.",
      "If jobs still run after the timeout, nothing is changed.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner upgrade",
      "sudo edox-ops gitlab-runner upgrade --drain 10m",
      "sudo edox-ops gitlab-runner upgrade --dry-run",
    ],
  },
  args: { ...drainFlag, ...editFlags, ...bundleFlags },
  async run(values, context) {
    const { fetchLists, installedVersion, outdatedPackages, upgrading } = await import("../../runner/upgrade.ts");
    const drainMs = drainOf(values.drain);
    const host = await context.host();
    const before = installedVersion(host);
    // The service must be stopped before the package's own scripts run: they would wait for its jobs while holding
    // dpkg's lock.
    const stops = async (session: Session): Promise<boolean> => {
      if (session.bundle === null) await fetchLists(session.host, session.stop);
      else await demandBundle(session);
      return (await outdatedPackages(session.host)).length > 0;
    };
    return run({ ...values, yes: true }, context, async (session) => {
      await convergeDrained(session, { recipeFor: upgrading, drainMs, stops });
      const after = installedVersion(host);
      if (before !== after) session.say(lineOf`GitLab Runner was ${before}, and is ${after}`);
    });
  },
});
