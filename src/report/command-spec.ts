/**
 * A command of the command line with its flags, values and subcommands. The reference, the man page and the completions
 * are generated from it.
 */
export interface CommandSpec {
  /** The path from the program's name: ["edox-ops", "project", "add"]. */
  path: readonly string[];
  description: string;
  flags: readonly Flag[];
  values: readonly Value[];
  words: readonly CommandSpec[];
}

export interface Flag {
  /** The flag with its dashes: `--json`, or `--json=lines`, which is another form of the same flag. */
  name: string;
  description: string;
  /** null for a flag without a value. */
  value: Value | null;
}

export interface Value {
  name: string;
  description: string;
  required: boolean;
  /** The permitted values; empty if any value is permitted. */
  choices: readonly string[];
  /** The kind of path that a shell completes; null if the value is not a path. */
  path: "file" | "directory" | null;
}

/** Returns a command and all its subcommands, each before its own subcommands. */
export function allCommands(from: CommandSpec): CommandSpec[] {
  return [from, ...from.words.flatMap(allCommands)];
}

/** Returns the last word of the command. */
export function lastWordOf({ path }: CommandSpec): string {
  return path.at(-1) ?? "";
}

/** Returns the flag's name without the value that is part of it: `--json` of `--json=lines`. */
export function plainName({ name }: Flag): string {
  return name.split("=")[0] ?? name;
}
