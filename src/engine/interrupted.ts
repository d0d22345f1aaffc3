// Where a run that was interrupted in a step with a journal is noticed, without loading what reads a journal.

import type { HostReader } from "../host/host.ts";
import { journalDir, recoverServicePath } from "./paths.ts";

/** The command that rolls back what an interrupted run left. */
export const recoverHint: readonly string[] = ["sudo", "edox-ops", "recover"];

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
