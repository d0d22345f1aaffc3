import { snapshot } from "../../engine/snapshot.ts";
import { lineOf } from "../../text/lines.ts";
import { watchLockPath } from "../../watch/paths.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { run } from "../run.ts";
import { demandSettings } from "./settings.ts";

/** In milliseconds: longer than a look takes. */
const lockWaitMs = 60_000;

export default command({
  meta: {
    name: "run",
    description: "Check this host once and send alerts about changes",
    long: [
      "The timer of watch enable runs it.",
      "A failure is reported when two runs in a row have found it, and so is a recovery.",
      "A message that was not delivered is sent again by a later run.",
      "The exit code is 0 even if a check fails or a receiver does not accept messages.",
    ],
    examples: ["sudo edox-ops watch run", "sudo edox-ops watch run --dry-run"],
  },
  args: editFlags,
  async run(values, context) {
    const { examineHost } = await import("../examine.ts");
    const { performLook, planLook } = await import("../../watch/look.ts");
    return run(values, context, async (session) => {
      const { host, options } = session;
      if (!options.dryRun) {
        session.demandRoot();
        await session.lock("watch", watchLockPath, lockWaitMs);
      }
      const settings = demandSettings(host);
      const step = { id: "watch.run", title: "this host is checked, and changes are reported" };
      const look = await session.operation(
        step,
        async () => {
          const { findings } = await examineHost(host, context);
          return options.dryRun ? planLook(snapshot(host), settings, findings) : performLook(host, settings, findings);
        },
        ({ warnings }) => ({ outcome: options.dryRun ? "pending" : "changed", warnings }),
      );
      const events = look.events.map(({ check, kind, status, detail }) => ({ check, kind, status, detail }));
      session.include({ alerts: { events, deliveries: look.deliveries } });
      for (const { kind, check, detail } of events) session.say(lineOf`${kind}: ${check}: ${detail}`);
      if (events.length === 0) session.say("No change to report.\n");
      for (const { receiver, target, reason } of look.deliveries) {
        if (reason !== null) await session.warn(`${receiver} (${target}) did not accept the alert: ${reason}`);
        else session.say(lineOf`${options.dryRun ? "Would send" : "Sent"} to ${receiver} (${target}).`);
      }
    });
  },
});
