// Rolls back, before anything else, what an interrupted run left.

import { describe } from "../engine/change.ts";
import { confirmHint, isArmed, recoverHint, unconfirmedChange } from "../engine/interrupted.ts";
import { journalDir, lockPath, logDir } from "../engine/paths.ts";
import type { StepResult } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { utcText } from "../text/time.ts";

type Warn = (sentence: string) => void | Promise<void>;

/** Returns the results that a recovery would have. A run that still continues is not interrupted. */
export async function planRecovery(reader: HostReader): Promise<StepResult[]> {
  if (!hasJournal(reader) || reader.lockHolders(lockPath).length > 0) return [];
  return (await import("../engine/recover.ts")).planRecovery(reader);
}

/** Returns whether a run was interrupted, or still continues: both have a journal. Only root can read the directory. */
function hasJournal(reader: HostReader): boolean {
  return (reader.list(journalDir) ?? []).length > 0;
}

/** Rolls back each interrupted step, logs it, and returns one result per step. The caller holds the host's lock. */
export async function recoverLogged(host: Host, warn: Warn): Promise<StepResult[]> {
  if (!hasJournal(host) && !isArmed(host)) return [];
  const { recover } = await import("../engine/recover.ts");
  const { runLog } = await import("../report/run-log.ts");
  const log = runLog(`${logDir}/recover.log`, host, (sentence) => void warn(sentence));
  const results = await recover(host);
  for (const result of results) {
    log.started({ ...result, resources: [] });
    const stdout = result.changes.map(describe).join("\n");
    log.finished({ ...result, ran: [{ argv: recoverHint, code: 0, stdout, stderr: "" }] });
  }
  return results;
}

/**
 * Rolls back what an interrupted run left, so that a run plans on the state before that. Throws the Problem of an
 * incomplete rollback: changes on top of it would be lost when it is completed. Throws a Problem too while a change waits
 * for a confirmation. The caller holds the host's lock.
 */
export async function recoverFirst(host: Host, warn: Warn, stop: Stop): Promise<void> {
  if (!hasJournal(host) && !isArmed(host)) return;
  throwIfInterrupted(stop);
  demandConfirmed(host);
  const results = await recoverLogged(host, warn);
  for (const { id, changes, warnings, problem } of results) {
    const subject = `step ${id} of an interrupted run`;
    if (problem) throw problem.with({ message: `${subject}: ${problem.message}` });
    const actions = changes.map(describe).join(", ");
    await warn(`rolled back ${subject}: ${actions === "" ? "it had changed nothing" : actions}`);
    for (const warning of warnings) await warn(warning);
  }
}

/** Throws a Problem while a change of a killed run waits for a confirmation: this run would roll it back unasked. */
function demandConfirmed(reader: HostReader): void {
  const unconfirmed = hasJournal(reader) ? unconfirmedChange(reader) : null;
  if (unconfirmed === null) return;
  const message = `a change waits for a confirmation until ${utcText(unconfirmed.untilMs)}, and is then rolled back`;
  throw new Problem("locked", message, { hint: confirmHint });
}

/** Warns a dry run, which shows what would follow a recovery without it. */
export async function warnOfRecovery(reader: HostReader, warn: Warn): Promise<void> {
  if (reader.uid !== 0 || (await planRecovery(reader)).length === 0) return;
  await warn("an interrupted run is rolled back first: `edox-ops recover --dry-run` shows its changes");
}
