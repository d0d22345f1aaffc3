/** More of one line says nothing new: apt repeats itself for megabytes about a file that does not end. */
const lineLimit = 1000;

/** A program's output as lines that can be shown and logged: what would move a terminal's cursor is taken out. */
export function linesOf(output: string): string[] {
  return Bun.stripANSI(output)
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(/\p{Cc}/gu, (control) => (control === "\t" ? "\t" : "")).trimEnd())
    .filter((line) => line !== "")
    .map((line) => (line.length > lineLimit ? `${line.slice(0, lineLimit)}…` : line));
}

/** All of it on one line: what was looked at on a host is no more to be trusted than a program's output. */
export function oneLine(text: string): string {
  return linesOf(text).join(" ");
}

/** The line to type for these words, in any POSIX shell. */
export function shellLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
