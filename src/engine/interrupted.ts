// Where a run that was interrupted in a step with a journal is noticed, without loading what reads a journal.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { parseJson } from "../text/json.ts";
import { journalDir, recoverServicePath, recoverTimerPath, unconfirmedPath } from "./paths.ts";

/** The command that rolls back what an interrupted run left. */
export const recoverHint: readonly string[] = ["sudo", "edox-ops", "recover"];
/** The command that keeps a change that waits for a confirmation. */
export const confirmHint: readonly string[] = ["sudo", "edox-ops", "host", "confirm"];

/**
 * Returns the ids of the steps that have a journal: their run was interrupted, or still continues. A hidden file is one
 * that a killed run was about to rename. It had changed nothing yet.
 */
export function journaledSteps(reader: HostReader): string[] {
  return (reader.list(journalDir) ?? []).filter((name) => !name.startsWith("."));
}

/** Returns whether a step is armed, or was armed by a run that was killed. */
export function isArmed(reader: HostReader): boolean {
  return reader.stat(recoverServicePath) !== null;
}

/** Returns when systemd rolls an armed step back, in Unix milliseconds, or null if no timer is set. */
export function rollbackDue(reader: HostReader): number | null {
  const seconds = /^OnActiveSec=(\d+)s$/m.exec(textOf(reader, recoverTimerPath) ?? "")?.[1];
  const since = reader.stat(recoverTimerPath)?.changedMs;
  return seconds === undefined || since === undefined ? null : since + Number(seconds) * 1000;
}

/** A change that is rolled back unless a new login confirms it in time. */
export interface Unconfirmed {
  untilMs: number;
  /** The login session of the run, as systemd names it, or null outside a login. */
  session: string | null;
}

/** Returns the change that waits for a confirmation, also if its run was killed. Only root can read it. */
export function unconfirmedChange(reader: HostReader): Unconfirmed | null {
  const text = textOf(reader, unconfirmedPath);
  if (text === null) return null;
  const found = parseJson(text) as Unconfirmed;
  return found.untilMs > reader.now() ? found : null;
}
