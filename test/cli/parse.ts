import { readArguments } from "../../src/cli/arguments.ts";
import { root } from "../../src/cli/cli.ts";
import { isVersionWord, resolve } from "../../src/cli/resolve.ts";

/** Parses words as the program does, and returns the names of the command. Throws for words that it would refuse. */
export async function parse(words: readonly string[]): Promise<string[]> {
  const { command, names, rest, asksForHelp } = await resolve(root, words);
  if (asksForHelp || (names.length === 0 && rest.length === 1 && isVersionWord(rest[0] ?? ""))) return names;
  if (command.run === undefined) throw new Error(`there is no command ${words.join(" ")}`);
  readArguments(rest, command.args ?? {});
  return names;
}

/** Returns the words of a line as a shell splits them, up to another command or a comment. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (/^([|&;#]|\d?[<>])/.test(word)) break;
    words.push(word.replace(/["']/g, ""));
  }
  return words;
}
