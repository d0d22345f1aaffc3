// Defines what must be true before anything is changed.

import type { HostReader } from "../host/host.ts";
import type { ProblemCode } from "./codes.ts";

/** Takes a sentence for the user, in addition to the result of a check. */
export type Warn = (sentence: string) => void;

/** A condition that must be true before anything is changed. */
export interface Requirement {
  name: string;
  title: string;
  /** Returns null if it is met. Throws UnknownStateError if it cannot determine that. */
  check(reader: HostReader, warn: Warn): Unmet | null | Promise<Unmet | null>;
  /** It is checked before the user is asked to confirm, too. Its check is fast, and leaves the host as it is. */
  isEarly?: true;
  /** How long to poll for a condition that can become true by itself, in milliseconds. */
  waitMs?: number;
}

export interface Unmet {
  reason: string;
  /** The command to run. */
  hint?: string[];
  /** Without it, the code of the problem is timeout after a wait, and else precondition-failed. */
  code?: ProblemCode;
}
