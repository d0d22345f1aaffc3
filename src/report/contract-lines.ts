// Lines of the form "key: value", as the Python version printed them. Scripts read them.

import { lineOf } from "../text/lines.ts";

/** Returns one line for each value. */
export function contractLines(values: object): string[] {
  return Object.entries(values).map(([key, value]) => lineOf`${key}: ${contractValue(value)}`);
}

function contractValue(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
