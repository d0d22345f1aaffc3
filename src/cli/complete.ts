// Finds what can stand at the cursor of a command line. The completion scripts of all shells print it.

import { type CommandSpec, type Flag, lastWordOf, plainName, type Value } from "../report/command-spec.ts";
import { oneLine } from "../text/lines.ts";
import { isRepeatable } from "./arguments.ts";
import { root } from "./cli.ts";
import type { Command } from "./command.ts";
import { commandSpecOf } from "./command-spec.ts";
import { type Candidate, valuesOnHost } from "./completion-values.ts";
import type { Context } from "./context.ts";
import { resolve } from "./resolve.ts";

/** What a shell offers. It adds the paths of its own working directory to the words. */
interface Offer {
  kind: "words" | "files" | "directories";
  words: readonly Candidate[];
}

const nothing: Offer = { kind: "words", words: [] };

/**
 * Returns the answer to a completion script. `typed`: the words up to the cursor, of which the last may be "". The shell
 * selects the words that begin with the last one. Never throws: a command line or a host with a fault has no words.
 */
export async function completionText(typed: readonly string[], context: Context): Promise<string> {
  const { kind, words } = await offerFor(typed, context).catch(() => nothing);
  // A word that is not one printable line is not offered.
  const safe = words.filter(([word]) => word !== "" && word === oneLine(word));
  return [`:${kind}`, ...safe.map(([word, text]) => `${word}\t${oneLine(text)}`), ""].join("\n");
}

async function offerFor(typed: readonly string[], context: Context): Promise<Offer> {
  const current = typed.at(-1) ?? "";
  const before = typed.slice(0, -1);
  const forHelp = before[0] === "help";
  const { command, names, rest } = await resolve(root, forHelp ? before.slice(1) : before);
  const spec = await commandSpecOf(command, ["edox-ops", ...names], 1);
  if (rest.length === 0 && spec.words.length > 0 && !current.startsWith("-")) {
    const commands = subcommands(spec, current, command === root && !forHelp);
    if (command.fallback === undefined || forHelp) return { kind: "words", words: commands };
    const others = await offerFor([...before, command.fallback, current], context);
    return { ...others, words: [...commands, ...others.words] };
  }
  return forHelp ? nothing : argumentsOf({ spec, command, rest, current }, context);
}

/** Returns the subcommands. An alias is among them once its first letter is typed. `isRoot`: adds help and version. */
function subcommands({ words, flags }: CommandSpec, current: string, isRoot: boolean): Candidate[] {
  const more = isRoot ? flags.map(({ name, description }): Candidate => [name.slice(2), description]) : [];
  const named = words.flatMap((word) => {
    const aliases = current === "" ? [] : word.aliases.filter((alias) => alias.startsWith(current));
    return [lastWordOf(word), ...aliases].map((name): Candidate => [name, word.description]);
  });
  return [...named, ...more];
}

interface Place {
  spec: CommandSpec;
  command: Command;
  /** The words between the command and the cursor. */
  rest: readonly string[];
  /** The word at the cursor, up to it. */
  current: string;
}

async function argumentsOf({ spec, command, rest, current }: Place, context: Context): Promise<Offer> {
  const { given, words, waiting, onlyWords } = readTyped(rest, spec.flags);
  const slug = words.find((_, i) => spec.values[i]?.completes === "slug");
  const valuesFor = async (value: Value, text: string, prefix: string): Promise<Offer> => {
    const { choices, completes, name } = value;
    const onHost = completes === null ? [] : await valuesOnHost(completes, { context, command, slug });
    const isList = name.endsWith(",...");
    const listed = isList ? text.split(",").slice(0, -1) : [];
    const start = prefix + listed.map((each) => `${each},`).join("");
    // A name that would be read as a flag, or as two of a list, cannot be typed.
    const fits = ([each]: Candidate): boolean =>
      !each.startsWith("-") && !listed.includes(each) && !(isList && each.includes(","));
    const all = [...choices.map((choice): Candidate => [choice, ""]), ...onHost].filter(fits);
    return { kind: kindOf(completes), words: all.map(([each, about]) => [start + each, about]) };
  };
  if (waiting !== null) return valuesFor(waiting, current, "");
  const flags = spec.flags
    .filter((flag) => !given.includes(plainName(flag)) || isRepeatable(flag.name))
    .map(({ name, description }): Candidate => [name, description]);
  if (!onlyWords && current.startsWith("-")) {
    const [name = "", ...text] = current.split("=");
    const value = text.length > 0 ? flagNamed(name, spec.flags)?.value : null;
    return value ? valuesFor(value, text.join("="), `${name}=`) : { kind: "words", words: flags };
  }
  const place = spec.values[words.length];
  const found = place === undefined ? nothing : await valuesFor(place, current, "");
  const isEmpty = found.words.length === 0 && found.kind === "words" && place?.required !== true;
  return isEmpty && current === "" && !onlyWords ? { kind: "words", words: flags } : found;
}

function kindOf(completes: Value["completes"]): Offer["kind"] {
  if (completes === "directory") return "directories";
  return completes === "file" || completes === "profile" ? "files" : "words";
}

interface Typed {
  /** The long names of the typed flags. */
  given: string[];
  /** The typed words that are neither flags nor their values. */
  words: string[];
  /** The value that the next word is, if the last one was its flag. */
  waiting: Value | null;
  /** Whether no flags may follow. */
  onlyWords: boolean;
}

/** Reads the typed words. In contrast to a command that runs, a wrong word before the cursor is no error. */
function readTyped(rest: readonly string[], flags: readonly Flag[]): Typed {
  const typed: Typed = { given: [], words: [], waiting: null, onlyWords: false };
  for (const word of rest) {
    if (typed.waiting !== null) typed.waiting = null;
    else if (word === "--" && !typed.onlyWords) typed.onlyWords = true;
    else if (typed.onlyWords || !word.startsWith("-") || word === "-") typed.words.push(word);
    else {
      const [name = "", ...value] = word.split("=");
      const each = /^-[A-Za-z]{2,}$/.test(name) ? [...name.slice(1)].map((letter) => `-${letter}`) : [name];
      const found = each.flatMap((one) => flagNamed(one, flags) ?? []);
      typed.given.push(...found.map(plainName));
      if (value.length === 0) typed.waiting = found.at(-1)?.value ?? null;
    }
  }
  return typed;
}

function flagNamed(name: string, flags: readonly Flag[]): Flag | undefined {
  return flags.find((flag) => plainName(flag) === name || flag.short === name);
}
