// Finds the command that the typed words name.

import { withoutSecrets } from "../run/without-secrets.ts";
import { nearestName } from "../text/nearest-name.ts";
import { readArguments, usage } from "./arguments.ts";
import type { Command } from "./command.ts";

export interface Resolved {
  command: Command;
  /** The names of the command and those that lead to it. */
  names: string[];
  /** The words after the names. */
  rest: string[];
  /** Whether the words ask for the help of the command. */
  asksForHelp: boolean;
}

/** Commands and flags that delete something or replace live content. A hint never adds them by correcting a word. */
const destructive =
  /^(remove|rm|uninstall|unregister|disable|prune|restore|rollback|-y|--(yes|force|purge|docker|replace|delete-files|no-backup)(=.*)?)$/;

/** Names that other programs, such as restic and monit, have for commands. */
const synonyms: Readonly<Record<string, string>> = {
  ...{ install: "bootstrap", setup: "bootstrap", init: "bootstrap" },
  ...{ status: "doctor", check: "doctor", update: "self-update", upgrade: "self-update" },
  ...{ snapshot: "backup run", snapshots: "backup list", alerts: "watch", monitor: "watch" },
  ...{ "backup create": "backup run", "backup start": "backup run", "backup now": "backup run" },
  ...{ "backup snapshots": "backup list", "backup show": "backup status", "backup check": "backup verify" },
  ...{ "backup setup": "backup init", "backup prune": "backup enable", "backup schedule": "backup enable" },
  ...{ "watch show": "watch status", "watch list": "watch status", "watch check": "watch run" },
  ...{ "watch setup": "watch enable", "watch init": "watch enable", "watch start": "watch enable" },
};

/** Follows the words to the last command that they name. Throws a usage Problem for an unknown command. */
export async function resolve(root: Command, typed: readonly string[]): Promise<Resolved> {
  const end = typed.includes("--") ? typed.indexOf("--") : typed.length;
  const isHelp = (word: string, i: number): boolean => i < end && (word === "--help" || word === "-h");
  let asksForHelp = typed.some(isHelp);
  let rest = typed.filter((word, i) => !isHelp(word, i));
  let command = root;
  const names: string[] = [];
  while (command.subCommands !== undefined) {
    const { subCommands: known, aliases = {}, fallback } = command;
    const [word] = rest;
    if (word === undefined || (command === root && isVersionWord(word))) break;
    if (word.startsWith("-")) {
      await demandFlagsLast(root, { command, names, rest });
      if (fallback === undefined) break;
    }
    const named = Object.hasOwn(aliases, word) ? (aliases[word] as string) : word;
    if (word === "help" && !Object.hasOwn(known, word)) {
      asksForHelp = true;
      rest = rest.slice(1);
      continue;
    }
    const name = Object.hasOwn(known, named) ? named : fallback;
    const load = name === undefined ? undefined : known[name];
    if (name === undefined || load === undefined) return unknownCommand(root, { command, names, rest });
    command = await load();
    names.push(name);
    if (Object.hasOwn(known, named)) rest = rest.slice(1);
  }
  return { command, names, rest, asksForHelp };
}

/** Returns whether the word asks for the version of the program. */
export function isVersionWord(word: string): boolean {
  return ["version", "-V", "--version"].includes(word);
}

/** Returns the function that corrects the words after the names of a command. */
export function correctionOf({ command, names, rest }: Omit<Resolved, "asksForHelp">) {
  return (at: number, words: readonly string[], count = 1): string[] | undefined => {
    if (words.some((word) => destructive.test(word))) return undefined;
    const corrected = withoutSecrets([...rest.slice(0, at), ...words, ...rest.slice(at + count)]);
    try {
      readArguments(corrected, command.args ?? {});
    } catch {
      // Another part of the line is wrong as well.
      return undefined;
    }
    return ["edox-ops", ...names, ...corrected];
  };
}

