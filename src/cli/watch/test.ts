import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { linesText, printFound } from "../view.ts";
import { demandSettings } from "./settings.ts";

export default command({
  meta: {
    name: "test",
    description: "Send a test message to every receiver",
    long: [
      "It requests the URL of the heartbeat as well.",
      "The exit code is 1 if a receiver does not accept the message, and the reason is printed.",
      "It changes nothing on this host.",
    ],
    examples: ["sudo edox-ops watch test", "sudo edox-ops watch test --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const { sendTest } = await import("../../watch/test-message.ts");
    const host = await context.host();
    const deliveries = await sendTest(host, demandSettings(host));
    const hasFailed = deliveries.some(({ reason }) => reason !== null);
    return printFound(context, values.json, {
      document: { alerts: { events: [], deliveries } },
      outcome: hasFailed ? "failed" : "ok",
      exit: hasFailed ? exitCode.failed : exitCode.done,
      view: (view) =>
        linesText(
          view,
          ...deliveries.map(({ receiver, target, reason }) => ({
            mark: reason === null ? ("done" as const) : ("failed" as const),
            text: `${receiver} (${target})${reason === null ? " accepted the message" : `: ${reason}`}`,
          })),
        ),
      text: () =>
        deliveries
          .map(({ receiver, target, reason }) => lineOf`${receiver}: ${reason ?? "accepted"} (${target})`)
          .join(""),
    });
  },
});
