// Rolls back the steps that an interrupted run left. Only a holder of the host's lock may do so: the journal of a
// running step looks the same.

import type { Host, HostReader } from "../host/host.ts";
import { withDiskFault } from "../problem/disk-fault.ts";
import { Problem } from "../problem/problem.ts";
import { shellLine } from "../text/lines.ts";
import { nameOf } from "../text/path.ts";
import type { Change } from "./change.ts";
import { recoverHint } from "./interrupted.ts";
import { firstFailing, restoration, toUndo, undo } from "./inverse.ts";
import { type LeftJournal, leftJournals, readJournal, removeUnbegun } from "./journal.ts";
import { overlay } from "./overlay.ts";
import type { StepResult } from "./step.ts";

/** Returns the changes that a recovery would make, one result per step. */
export function planRecovery(reader: HostReader): Promise<StepResult[]> {
  /** What the recovery of a later step restores can decide what it does with an earlier one. */
  const ahead: Change[] = [];
  return eachStep(reader, async ({ inverses, again }) => {
    const view = overlay(reader, ahead);
    const restorations = toUndo(view, inverses).flatMap((each) => restoration(view, each) ?? []);
    ahead.push(...restorations);
    return { outcome: "pending", changes: [...restorations, ...again.map(againChange)] };
  });
}

/**
 * Rolls back each interrupted step, and returns one result per step. A step whose rollback is incomplete has failed and
 * keeps its journal, so that another recovery continues it.
 */
export async function recover(host: Host): Promise<StepResult[]> {
  const results = await eachStep(host, async ({ inverses, again }, path) => {
    const { changes, failures } = await undo(host, toUndo(host, inverses));
    const failing = await firstFailing(host, again);
    const warnings = failing === null ? [] : [`${shellLine(failing)} failed after the rollback`];
    const done = { changes: [...changes, ...again.map(againChange)], warnings };
    const [first] = failures;
    if (first) {
      const message = `not rolled back: ${failures.map(({ message }) => message).join("; ")}`;
      const problem = first.with({ message, hint: first.hint ?? recoverHint });
      return { outcome: "failed", ...done, problem: withDiskFault(host, problem) };
    }
    try {
      host.remove(path);
    } catch (error) {
      return { outcome: "failed", ...done, problem: withDiskFault(host, Problem.of(error)) };
    }
    return { outcome: "changed", ...done };
  });
  removeUnbegun(host);
  if (results.every(({ outcome }) => outcome !== "failed")) await disarmed(host, results);
  return results;
}

/** Disarms the rollback that is complete. A failure is a warning: the service finds no journal, and disarms itself. */
async function disarmed(host: Host, results: readonly StepResult[]): Promise<void> {
  const { disarm } = await import("./armed.ts");
  try {
    await disarm(host);
  } catch (error) {
    results.at(-1)?.warnings.push(`the rollback stays armed: ${Problem.of(error).message}`);
  }
}

/**
 * Keeps the changes of each interrupted step, without what the step added for its own duration. Throws a Problem if a
 * journal cannot be read or ended.
 */
export async function keep(host: Host): Promise<void> {
  for (const path of leftJournals(host)) {
    const { inverses } = readJournal(host, path);
    const { failures } = await undo(
      host,
      inverses.filter(({ kind }) => kind === "line"),
    );
    if (failures[0]) throw failures[0];
    host.remove(path);
  }
  const { disarm } = await import("./armed.ts");
  await disarm(host);
}

async function eachStep(
  reader: HostReader,
  rollBack: (journal: LeftJournal, path: string) => Promise<Pick<StepResult, "outcome"> & Partial<StepResult>>,
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const path of leftJournals(reader)) {
    const id = nameOf(path);
    const title = "the changes of an interrupted run are rolled back";
    const empty: StepResult = { id, title, outcome: "failed", changes: [], unknown: [], warnings: [], ran: [] };
    try {
      results.push({ ...empty, ...(await rollBack(readJournal(reader, path), path)) });
    } catch (error) {
      results.push({ ...empty, problem: withDiskFault(reader, Problem.of(error)) });
    }
  }
  return results;
}

function againChange(argv: string[]): Change {
  return { kind: "command", argv, reason: "a service may still use the files of the interrupted run" };
}
