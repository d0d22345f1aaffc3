// Keeps a change only if a new login confirms it in time. The run that waits holds the host's lock, so that the two
// communicate by files in the directory of the locks, which only root can open.

import { setDeadline } from "../engine/armed.ts";
import { root, Text } from "../engine/change.ts";
import { confirmHint, journaledSteps, type Unconfirmed, unconfirmedChange } from "../engine/interrupted.ts";
import { lockDir, lockPath, unconfirmedPath } from "../engine/paths.ts";
import type { StepRun } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { throwIfInterrupted } from "../problem/wait.ts";
import { loginSession } from "../ssh/login-session.ts";
import { shellLine } from "../text/lines.ts";
import { durationText, utcText } from "../text/time.ts";

const confirmedPath = `${lockDir}/confirmed`;
const attributes = { mode: 0o600, ...root };
const pollMs = 100;
/** How much later than the run itself systemd rolls the change back, in milliseconds. */
const graceMs = 30_000;
/** How long the run that waits may take to notice a confirmation, in milliseconds. */
const noticeMs = 10_000;

/**
 * Waits until `host confirm` is run. For the end of `verify` of an armed step. Throws a Problem at the deadline, so that
 * the step is rolled back, and on a signal.
 */
export async function awaitConfirmation(host: Host, withinMs: number, { stop, watch }: StepRun): Promise<void> {
  await setDeadline(host, withinMs + graceMs);
  removeIfThere(host, confirmedPath);
  const end = host.now() + withinMs;
  const unconfirmed: Unconfirmed = { untilMs: end, session: loginSession(host) };
  host.writeFile(unconfirmedPath, Text.of(JSON.stringify(unconfirmed)).bytes, attributes);
  const reason = `run ${shellLine(confirmHint)} there`;
  watch?.waiting?.(
    { name: "host:confirm", title: "a new login confirms the change", waitMs: withinMs, check: () => null },
    { reason },
  );
  while (host.stat(confirmedPath) === null) {
    throwIfInterrupted(stop);
    if (host.now() >= end) {
      const message = `no new login confirmed the change within ${durationText(withinMs)}`;
      throw new Problem("not-confirmed", message);
    }
    await host.sleep(pollMs);
  }
  host.remove(confirmedPath);
  removeIfThere(host, unconfirmedPath);
}

/**
 * Returns the change that waits for a confirmation. Throws a Problem if there is none, or if this login is the one of
 * the run, unless `anyLogin` is set. A connection that is open does not show that a new one is accepted.
 */
export function demandUnconfirmed(reader: HostReader, anyLogin: boolean): Unconfirmed {
  const unconfirmed = unconfirmedChange(reader);
  if (unconfirmed === null || journaledSteps(reader).length === 0) {
    throw new Problem("precondition-failed", "no change waits for a confirmation");
  }
  if (!anyLogin && unconfirmed.session !== null && unconfirmed.session === loginSession(reader)) {
    const message = `this login made the change: confirm it in a new one until ${utcText(unconfirmed.untilMs)}, or pass --any-login`;
    throw new Problem("precondition-failed", message);
  }
  return unconfirmed;
}

/** Returns whether the run that waits for the confirmation still exists. */
export function isAwaited(reader: HostReader): boolean {
  return reader.lockHolders(lockPath).length > 0;
}

/** Confirms the change to the run that waits for it. Returns when that run has kept it, and throws a Problem otherwise. */
export async function confirmToRun(host: Host): Promise<void> {
  const steps = journaledSteps(host);
  const isKept = (): boolean =>
    host.stat(confirmedPath) === null && !journaledSteps(host).some((step) => steps.includes(step));
  host.writeFile(confirmedPath, Text.of("").bytes, attributes);
  for (const end = host.now() + noticeMs; !isKept(); await host.sleep(pollMs)) {
    if (host.now() < end && (isAwaited(host) || host.stat(confirmedPath) === null)) continue;
    removeIfThere(host, confirmedPath);
    throw new Problem("timeout", "the run that waits for the confirmation did not keep the change");
  }
}

function removeIfThere(host: Host, path: string): void {
  if (host.stat(path) !== null) host.remove(path);
}
