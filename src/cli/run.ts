// Runs every changing command: facts, recipe, requirements, steps, results, report, exit code.

import { converge } from "../engine/converge.ts";
import { type Facts, gatherFacts } from "../engine/facts.ts";
import { lockPath } from "../engine/paths.ts";
import { select, unknownStep } from "../engine/select.ts";
import { snapshot } from "../engine/snapshot.ts";
import type { Recipe, Step, StepResult } from "../engine/step.ts";
import { type Host, type HostReader, type Signal, UnknownStateError } from "../host/host.ts";
import { LimitError } from "../host/system-error.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted, waitFor } from "../problem/wait.ts";
import { recoverFirst, warnOfRecovery } from "../run/recovery.ts";
import { withoutSecrets } from "./arguments.ts";
import type { Values } from "./command.ts";
import { type Context, exitCode } from "./context.ts";
import { type ExtraParts, type Notes, type Reporter, reporter } from "./teller.ts";

const lockPollMs = 20;

/** Milliseconds that a short command waits for another run. */
export const editWaitMs = 30_000;

/** Collects the results of a run, for the report of a command that makes several runs. */
type Collect = (results: readonly StepResult[]) => void;

type RecipeFor = (facts: Facts) => Recipe | Promise<Recipe>;

/** Runs a command that changes only its own state. It does not ask for confirmation. */
export function edit(
  recipeFor: RecipeFor,
  flags: Values,
  context: Context,
  also: ExtraParts = {},
  collect?: Collect,
): Promise<number> {
  return change(recipeFor, { ...flags, yes: true }, context, editWaitMs, also, { collect });
}

/**
 * Prepares a change before the host's lock is taken, because that may take long. Returns a function that runs after the
 * change, with its exit code.
 */
export type Before = (stop: Stop) => Promise<(exit: number) => void | Promise<void>>;

interface Hooks {
  before?: Before;
  collect?: Collect | undefined;
}

/**
 * Runs a changing command and returns the exit code. The recipe is made from facts that are gathered under the lock.
 * `lockWaitMs`: how long to wait for another run; the default is not to wait.
 */
export async function change(
  recipeFor: RecipeFor,
  flags: Values,
  context: Context,
  lockWaitMs = 0,
  also: ExtraParts = {},
  { before, collect }: Hooks = {},
): Promise<number> {
  const { command, typed } = context;
  const host = await context.host();
  if (flags["dry-run"] === true || flags.check === true) {
    const tell = reporter(flags, context);
    await warnOfRecovery(host, tell.warning);
    const { recipe, reader, steps, failAt } = await look();
    await tell.notes(await requirements(recipe, reader, null));
    return tell.end(await converge(steps, reader, { failAt, watch: { finished: tell.step } }), undefined, also);
  }
  demandRoot(host, context);
  /** Notes that were shown with the question. */
  const known: string[] = [];
  if (flags.yes !== true) {
    const exit = await confirm();
    if (exit !== null) return exit;
  }

  // Until the first change or wait, a signal may end this process, because nothing is partially changed.
  let signal: ReturnType<Host["catchSignals"]> | undefined;
  const stop: Stop = () => {
    signal ??= host.catchSignals();
    return interruption(signal(), ["sudo", "edox-ops", ...typed]);
  };
  const after = await before?.(stop);
  let exit: number = exitCode.failed;
  try {
    exit = await act();
    return exit;
  } finally {
    await after?.(exit);
  }

  async function act(): Promise<number> {
    const tell = reporter(flags, context, stop);
    // The lock is taken before the first check, so that the check sees the result of the previous run.
    const lock = await takeLock(host, lockPath, ["edox-ops", ...typed], lockWaitMs, before && stop);
    try {
      await recoverFirst(host, tell.warning, stop);
      const { reader, recipe, steps, failAt } = await look();
      await tell.notes(await requirements(recipe, reader, tell, stop), known);
      const { runLog } = await import("../report/run-log.ts");
      const log = runLog(recipe.logPath, host, tell.warning);
      const watch = {
        ...tell.progress,
        started(step: Step) {
          log.started(step);
          tell.started(step);
        },
        async finished(result: StepResult) {
          log.finished(result);
          await tell.step(result);
        },
      };
      const again = ["sudo", "edox-ops", ...typed];
      const results = await converge(steps, reader, { act: host, stop, failAt, watch, again });
      collect?.(results);
      return await tell.end(results, recipe, also);
    } finally {
      tell.clear();
      lock.release();
    }
  }

  async function look() {
    const reader = snapshot(host);
    const recipe = await recipeFor(gatherFacts(reader));
    const { only, skip, "fail-step": wanted } = flags as { only?: string; skip?: string; "fail-step"?: string };
    const again = ["edox-ops", ...typed];
    const failAt = stepOf(recipe, wanted, again);
    return { reader, recipe, failAt, steps: await select(recipe, { only, skip, typed: again }, reader) };
  }

  /**
   * Shows the planned changes and asks for confirmation. Without planned changes it does not ask, and the run reports
   * that itself. Returns the exit code of a plan that failed, because there is nothing to confirm, and otherwise null.
   */
  async function confirm(): Promise<number | null> {
    if (flags.json === true || !context.console.interactive()) {
      const hint = ["edox-ops", ...typed, "--yes"];
      throw new Problem("not-confirmed", `${command} changes this host: say --yes, or --dry-run to look`, { hint });
    }
    const { recipe, reader, steps, failAt } = await look();
    const notes = await requirements(recipe, reader, null);
    const results = await converge(steps, reader, { failAt });
    const pending = results.filter(({ outcome }) => outcome !== "ok");
    if (pending.length === 0) return null;
    const tell = reporter({ ...flags, quiet: false }, context);
    await warnOfRecovery(host, tell.warning);
    await tell.notes(notes);
    for (const result of pending) await tell.step(result);
    if (results.some(({ outcome }) => outcome === "failed")) return tell.end(results);
    known.push(...notes.warnings, ...notes.unknown);
    if (await context.console.confirm("do this?")) return null;
    throw new Problem("not-confirmed", "not confirmed: nothing was changed");
  }
}

