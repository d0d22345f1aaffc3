import type { Host } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import type { Voice } from "../report/voice.ts";

/** Where words go. */
export interface Console {
  /** Rejects when it cannot be written: a report that is lost is a failure. */
  out(text: string): Promise<void>;
  /** Never throws: no word on stderr is worth a run. */
  err(text: string): void;
  /** Whether a person reads there, and wants colours. */
  colour(stream: "out" | "err"): boolean;
  /** The width of the terminal that stderr is at this moment; null where it is none, or one that cannot clear a line. */
  columns(): number | null;
  /** Whether a person can be asked: stdin and stdout are a terminal. */
  interactive(): boolean;
  confirm(question: string): Promise<boolean>;
  /** A line from stdin. At a terminal it is asked for, and what is typed is not shown. */
  secret(question: string): Promise<string>;
}

/** What a command gets from outside. */
export interface Context {
  /** Loaded when it is asked for: what only prints needs none. */
  host(): Promise<Host>;
  trees(): Promise<Trees>;
  console: Console;
  /** A variable of the environment that this program was started with. */
  variable(name: string): string | undefined;
  /** As it is typed: "bootstrap"; the program's own name before a command is known. */
  command: string;
  /** The path of this executable, in which there is no link. */
  program: string;
  /** A hint as this person types it. */
  hint: Voice["hint"];
  /** What was typed, for a line to type again; without the secrets in it. */
  typed: readonly string[];
}

/** The one table. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  pending: 3,
  busy: 75,
  hangup: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export const exitMeaning: Record<keyof typeof exitCode, string> = {
  done: "as wanted",
  failed: "a step or a check failed, or a value is invalid",
  usage: "wrong invocation: an unknown flag, a missing --yes, not root",
  pending: "--check found something to change",
  busy: "another run holds the lock: try again",
  hangup: "ended by SIGHUP: what was half done is put back",
  interrupted: "ended by SIGINT, the same",
  terminated: "ended by SIGTERM, the same",
};
