// The parts of the hardening as a table for a terminal.

import { type Cell, table } from "../../report/table.ts";
import { ageText } from "../../text/time.ts";
import { linesText, type View } from "../view.ts";
import type { PartStatus } from "./status.ts";

const words = {
  ok: "effective",
  "not-set-up": "not set up",
  warning: "differs",
  error: "not effective",
  unknown: "unknown",
} as const satisfies Record<PartStatus["status"], string>;

/** Returns a row for each part, and what differs below. */
export function partsText(parts: readonly PartStatus[], nowMs: number, view: View): string {
  const rows = parts.map(({ part, status, since, reason }): Cell[] => [
    part,
    { text: reason ?? words[status], paint: (text) => view.paint(status, text) },
    since === null ? "" : ageText(Date.parse(since), nowMs),
  ]);
  // Parts that only root can determine have the same command.
  const lastWith = new Map(parts.filter(({ differs }) => differs.length > 0).map((each) => [`${each.command}`, each]));
  const notes = parts.flatMap((each) => {
    const details = [...new Set(each.differs.map(({ detail }) => detail))];
    return details.map((detail, i) => ({
      mark: "warning" as const,
      text: `${each.part}: ${detail}`,
      ...(i === details.length - 1 && lastWith.get(`${each.command}`) === each && { next: { argv: each.command } }),
    }));
  });
  const absent = parts.find(({ status, reason }) => status === "not-set-up" && reason === undefined);
  const next = { text: "", next: { label: "Set up a part:", argv: absent?.command ?? [] } };
  const lines = [...notes, ...(absent === undefined ? [] : [next])];
  return [
    table(["PART", "STATE", "SINCE"], rows, view.width),
    ...(lines.length > 0 ? [linesText(view, ...lines)] : []),
  ].join("\n");
}
