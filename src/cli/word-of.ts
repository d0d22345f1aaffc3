// The declared commands as plain data, for whatever is written from them.

import type { ArgDef, ArgsDef, CommandDef, Resolvable } from "citty";
import type { Flag, Value, Word } from "../report/word.ts";
import { choicesOf } from "./arguments.ts";

// biome-ignore lint/suspicious/noExplicitAny: of whatever arguments, each command declares its own
type Command = CommandDef<any>;

/** What is answered before any command sees a word, and is declared by none. */
const help = { name: "--help", description: "say what can be typed", value: null };
const version = { name: "--version", description: "print the version", value: null };

/** Loads every command. */
export async function wordOf(command: Command, path: readonly string[]): Promise<Word> {
  const { description = "" } = (await settled(command.meta)) ?? {};
  const args = Object.entries(((await settled(command.args)) ?? {}) as ArgsDef);
  const subCommands = Object.entries((await settled(command.subCommands)) ?? {});
  return {
    path,
    description,
    flags: [...args.flatMap(flagOf), help, ...(path.length === 1 ? [version] : [])],
    values: args.flatMap(([name, arg]) => (arg.type === "positional" ? [taken(name, arg)] : [])),
    words: await Promise.all(
      subCommands.map(async ([name, sub]) => wordOf((await settled(sub)) as Command, [...path, name])),
    ),
  };
}

function flagOf([name, arg]: [string, ArgDef]): Flag[] {
  if (arg.type === "positional") return [];
  const { description = "", valueHint = name } = arg;
  return [{ name: `--${name}`, description, value: arg.type === "boolean" ? null : taken(valueHint, arg) }];
}

function taken(name: string, arg: ArgDef): Value {
  const { description = "", required, valueHint = name } = arg;
  const kind = valueHint.toLowerCase();
  const path = kind === "file" || kind === "directory" ? kind : null;
  return { name, description, required: required !== false, choices: choicesOf(arg), path };
}

function settled<T>(given: Resolvable<T> | undefined): Promise<T> | T | undefined {
  return typeof given === "function" ? (given as () => T | Promise<T>)() : given;
}
