// Fits text into the width of a terminal.

/** The narrowest width that text is wrapped to, in columns. A narrower terminal wraps by itself. */
const narrowest = 20;

/**
 * Returns the text broken between words for a terminal of `width` columns. Each line begins at column `indent`: the
 * caller prints what is before the first one. A longer word stays whole, so that a path or a command can be copied.
 */
export function wrap(text: string, width: number, indent = 0): string {
  const room = width - indent;
  if (room < narrowest || Bun.stringWidth(text) <= room) return text;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || Bun.stringWidth(longer) <= room) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