/** Throws a usage Problem for flags before the name of a command. */
async function demandFlagsLast(
  root: Command,
  { command: { subCommands = {}, aliases = {} }, names, rest }: Omit<Resolved, "asksForHelp">,
): Promise<void> {
  const at = rest.findIndex((word) => !word.startsWith("-"));
  const name = rest[at] ?? "";
  if (at < 0 || !(Object.hasOwn(subCommands, name) || Object.hasOwn(aliases, name))) return;
  const moved = await suggestion(root, [...names, name], [...rest.slice(at + 1), ...rest.slice(0, at)]);
  throw usage(`${rest[0]?.split("=")[0]} must follow the command`, undefined, moved);
}

/**
 * Returns the line of these names and words, or the help of the command if the line is not valid: an unknown flag can be
 * a misspelled one, whose value is a secret.
 */
async function suggestion(root: Command, names: readonly string[], words: readonly string[]): Promise<string[]> {
  let known = names;
  try {
    const found = await resolve(root, [...names, ...words]);
    known = found.names;
    readArguments(found.rest, found.command.args ?? {});
    if (found.command.run !== undefined) return ["edox-ops", ...names, ...withoutSecrets(words)];
  } catch {
    // The help documents the rest of the line as well.
  }
  return ["edox-ops", ...known, "--help"];
}

/** Throws the usage Problem of a word that names no command of this group. */
async function unknownCommand(root: Command, { command, names, rest }: Omit<Resolved, "asksForHelp">): Promise<never> {
  const [word = "", ...others] = rest;
  const message = `unknown command '${word}'`;
  const group = ["edox-ops", ...names, "--help"];
  const line = async (path: readonly string[], more: readonly string[] = others): Promise<string[]> => {
    return destructive.test(path.at(-1) ?? "") ? ["edox-ops", ...path, "--help"] : suggestion(root, path, more);
  };
  const joined = `${word}-${others[0]}`;
  if (Object.hasOwn(command.subCommands ?? {}, joined)) {
    throw usage(message, [...names, joined].join(" "), await line([...names, joined], others.slice(1)));
  }
  const full = [...names, word].join(" ");
  const synonym = Object.hasOwn(synonyms, full) ? synonyms[full]?.split(" ") : undefined;
  const namesakes = synonym === undefined ? await namesakesOf(root, [...names, word]) : [synonym];
  if (namesakes.length === 1) throw usage(message, namesakes[0]?.join(" "), await line(namesakes[0] ?? []));
  const near = nearestName(word, [...Object.keys(command.subCommands ?? {}), ...Object.keys(command.aliases ?? {})]);
  if (near !== undefined) throw usage(message, near, await line([...names, near]));
  const other = namesakes.length === 0 ? await nearestPath(root, word) : undefined;
  if (other !== undefined) throw usage(message, other.join(" "), await line(other));
  const all = namesakes.map((path) => path.join(" "));
  throw usage(message, all.length === 0 ? undefined : all.join(" or "), group);
}

/** Returns the shortest paths of the commands that end with most of these words: `project remove` is meant by `remove`. */
async function namesakesOf(root: Command, words: readonly string[]): Promise<string[][]> {
  const all = await pathsBelow(root);
  for (let from = 0; from < words.length; from++) {
    const tail = words.slice(from);
    const found = all.filter((path) => path.slice(-tail.length).join(" ") === tail.join(" "));
    const shortest = Math.min(...found.map((path) => path.length));
    if (found.length > 0) return found.filter((path) => path.length === shortest);
  }
  return [];
}

/** Returns the one command of any group whose name is nearest to the word, or undefined. */
async function nearestPath(root: Command, word: string): Promise<string[] | undefined> {
  const all = await pathsBelow(root);
  const near = nearestName(word, [...new Set(all.map((path) => path.at(-1) ?? ""))]);
  const found = all.filter((path) => path.at(-1) === near);
  return found.length === 1 ? found[0] : undefined;
}

async function pathsBelow({ subCommands = {} }: Command, path: readonly string[] = []): Promise<string[][]> {
  const below = Object.entries(subCommands).map(async ([name, load]) => {
    const own = [...path, name];
    return [own, ...(await pathsBelow(await load(), own))];
  });
  return (await Promise.all(below)).flat();
}
