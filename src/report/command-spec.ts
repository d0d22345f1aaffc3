// Commands as plain data. Help, reference, man page and completions are generated from it.

/** A command with its flags, values and subcommands. */
export interface CommandSpec {
  /** The path from the program's name: ["edox-ops", "project", "add"]. */
  path: readonly string[];
  description: string;
  /** What the command does, in sentences; "" if the description says it all. */
  long: string;
  examples: readonly string[];
  flags: readonly Flag[];
  values: readonly Value[];
  words: readonly CommandSpec[];
  /** Other names of the last word. */
  aliases: readonly string[];
  /** The heading of this command in the help of its parent; "" for the only one. */
  group: string;
}

export interface Flag {
  /** The flag with its dashes: `--json`, or `--json=lines`, which is another form of the same flag. */
  name: string;
  /** The short form with its dash, or null. */
  short: string | null;
  description: string;
  /** null for a flag without a value. */
  value: Value | null;
  /** The heading of this flag in the help. */
  group: string;
}

/**
 * What a shell completes: paths, the projects, the backups, the previews, the versions, the deploy keys or the steps of the
 * command line so far, the runners, the profiles of runners, the certificates.
 */
export type Completion =
  | "file"
  | "directory"
  | "slug"
  | "backup"
  | "preview"
  | "version"
  | "key"
  | "step"
  | "runner"
  | "profile"
  | "certificate";

export interface Value {
  name: string;
  description: string;
  required: boolean;
  /** The permitted values; empty if any value is permitted. */
  choices: readonly string[];
  /** null if nothing can be completed. */
  completes: Completion | null;
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
