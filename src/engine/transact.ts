// Applies changes in order, or none of them. Rollback is implemented only here.

import { installPackages } from "../apt/apt.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { hintToShow } from "../problem/show-file.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { linesOf, shellLine } from "../text/lines.ts";
import { applyFile, commandLimitMs } from "./apply.ts";
import type { Change } from "./change.ts";
import type { Options } from "./converge.ts";
import { firstOutput } from "./first-output.ts";
import { journaledSteps, recoverHint } from "./interrupted.ts";
import { firstFailing, type Inverse, inversesOf, toUndo, undo } from "./inverse.ts";
import type { Journal } from "./journal.ts";
import type { Step, StepRun } from "./step.ts";

/** How a step with a journal, or with functions of its own, is applied. */
interface StepTerms {
  /** The id of a step whose rollback has to outlive this process. */
  journaled?: string;
  armed?: Step["armed"];
  /** The journal stays after the last change, and the step armed: see the `keep` of a step. */
  isHeld?: boolean;
  /** Takes what `before` and `verify` report. */
  note?(sentence: string): void;
  /** Runs before the first change. */
  before?(run: StepRun): Promise<void> | undefined;
}

/**
 * Applies the changes in order, then calls `verify`. If one of them throws, the earlier changes are rolled back in
 * reverse order, byte by byte, and the commands marked `again` run once more. Unpacked packages stay, and so do all
 * changes before them: apt can repair and update packages only from their source. A signal is handled between two
 * changes. Returns warnings.
 */
export async function transact(
  host: Host,
  changes: readonly Change[],
  verify: (run: StepRun) => Promise<void>,
  terms: Options & StepTerms = {},
): Promise<string[]> {
  const { stop = () => null, watch, again, hasOwnAptSource = false, before, note = () => {}, isHeld } = terms;
  const journal = await newJournal(host, changes, terms);
  const inverses: Inverse[] = [];
  const record = (inverse: Inverse): void => {
    journal?.add(inverse);
    inverses.push(inverse);
  };
  const run = { record, note, stop, watch };
  const warnings: string[] = [];
  try {
    await journal?.arm();
    await before?.(run);
    for (const change of mergePackages(changes)) {
      throwIfInterrupted(stop);
      for (const each of inversesOf(host, change)) record(each);
      if (change.kind === "packages") warnings.push(...(await installPackages(host, change, stop, watch)));
      else if (change.kind === "command") warnings.push(...(await command(host, change, stop)));
      else applyFile(host, change);
    }
    throwIfInterrupted(stop);
    await verify(run);
    if (!isHeld) journal?.end();
  } catch (error) {
    const undone = toUndo(host, inverses);
    const failure = { error: error as Error, changes, journal };
    const problem = await rollBack(host, undone, failure);
    // Without the source that the rollback, or the end of the run, removes, apt-get does not find these packages.
    const isRemoved = undone.length > 0 || hasOwnAptSource;
    const isApt = isRemoved && problem.hint?.includes("apt-get") === true && again !== undefined;
    throw isApt ? problem.with({ hint: again }) : problem;
  }
  const stays = isHeld ? undefined : await journal?.disarm();
  return stays === undefined ? warnings : [...warnings, stays];
}

/** A journal whose step may be armed. */
interface ArmedJournal extends Journal {
  arm(): Promise<void>;
  /** Returns why the rollback stays armed, or undefined. Without a journal it does nothing, and disarms itself. */
  disarm(): Promise<string | undefined>;
}

async function newJournal(
  host: Host,
  changes: readonly Change[],
  { journaled: step, armed, program }: Options & StepTerms,
): Promise<ArmedJournal | null> {
  if (step === undefined) return null;
  const { openJournal } = await import("./journal.ts");
  const journal = openJournal(host, { step, again: againCommands(changes) });
  if (armed === undefined) return { ...journal, arm: async () => {}, disarm: async () => undefined };
  const { arm, disarmKept } = await import("./armed.ts");
  return {
    ...journal,
    async arm() {
      if (program === undefined) throw new TypeError(`step ${step} is armed, and no program would roll it back`);
      await arm(host, program, armed.withinMs);
    },
    async disarm() {
      // An earlier step of this run may be held.
      if (journaledSteps(host).length > 0) return undefined;
      return disarmKept(host);
    },
  };
}

