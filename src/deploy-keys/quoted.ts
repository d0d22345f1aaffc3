import { oneLine } from "../text/lines.ts";

const longest = 200;

/** Returns the text of a client, quoted for a message or a log: one line of bounded length, without quotes in it. */
export function quoted(text: string): string {
  const line = oneLine(text.slice(0, longest)).replaceAll("'", "\\u0027");
  return `'${line}${text.length > longest ? "…" : ""}'`;
}
