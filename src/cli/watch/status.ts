import type { HostReader } from "../../host/host.ts";
import type { Document } from "../../report/schema.ts";
import { lineOf } from "../../text/lines.ts";
import { originOf } from "../../watch/receivers/http.ts";
import { receiversOf } from "../../watch/receivers/receiver.ts";
import { readSettings, type Settings } from "../../watch/settings.ts";
import { readState } from "../../watch/state.ts";
import { everyText } from "../../watch/timer.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";

export type WatchStatus = NonNullable<Document["watch"]>;

export default command({
  meta: {
    name: "status",
    description: "Show failing checks and undelivered alerts (read-only)",
    long: [
      "Each receiver is listed with the alerts that it has not accepted yet, and the reason.",
      "The settings are readable only by root.",
    ],
    examples: ["sudo edox-ops watch status", "sudo edox-ops watch status --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const host = await context.host();
    const { watch, faults } = statusOf(host);
    return printFound(context, values.json, {
      document: { ...(faults.length > 0 && { warnings: faults }), watch },
      async view(view) {
        const { watchText } = await import("./status-view.ts");
        return watchText(watch, faults, host.now(), view);
      },
      text: () => linesOf(watch, faults).join(""),
    });
  },
});

function statusOf(reader: HostReader): { watch: WatchStatus; faults: string[] } {
  const settings = readSettings(reader);
  const { state, fault } = readState(reader);
  const failing = Object.entries(state.checks).flatMap(([check, { reported, since }]) => {
    return reported === null ? [] : [{ check, status: reported, since }];
  });
  const watch: WatchStatus = {
    enabled: settings !== null,
    every_seconds: settings?.everySeconds ?? null,
    looks: state.looks,
    last_look: state.last_look,
    failing: failing.sort((one, other) => (one.check < other.check ? -1 : 1)),
    receivers: settings === null ? [] : receiversIn(settings, state.queues),
    heartbeat: state.heartbeat,
  };
  return { watch, faults: fault === null ? [] : [fault] };
}

function receiversIn(settings: Settings, queues: ReturnType<typeof readState>["state"]["queues"]) {
  const heartbeat = settings.secrets.get("heartbeat-url");
  const all = [
    ...receiversOf(settings).map(({ name, target }) => ({ name, target })),
    ...(heartbeat === undefined ? [] : [{ name: "heartbeat", target: originOf(heartbeat) }]),
  ];
  return all.map(({ name, target }) => {
    const { events = [], failing_since = null, reason = null, delivered = null } = queues[name] ?? {};
    return { name, target, queued: events.length, failing_since, reason, delivered };
  });
}

function linesOf(
  { enabled, every_seconds, last_look, failing, receivers, heartbeat }: WatchStatus,
  faults: string[],
): string[] {
  if (!enabled) return ["Alerts are not enabled.\n"];
  return [
    lineOf`every: ${everyText(every_seconds ?? 0)}`,
    lineOf`last run: ${last_look ?? "none"}`,
    ...failing.map(({ check, status, since }) => lineOf`failing: ${check} (${status} since ${since})`),
    ...receivers.map(({ name, target, queued, reason, delivered }) => {
      const beat = name === "heartbeat" ? heartbeat?.reason : reason;
      const parts = [target, `${queued} queued`, `last delivered ${delivered ?? "never"}`, ...(beat ? [beat] : [])];
      return lineOf`${name}: ${parts.join("; ")}`;
    }),
    ...faults.map((each) => lineOf`warning: ${each}`),
  ];
}
