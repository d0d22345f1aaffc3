// Declares a command: its texts, its arguments and its implementation.

import type { Facts } from "../engine/facts.ts";
import type { Step } from "../engine/step.ts";
import type { Host } from "../host/host.ts";
import type { Completion } from "../report/command-spec.ts";
import type { Context } from "./context.ts";

interface AnyArgument {
  /** In the imperative, with a capital first letter, without a full stop. */
  description: string;
  /** The name of the value in a synopsis, if it differs from that of the argument. In upper case it is printed as is. */
  valueHint?: string;
  /** The permitted values. Without them any value is permitted. */
  options?: readonly string[];
  /** What a shell completes in place of the value. */
  completes?: Completion;
}

/** A word of the command that is no flag. It is required unless this says otherwise. */
interface Positional extends AnyArgument {
  type: "positional";
  required?: boolean;
}

/** A flag, which is named as its key. */
interface FlagArgument extends AnyArgument {
  type: "boolean" | "string";
  /** The letter of its short form. */
  alias?: string;
  /** Help lists the flag under this heading: "Flags" by default. */
  group?: FlagGroup;
}

/** The headings of flags, in the order of the help. */
export const flagGroups = [
  "Flags",
  "Source",
  "Site",
  "Password",
  "Preview",
  "Version",
  "Certificate",
  "Runner",
  "Backup",
  "Bundle",
  "Plan",
  "Output",
  "Advanced",
] as const;

type FlagGroup = (typeof flagGroups)[number];
export type Argument = Positional | FlagArgument;
export type Arguments = Readonly<Record<string, Argument>>;

/** The typed values, by their declared names. */
export type Values = Record<string, string | boolean | undefined>;

type ValuesOf<Args extends Arguments> = {
  [Name in keyof Args]?: Args[Name] extends { type: "boolean" } ? boolean : string;
};

interface CommandTexts {
  name: string;
  /** One line in the imperative, with a capital first letter, without a full stop. */
  description: string;
  /** What the command does, requires and leaves as it is: two to six sentences of fewer than 25 words. */
  long?: readonly string[];
  /** Command lines as a user types them, the most common one first. */
  examples?: readonly string[];
}

export interface Command {
  meta: CommandTexts;
  args?: Arguments;
  subCommands?: Record<string, () => Promise<Command>>;
  /** Other names of subcommands: the name that each stands for. */
  aliases?: Readonly<Record<string, string>>;
  /** The subcommand that runs if the next word is none of them. */
  fallback?: string;
  /** The subcommands under headings in the help, in this order. Without it they have one heading. */
  groups?: Readonly<Record<string, readonly string[]>>;
  /** Returns the steps that --only and --skip select from. `slug`: the typed one. */
  steps?(facts: Facts, host: Host, slug: string | undefined): Promise<readonly Pick<Step, "id" | "title">[]>;
  /** Runs the command and returns the exit code. */
  run?(values: Values, context: Context): Promise<number>;
}

interface Declared<Args extends Arguments> extends Command {
  args: Args;
  run(values: ValuesOf<Args>, context: Context): Promise<number>;
}

/** Returns the command unchanged. It gives the values of `run` the types of the declared arguments. */
export function command<const Args extends Arguments>(declared: Declared<Args>): Command {
  return declared;
}
