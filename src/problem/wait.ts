// Waits with a limit for conditions that can become true by themselves, and handles interruption.

import type { HostReader } from "../host/host.ts";
import { Problem } from "./problem.ts";
import type { Requirement, Unmet } from "./requirement.ts";

const pollMs = 500;
/** How long a signal may stay pending, in milliseconds. */
const signalMs = 20;

/** Returns the reason to start nothing more, or null. */
export type Stop = () => Problem | null;

/** Throws the reason to start nothing more, if there is one. */
export function throwIfInterrupted(stop: Stop): void {
  const problem = stop();
  if (problem) throw problem;
}

/**
 * Returns a function that lets pending signals arrive. Called between short pieces of work, it costs nothing most of the
 * time: a timer takes a millisecond.
 */
export function signalPause(reader: HostReader): () => Promise<void> | undefined {
  let last = reader.now();
  return () => {
    // The clock may be set in between.
    if (Math.abs(reader.now() - last) < signalMs) return undefined;
    last = reader.now();
    return reader.sleep(0);
  };
}

/** Receives each requirement that is waited for, once. */
export interface WaitWatch {
  waiting?(requirement: Requirement, unmet: Unmet): void;
}

/**
 * Polls until the requirement is met, and returns its warnings. Throws a Problem with the reason if it is not met in
 * time.
 */
export async function waitFor(
  reader: HostReader,
  requirement: Requirement,
  watch: WaitWatch = {},
  stop: Stop = () => null,
): Promise<string[]> {
  const { waitMs = 0 } = requirement;
  const end = reader.now() + waitMs;
  for (let isReported = false; ; isReported = true) {
    const warnings: string[] = [];
    const unmet = await requirement.check(reader, (sentence) => warnings.push(sentence));
    if (unmet === null) return warnings;
    if (reader.now() >= end) {
      const waited = waitMs > 0 ? `, and was so for ${waitMs / 60_000} min` : "";
      const code = unmet.code ?? (waitMs > 0 ? "timeout" : "precondition-failed");
      throw new Problem(code, `${unmet.reason}${waited}`, { hint: unmet.hint });
    }
    if (!isReported) watch.waiting?.(requirement, unmet);
    throwIfInterrupted(stop);
    await reader.sleep(pollMs);
  }
}
