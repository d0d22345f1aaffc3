// Foreign text as lines. Names of files, a program's output, answers of a server: whatever this program did not write
// itself passes through here before it reaches a terminal, a log or a message.

/** Names of a list that are printed before the rest is counted. */
const shownNames = 3;
/** More of one line says nothing new: apt repeats itself for megabytes about a file that does not end. */
const lineLimit = 1000;

/** What a program writes for a terminal: colours and moves of the cursor. Longer sequences could swallow a whole text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const terminalSequence = /(?:\u001B\[|\u009B)[0-?]{0,30}[ -/]{0,5}[@-~]/g;

/** Controls, marks that turn the direction of text or take no room, separators of lines, and what is no character. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFE\uFFFF]/gu;

/** Returns the text with each character that is not printed as an escape, \u202e, line ends and tabs excepted. */
export function visible(text: string): string {
  return text.replace(unprintable, (character) => (/[\n\t]/.test(character) ? character : escapeOf(character)));
}

/** Returns JSON with the same meaning in which a terminal finds no control: JSON itself escapes the first 32 only. */
export function visibleJson(json: string): string {
  return json.replace(unprintable, (character) => (character === "\n" ? character : escapeOf(character)));
}

/** As JSON and JavaScript escape: two of them for a character beyond the first 65,536. */
function escapeOf(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** Returns a program's output as lines that can be shown and logged, without the empty ones. */
export function linesOf(output: string): string[] {
  return output
    .replace(terminalSequence, "")
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .map((line) => visible(line).trimEnd())
    .filter((line) => line !== "")
    .map((line) => (line.length > lineLimit ? `${line.slice(0, lineLimit)}…` : line));
}

/** Returns all of it on one line, in which no tab makes a column. */
export function oneLine(text: string): string {
  return linesOf(text).join(" ").replaceAll("\t", " ");
}

/** Returns a printed line: the template's own text, with every value in it on one line. */
export function lineOf(own: TemplateStringsArray, ...values: (string | number)[]): string {
  return `${String.raw({ raw: own }, ...values.map((value) => oneLine(String(value))))}\n`;
}

/** Returns the line to type for these words, in a POSIX shell; one with unprintable characters needs bash or zsh. */
export function shellLine(argv: readonly string[]): string {
  return argv.map(shellWord).join(" ");
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (word.search(unprintable) < 0) return `'${word.replaceAll("'", `'\\''`)}'`;
  // Octal digits end by themselves in every shell that has $'…'; hexadecimal ones do not.
  const octal = (character: string): string =>
    [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `$'${word.replace(/[\\']/g, "\\$&").replace(unprintable, octal)}'`;
}

/** Returns the first of these names as a list, and how many more there are. */
export function few(names: readonly string[]): string {
  const more = names.length - shownNames;
  return names.slice(0, shownNames).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
