// What a word of the command line is: what may be typed after it, and what it does.

import type { ArgsDef } from "citty";
import type { Context } from "./context.ts";

/** What was typed, by the names under which it is declared. */
export type Values = Record<string, string | boolean | undefined>;

type ValuesOf<Args extends ArgsDef> = {
  [Name in keyof Args]?: Args[Name] extends { type: "boolean" } ? boolean : string;
};

export interface Command {
  meta: { name: string; description: string };
  args?: ArgsDef;
  subCommands?: Record<string, () => Promise<Command>>;
  /** Answers the exit code. */
  run?(values: Values, context: Context): Promise<number>;
}

interface Declared<Args extends ArgsDef> extends Command {
  args: Args;
  run(values: ValuesOf<Args>, context: Context): Promise<number>;
}

/** A command whose values have the types of its arguments. */
export function command<const Args extends ArgsDef>(declared: Declared<Args>): Command {
  return declared;
}
