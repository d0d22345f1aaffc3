// Turns foreign text into safe lines. File names, program output and server responses pass through here before they
// reach a terminal, a log or a message.

/** The number of list entries that are printed before the rest is only counted. */
const shownNames = 3;
/** Longer lines add no information: apt repeats itself for megabytes about a file that does not end. */
const lineLimit = 1000;

/**
 * Matches terminal control sequences: colours and cursor movements. The lengths are limited, since a longer match could
 * swallow a whole text.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const terminalSequence = /(?:\u001B\[|\u009B)[0-?]{0,30}[ -/]{0,5}[@-~]/g;

/**
 * Matches control characters, direction and zero-width marks, line separators, and code points that are no characters.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFE\uFFFF]/gu;

/** Returns the text with each unprintable character as an escape such as \u202e, except for line ends and tabs. */
export function visible(text: string): string {
  return text.replace(unprintable, (character) => (/[\n\t]/.test(character) ? character : escapeOf(character)));
}

/** Returns equivalent JSON without control characters for a terminal. JSON itself escapes only the first 32. */
export function visibleJson(json: string): string {
  return json.replace(unprintable, (character) => (character === "\n" ? character : escapeOf(character)));
}

/** Returns the escape of JSON and JavaScript: two units for a character beyond the first 65,536. */
function escapeOf(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** Returns a program's output as lines that are safe to print and to log, without the empty ones. */
export function linesOf(output: string): string[] {
  return output
    .replace(terminalSequence, "")
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .map((line) => visible(line).trimEnd())
    .filter((line) => line !== "")
    .map((line) => (line.length > lineLimit ? `${line.slice(0, lineLimit)}…` : line));
}

/** Returns the whole text on one line, with tabs replaced by spaces. */
export function oneLine(text: string): string {
  return linesOf(text).join(" ").replaceAll("\t", " ");
}

/** Returns a printed line from a template, with each value reduced to one line. */
export function lineOf(own: TemplateStringsArray, ...values: (string | number)[]): string {
  return `${String.raw({ raw: own }, ...values.map((value) => oneLine(String(value))))}\n`;
}

/** Returns the command line for these words in a POSIX shell. One with unprintable characters requires bash or zsh. */
export function shellLine(argv: readonly string[]): string {
  return argv.map(shellWord).join(" ");
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (word.search(unprintable) < 0) return `'${word.replaceAll("'", `'\\''`)}'`;
  // Octal escapes have a fixed length in every shell that supports $'…'. Hexadecimal ones do not.
  const octal = (character: string): string =>
    [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `$'${word.replace(/[\\']/g, "\\$&").replace(unprintable, octal)}'`;
}

/** Returns the first of these names as a list, with the number of the others. */
export function few(names: readonly string[]): string {
  const more = names.length - shownNames;
  return names.slice(0, shownNames).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Returns "1 file" or "2 files". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
