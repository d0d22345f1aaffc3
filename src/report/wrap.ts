// Fits text into the width of a terminal.

/** The narrowest width that text is wrapped to, in columns. A narrower terminal wraps by itself. */
const narrowest = 20;

/**
 * Returns the text broken between words for a terminal of `width` columns. Each line begins at column `indent`: the
 * caller prints what is before the first one. A longer word stays whole, so that a path or a command can be copied. In
 * place of a text, `text` may be its parts, which are broken only between each other.
 */
export function wrap(text: string | readonly string[], width: number, indent = 0): string {
  const room = width - indent;
  const whole = typeof text === "string" ? text : text.join(" ");
  if (room < narrowest || Bun.stringWidth(whole) <= room) return whole;
  return broken(typeof text === "string" ? text.split(" ") : text, room).join(`\n${" ".repeat(indent)}`);
}

/**
 * Returns a command line broken for a terminal of `width` columns, so that it can be copied into a shell: each line but
 * the last one ends with a backslash. A flag stays beside its value, and a quoted word stays whole.
 */
export function shellWrap(line: string, width: number, indent: number): string {
  // The first line begins two columns before the others.
  const room = width - indent - " \\".length;
  if (room < narrowest || Bun.stringWidth(line) <= width - indent) return line;
  const words = line.match(/(?:--?[\w-]+ (?=[^\s-]))?(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return broken(words, room).join(` \\\n${" ".repeat(indent)}`);
}

function broken(words: readonly string[], room: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || Bun.stringWidth(longer) <= room) {
      line = longer;
      continue;
    }
    lines.push(line.trimEnd());
    line = word;
  }
  return [...lines, line];
}
