import type { Environment } from "../run/environment.ts";

/** The environment of a command. */
export interface Context extends Environment {
  /** The path of this executable, without symbolic links. */
  program: string;
}

/** The exit codes of all commands. */
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
