// Describes the declared commands as plain data, from which help texts and completions are generated.

import type { CommandSpec, Flag, Value } from "../report/command-spec.ts";
import { choicesOf } from "./arguments.ts";
import { type Argument, type Command, flagGroups } from "./command.ts";

/** Flags that are handled before any command runs, so that no command declares them. */
const help = { name: "--help", short: "-h", description: "Show this help", value: null };
const version = { name: "--version", short: "-V", description: "Print the version", value: null };

/** Returns a command as data, without its subcommands: it imports nothing. */
function flatSpecOf({ meta, args = {} }: Command, path: readonly string[]): CommandSpec {
  const { description, long = [], examples = [] } = meta;
  const declared = Object.entries(args).flatMap(flagOf);
  const handled = path.length === 1 ? [help, version] : [help];
  const flags: Flag[] = [
    ...declared,
    ...handled.map((flag) => ({ ...flag, group: declared.length > 0 ? "Output" : "Flags" })),
  ];
  return {
    ...{ path, description, long: long.join(" "), examples },
    flags: flagGroups.flatMap((group) => flags.filter((flag) => flag.group === group)),
    values: Object.entries(args).flatMap(([name, arg]) =>
      arg.type === "positional" ? [valueSpec(arg.valueHint ?? name, arg)] : [],
    ),
    words: [],
    aliases: [],
    group: "",
  };
}

/** Returns a command and its subcommands as data, down to this depth. Imports those commands. */
export async function commandSpecOf(
  command: Command,
  path: readonly string[],
  depth = Number.POSITIVE_INFINITY,
): Promise<CommandSpec> {
  const { subCommands = {}, aliases = {}, groups = {} } = command;
  const names = depth > 0 ? sorted(Object.keys(subCommands), Object.values(groups).flat()) : [];
  const words = names.map(async (name) => {
    const spec = await commandSpecOf(await (subCommands[name] as () => Promise<Command>)(), [...path, name], depth - 1);
    const others = Object.entries(aliases).flatMap(([alias, of]) => (of === name ? [alias] : []));
    const [group = ""] = Object.entries(groups).find(([, members]) => members.includes(name)) ?? [];
    return { ...spec, aliases: others, group };
  });
  return { ...flatSpecOf(command, path), words: await Promise.all(words) };
}

/** Returns the names in the order of `first`, and then the others. */
function sorted(names: readonly string[], first: readonly string[]): string[] {
  return [...first.filter((name) => names.includes(name)), ...names.filter((name) => !first.includes(name))];
}

function flagOf([name, arg]: [string, Argument]): Flag[] {
  if (arg.type === "positional") return [];
  const { description, valueHint = name, alias, group = "Flags" } = arg;
  const value = arg.type === "boolean" ? null : valueSpec(valueHint, arg);
  return [{ name: `--${name}`, short: alias === undefined ? null : `-${alias}`, description, value, group }];
}

function valueSpec(name: string, arg: Argument): Value {
  const { description, valueHint = name } = arg;
  const kind = valueHint.toLowerCase();
  const path = kind === "file" || kind === "directory" ? kind : null;
  const required = arg.type !== "positional" || arg.required !== false;
  return { name, description, required, choices: choicesOf(arg), completes: arg.completes ?? path };
}
