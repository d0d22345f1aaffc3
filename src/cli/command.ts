// Defines a command: its arguments and its implementation.

import type { ArgsDef } from "citty";
import type { Context } from "./context.ts";

/** The typed values, by their declared names. */
export type Values = Record<string, string | boolean | undefined>;

type ValuesOf<Args extends ArgsDef> = {
  [Name in keyof Args]?: Args[Name] extends { type: "boolean" } ? boolean : string;
};

export interface Command {
  meta: { name: string; description: string };
  args?: ArgsDef;
  subCommands?: Record<string, () => Promise<Command>>;
  /** Runs the command and returns the exit code. */
  run?(values: Values, context: Context): Promise<number>;
}

interface Declared<Args extends ArgsDef> extends Command {
  args: Args;
  run(values: ValuesOf<Args>, context: Context): Promise<number>;
}

/** Returns the command unchanged. It gives the values of `run` the types of the declared arguments. */
export function command<const Args extends ArgsDef>(declared: Declared<Args>): Command {
  return declared;
}
