// The state of alerts for a terminal.

import { type Cell, table } from "../../report/table.ts";
import { countOf } from "../../text/lines.ts";
import { ageText } from "../../text/time.ts";
import { everyText } from "../../watch/timer.ts";
import { linesText, rootCommand, type View } from "../view.ts";
import type { WatchStatus } from "./status.ts";

/** Returns a row for each receiver, and the checks that fail. */
export function watchText(watch: WatchStatus, faults: readonly string[], nowMs: number, view: View): string {
  const { enabled, every_seconds, last_look, failing, receivers } = watch;
  const ageOf = (iso: string): string => ageText(Date.parse(iso), nowMs);
  if (!enabled) {
    const next = { argv: ["edox-ops", "watch", "enable", "--help"] };
    return linesText(view, { text: "Alerts are not enabled.", next });
  }
  const rows = receivers.map(({ name, target, delivered }): Cell[] => {
    const reason = reasonOf(watch, name);
    const state: Cell =
      reason === null
        ? { text: "ok", paint: (text) => view.paint("ok", text) }
        : { text: "failed", paint: (text) => view.paint("failed", text) };
    return [name, target, state, delivered === null ? "never" : ageOf(delivered)];
  });
  const last = last_look === null ? "no run yet" : `last run ${ageOf(last_look)}`;
  const undelivered = receivers.flatMap(({ name, queued }) => {
    const reason = reasonOf(watch, name);
    if (reason === null) return [];
    const count = queued === 0 ? "" : ` (${countOf(queued, "event")} queued)`;
    return [
      { mark: "warning" as const, text: `${name}: ${reason}${count}`, next: { argv: rootCommand("watch test") } },
    ];
  });
  return [
    table(["RECEIVER", "TARGET", "STATE", "LAST DELIVERY"], rows, view.width),
    linesText(
      view,
      { text: `Checked every ${everyText(every_seconds ?? 0)}, ${last}.` },
      ...failing.map(({ check, status, since }) => {
        const mark = status === "error" ? ("failed" as const) : ("warning" as const);
        return { mark, text: `${check} fails, first found ${ageOf(since)}` };
      }),
      ...undelivered,
      ...faults.map((text) => ({ mark: "warning" as const, text })),
    ),
  ].join("\n");
}

function reasonOf({ receivers, heartbeat }: WatchStatus, name: string): string | null {
  if (name === "heartbeat") return heartbeat?.reason ?? null;
  return receivers.find((each) => each.name === name)?.reason ?? null;
}
