// Describes the declared commands as plain data, from which help texts and completions are generated.

import type { ArgDef } from "citty";
import type { CommandSpec, Flag, Value } from "../report/command-spec.ts";
import { choicesOf } from "./arguments.ts";
import type { Command } from "./command.ts";

/** Flags that are handled before any command runs, so that no command declares them. */
const help = { name: "--help", description: "say what can be typed", value: null };
const version = { name: "--version", description: "print the version", value: null };

/** Returns a command and its subcommands as data. Imports every command. */
export async function commandSpecOf(command: Command, path: readonly string[]): Promise<CommandSpec> {
  const args = Object.entries(command.args ?? {});
  const words = Object.entries(command.subCommands ?? {}).map(async ([name, load]) => {
    return commandSpecOf(await load(), [...path, name]);
  });
  return {
    path,
    description: command.meta.description,
    flags: [...args.flatMap(flagOf), help, ...(path.length === 1 ? [version] : [])],
    values: args.flatMap(([name, arg]) => (arg.type === "positional" ? [valueSpec(name, arg)] : [])),
    words: await Promise.all(words),
  };
}

function flagOf([name, arg]: [string, ArgDef]): Flag[] {
  if (arg.type === "positional") return [];
  const { description = "", valueHint = name } = arg;
  return [{ name: `--${name}`, description, value: arg.type === "boolean" ? null : valueSpec(valueHint, arg) }];
}

function valueSpec(name: string, arg: ArgDef): Value {
  const { description = "", required, valueHint = name } = arg;
  const kind = valueHint.toLowerCase();
  const path = kind === "file" || kind === "directory" ? kind : null;
  return { name, description, required: required !== false, choices: choicesOf(arg), path };
}
