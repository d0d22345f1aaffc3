// The process that a run is part of: its host, its terminal, its arguments.

import type { Host } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { type Style, styleOf } from "../report/style.ts";
import type { Secret } from "../text/secret.ts";
import type { ReporterFor } from "./reporter.ts";

/** The terminal, or the pipes in its place. */
interface Console {
  /** Rejects if stdout cannot be written: a lost report is a failure. */
  out(text: string): Promise<void>;
  /** Never throws: a message that is lost must not stop a run. */
  err(text: string): void;
  /** Returns whether the stream is a terminal on which colours are wanted. */
  colour(stream: "out" | "err"): boolean;
  /** Returns the present width of the stream's terminal, or null if it is not a terminal or cannot clear a line. */
  width(stream: "out" | "err"): number | null;
  /** Returns whether the terminal shows more than ASCII. */
  unicode(): boolean;
  /** Returns whether the program can ask a question: stdin and stdout are a terminal. */
  interactive(): boolean;
  /**
   * Prints the question, and returns whether the line that is typed is a yes. An empty line, any other word and the end
   * of the input are the usual answer.
   */
  confirm(question: string, stream: "out" | "err", usual: "yes" | "no"): Promise<boolean>;
  /** Reads a line from stdin. On a terminal it prints the question and hides the input. */
  secret(question: string): Promise<Secret>;
  /**
   * Reads a short text from stdin: a line, and what follows it without a pause. It may have one character more than is
   * wanted, `most`. On a terminal it reads as `secret` does.
   */
  text(question: string, most: number): Promise<string>;
}

export interface Environment {
  /** Imports the implementation on demand: commands that only print do not need it. */
  host(): Promise<Host>;
  trees(): Promise<Trees>;
  console: Console;
  /** The path of this executable, without symbolic links. */
  program: string;
  /** Returns an environment variable of this process. */
  variable(name: string): string | undefined;
  /** The command as it is typed, such as "bootstrap"; the name of the program before a command is known. */
  command: string;
  /** Formats a hint as this user would type it. */
  hint: Style["hint"];
  /** The typed words for a command to repeat, without secrets. */
  typed: readonly string[];
  /** Throws a Problem if the run is no longer permitted. It is called when the run has the lock of a project. */
  admit?: () => void;
  /** The reporter of every run, in place of the one that its options select. */
  reporter?: ReporterFor;
}

/** Returns the style of a stream, which colours nothing without `colour`. */
export function styleFor(
  { console, hint }: Pick<Environment, "console" | "hint">,
  stream: "out" | "err",
  colour = true,
): Style {
  return styleOf({ colour: colour && console.colour(stream), unicode: console.unicode(), hint });
}