function mergePackages(changes: readonly Change[]): Change[] {
  const merged: Change[] = [];
  for (const change of changes) {
    const last = merged.at(-1);
    if (change.kind === "packages" && last?.kind === "packages") {
      const remove = [...(last.remove ?? []), ...(change.remove ?? [])];
      const names = [...last.names, ...change.names];
      const purge = (last.purge ?? change.purge) && { purge: true as const };
      merged[merged.length - 1] = { kind: "packages", names, ...(remove.length > 0 && { remove }), ...purge };
    } else merged.push(change);
  }
  return merged;
}

/** Bytes of its input that a command processes in a second at least: a slow card takes a few million. */
const leastInputRate = 1_000_000;

async function command(host: Host, change: Extract<Change, { kind: "command" }>, stop: Stop): Promise<string[]> {
  const { argv, input, mayFail, logs = [], code: failure = "command-failed", hintFor, hint, endsInOrder } = change;
  const output = await host.run(argv, {
    limitMs: commandLimitMs + (input ? (input.size / leastInputRate) * 1000 : 0),
    ...(input && { input: input.chunks() }),
    ...(endsInOrder && { endsInOrder }),
  });
  const { code, stderr } = output;
  if (code === 0) return [];
  if (endsInOrder) throwIfInterrupted(stop);
  if (change.explain) throw await change.explain(host, output);
  const logged = await firstOutput(host, logs);
  const named = /\/etc\/[\w./@+-]*\w/g;
  const file = [...`${stderr}${logged}`.matchAll(named)].map(([path]) => path).find((path) => isFile(host, path));
  if (mayFail !== undefined) return [[mayFail, ...linesOf(logged)].join("; ")];
  throw new Problem(failure, `${shellLine(argv)} failed`, {
    returncode: code,
    stderr: stderr + logged,
    // A service that refused one of its own files fails the same way on the next start, so the hint shows that file.
    hint: hintFor?.(stderr) ?? (logs.length > 0 && file !== undefined ? hintToShow(file) : (hint ?? ["sudo", ...argv])),
  });
}

function isFile(reader: HostReader, path: string): boolean {
  return reader.statTarget(path)?.type === "file";
}

interface Failure {
  error: Error;
  changes: readonly Change[];
  journal: ArmedJournal | null;
}

/** Rolls back what was applied, and returns the failure with the result of the rollback in its message. */
async function rollBack(host: Host, inverses: readonly Inverse[], failure: Failure): Promise<Problem> {
  const { error, changes, journal } = failure;
  const { failures } = await undo(host, inverses);
  const notes = failures.map(({ message }) => `not rolled back: ${message}`);
  const isComplete = notes.length === 0;
  // The lines were removed by the step itself.
  const hasChanged = inverses.some(({ kind }) => kind !== "line");
  const fails = hasChanged ? await firstFailing(host, againCommands(changes)) : null;
  if (fails !== null) {
    const since = isComplete ? ": it was already broken before this run" : " as well";
    notes.push(`${shellLine(fails)} fails${since}`);
  }
  if (isComplete && journal !== null) {
    try {
      journal.end();
      const stays = await journal.disarm();
      if (stays !== undefined) notes.push(stays);
    } catch (cause) {
      notes.push(`the journal stays: ${Problem.of(cause).message}`);
    }
  }
  const problem = Problem.of(error);
  const hasCommand = inverses.some(({ kind }) => kind === "command" || kind === "account");
  const done = hasCommand ? "the changes were rolled back" : "the previous files were restored";
  const message = [problem.message, ...(isComplete && hasChanged ? [done] : []), ...notes].join("; ");
  return problem.with({ message, ...(!isComplete && journal && { hint: recoverHint }) });
}

function againCommands(changes: readonly Change[]): string[][] {
  return changes.flatMap((change) => (change.kind === "command" && change.again ? [change.argv] : []));
}