/** Returns the step to fail at. Throws a Problem for a step that the recipe does not have. */
function stepOf({ steps }: Recipe, wanted: string | undefined, typed: readonly string[]): string | undefined {
  const ids = steps.map(({ id }) => id);
  if (wanted === undefined || ids.includes(wanted)) return wanted;
  throw unknownStep(wanted, ids, "--fail-step", wanted, typed);
}

export function interruption(signal: Signal | null, hint: string[]): Problem | null {
  return (
    signal && new Problem("interrupted", `interrupted by ${signal.name}`, { returncode: 128 + signal.number, hint })
  );
}

export function demandRoot({ uid }: Host, { command, typed }: Context): void {
  if (uid === 0) return;
  const hint = ["sudo", "edox-ops", ...typed];
  throw new Problem("not-root", `${command} changes this host, which only root may`, { hint });
}

/**
 * Takes the lock at this path. Throws a Problem that names the holder if it is not released within `waitMs`
 * milliseconds.
 */
export async function takeLock(
  host: Host,
  path: string,
  again: string[],
  waitMs = 0,
  stop: Stop = () => null,
): Promise<{ release(): void }> {
  const end = host.now() + waitMs;
  let held = lockOf(host, path);
  while (!("release" in held) && host.now() < end) {
    throwIfInterrupted(stop);
    await host.sleep(lockPollMs);
    held = lockOf(host, path);
  }
  if ("release" in held) return held;
  const since = new Date(held.sinceMs).toISOString().slice(0, 19);
  const message = `another run holds the lock: ${withoutSecrets(held.command.split(" ")).join(" ")} (pid ${held.pid}, since ${since}Z)`;
  throw new Problem("locked", message, { hint: again });
}

function lockOf(host: Host, path: string): ReturnType<Host["lock"]> {
  try {
    return host.lock(path);
  } catch (error) {
    if (error instanceof LimitError) throw error;
    const hint = ["ls", "-ld", path.slice(0, path.lastIndexOf("/"))];
    throw new Problem(Problem.of(error).code, `the lock ${path} cannot be taken: ${(error as Error).message}`, {
      hint,
    });
  }
}

/**
 * Checks the requirements, and returns the notes of those that are met. An unmet one throws a Problem before anything
 * changes. Without `tell`, no requirement is waited for.
 */
export async function requirements(
  { requires }: Recipe,
  reader: HostReader,
  tell: Reporter | null,
  stop?: Stop,
): Promise<Notes> {
  const warnings: string[] = [];
  const unknown: string[] = [];
  for (const requirement of requires) {
    try {
      warnings.push(
        ...(await waitFor(tell ? requirement : { ...requirement, waitMs: 0 }, reader, tell?.progress, stop)),
      );
    } catch (error) {
      if (!(error instanceof UnknownStateError)) throw error;
      unknown.push(error.message);
    }
  }
  return { warnings, unknown };
}
