import type { Host } from "../host/host.ts";

/** Where words go. `out` throws when it cannot be written: a report that is lost is a failure. */
export interface Console {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person reads stdout, and wants colours. */
  colour: boolean;
  /** Whether a person can be asked: stdin and stdout are a terminal. */
  interactive(): boolean;
  confirm(question: string): Promise<boolean>;
}

/** What a command gets from outside. */
export interface Context {
  host: Host;
  console: Console;
  /** What was typed, for a line to type again. */
  typed: readonly string[];
}

/** The one table. */
export const exitCode = { done: 0, failed: 1, usage: 2, pending: 3, busy: 75 } as const;
