import type { Environment } from "../run/environment.ts";
import type { Upload } from "../sites/deploy/unpacked.ts";

/** The environment of a command. */
export interface Context extends Environment {
  /** How stdin arrives, if a client of another host sends it. */
  upload?: Upload;
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
  done: "success",
  failed: "failure: a step or a check failed, or a value is invalid",
  usage: "invalid invocation: an unknown flag, a missing confirmation, not root",
  pending: "changes are pending (--check)",
  busy: "another run holds the lock; retry later",
  hangup: "interrupted by SIGHUP; run it again to continue",
  interrupted: "interrupted by SIGINT (Ctrl-C); run it again to continue",
  terminated: "interrupted by SIGTERM; run it again to continue",
};
