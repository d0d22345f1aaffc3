/** Returns a time in Unix milliseconds to the minute: "2026-11-29 06:40 UTC". */
export function utcText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
