// Applies recipes in a session: facts, requirements, steps, log.

import type { AppliedBundle, PlannedPackage } from "../bundle/applied.ts";
import { repositoryDir } from "../bundle/paths.ts";
import { converge, type Watch } from "../engine/converge.ts";
import { type Facts, gatherFacts } from "../engine/facts.ts";
import { lockPath } from "../engine/paths.ts";
import { snapshot } from "../engine/snapshot.ts";
import type { Recipe, Step, StepResult } from "../engine/step.ts";
import type { Host } from "../host/host.ts";
import type { ClosingLine } from "../report/closing.ts";
import type { runLog } from "../report/run-log.ts";
import { lineOf } from "../text/lines.ts";
import { ask, unconfirmed } from "./confirmation.ts";
import { styleFor } from "./environment.ts";
import type { AppliedRecipe } from "./recipe-closing.ts";
import { recoverFirst, warnOfRecovery } from "./recovery.ts";
import { type Reporter, reporterFor } from "./reporter.ts";
import { checkRequirements } from "./requirements.ts";
import type { Session } from "./session.ts";

/** Makes the recipe from facts that are gathered under the host's lock. `bundle`: the one that the run installs from. */
export type RecipeFor = (facts: Facts, bundle: AppliedBundle | null) => Recipe | Promise<Recipe>;

/** How a recipe is applied. */
interface Terms {
  /** Milliseconds to wait for another run that holds the host's lock; 0 by default. */
  lockWaitMs?: number;
  /** Notes that were printed before. */
  known?: readonly string[];
}

/**
 * Applies a recipe under the host's lock, or plans it in a dry run, and adds the results to the session. Returns
 * whether no step failed.
 */
export async function convergeRecipe(session: Session, recipeFor: RecipeFor, terms: Terms = {}): Promise<boolean> {
  const { host, reporter, stop, again, options } = session;
  // The lock is taken before the first check, so that the check sees the result of the previous run.
  const release = options.dryRun ? () => {} : await session.lock("host", lockPath, terms.lockWaitMs);
  try {
    if (!options.dryRun && session.bundle !== null) session.catchSignals();
    const note = (sentence: string) => session.note({ warnings: [sentence], unknown: [] }, terms.known);
    await (options.dryRun ? warnOfRecovery(host, note) : recoverFirst(host, note, stop));
    if (!options.dryRun) await removeLeftRepository(host);
    const start = performance.now();
    const { recipe, reader, steps, failAt } = await prepare(session, recipeFor);
    const wait = options.dryRun ? null : { watch: reporter.watch, stop };
    await session.note(await checkRequirements(reader, recipe, wait), terms.known);
    const log = options.dryRun ? null : session.log(recipe.logPath);
    const watch = { ...reporter.watch, ...stepWatch(reporter, log, steps) };
    const results = await converge(steps, reader, {
      ...(!options.dryRun && { act: host, stop, again, hasOwnAptSource: session.bundle !== null }),
      ...{ failAt, watch, program: session.environment.program },
    });
    session.add(...results);
    const failed = results.find(({ outcome }) => outcome === "failed");
    if (options.dryRun) {
      if (session.bundle !== null) sayPlanned(session, session.bundle.planned(packagesIn(results)));
      session.summarize(() => planLines(session, terms.known !== undefined));
    } else {
      const isWhole = failed === undefined && results.length === recipe.steps.length;
      const done = (isWhole && (await recipe.doneOn?.(snapshot(host)))) || recipe.done;
      if (isWhole) log?.ended(done, results);
      conclude(session, { recipe: { ...recipe, done }, results, milliseconds: performance.now() - start });
    }
    return failed === undefined;
  } finally {
    reporter.clear();
    if (!options.dryRun) session.bundle?.discard();
    release();
  }
}

/**
 * Verifies the bundle of the session, and that it fits this host. Throws a Problem otherwise. For a command that
 * changes something before its recipe is applied.
 */
export async function demandBundle(session: Session): Promise<void> {
  const { host, bundle, options, reporter, stop } = session;
  if (bundle === null) return;
  if (!options.dryRun) session.catchSignals();
  const reader = snapshot(host);
  const wait = options.dryRun ? null : { watch: reporter.watch, stop };
  await session.note(await checkRequirements(reader, { requires: bundle.requirements(gatherFacts(reader)) }, wait));
}

/** Removes the apt source of a bundle that a killed run left. The caller holds the host's lock. */
async function removeLeftRepository(host: Host): Promise<void> {
  if (host.stat(repositoryDir) !== null) (await import("../bundle/local-repository.ts")).removeRepository(host);
}

/** Returns the summary of all planned steps. `isConfirmed`: the command asks before it changes anything. */
async function planLines(session: Session, isConfirmed: boolean): Promise<ClosingLine[]> {
  const { steps } = session.result();
  if (steps.some(({ outcome }) => outcome === "failed")) return [];
  const { applyCommand, planSummary } = await import("../report/plan.ts");
  return [planSummary(steps, applyCommand(session.again, isConfirmed && !session.options.yes))];
}

/** Returns the packages that these steps would install. */
function sayPlanned(session: Session, packages: readonly PlannedPackage[]): void {
  session.include({ packages: [...packages] });
  for (const { name, version, requested } of packages) {
    session.say(lineOf`from the bundle${requested ? "" : ", if they need it"}: ${name} ${version}`);
  }
}

function packagesIn(results: readonly StepResult[]): string[] {
  return results.flatMap(({ changes }) =>
    changes.flatMap((change) => (change.kind === "packages" ? change.names : [])),
  );
}

/** Returns the watch that passes each step to the log and the report. `log`: null in a dry run. */
function stepWatch(reporter: Reporter, log: ReturnType<typeof runLog> | null, steps: readonly Step[]): Watch {
  const counted = steps.filter(({ mark }) => !mark);
  return {
    started(step: Step) {
      log?.started(step);
      const place = { step: counted.indexOf(step) + 1, of: counted.length };
      reporter.started(step, step.mark ? undefined : place);
    },
    async finished(result: StepResult) {
      log?.finished(result);
      await reporter.step(result, counted.length === 1);
    },
  };
}

/**
 * Returns the watch that passes each step of an operation to the log and the report, and adds it to the session. The
 * operation itself reports a failure among them.
 */
export function nestedWatch(session: Session, log: ReturnType<typeof runLog>): Watch {
  const { reporter } = session;
  return {
    started(step) {
      log.started(step);
      reporter.started(step);
    },
    async finished(result: StepResult) {
      log.finished(result);
      session.add(result);
      await (result.problem ? reporter.operation(result) : reporter.step(result, true));
    },
  };
}

function conclude(session: Session, applied: AppliedRecipe): void {
  const { recipe, results } = applied;
  const failure = results.find(({ outcome }) => outcome === "failed");
  if (failure === undefined) {
    // The recipe's message does not apply if only some of its steps ran.
    const text = results.length === recipe.steps.length ? lineOf`${recipe.done}` : "";
    const closing = async () => (await import("./recipe-closing.ts")).readyLines(applied, session.host);
    session.conclude({ text, closing }, null);
  } else {
    const isInterrupted = failure.problem?.code === "interrupted";
    const failed = results.filter(({ outcome }) => outcome === "failed").map(({ id }) => id);
    const text = isInterrupted ? "" : lineOf`${recipe.failed} ${failed.join(", ")}`;
    const closing = async () => (await import("./recipe-closing.ts")).failureLines(applied, failure, session.again);
    session.conclude(null, { text, closing });
  }
}

/**
 * Shows the planned changes of a recipe and asks for confirmation, unless --yes is given or nothing would change.
 * Returns the notes that were printed, or null if the plan failed, because there is nothing to confirm. A part of a plan
 * that fails does not keep the others from being confirmed. `agreed`: what follows the answer at the terminal, with the
 * steps that will be applied. Throws a Problem if the user declines or cannot be asked, and if this user may not change
 * the host. A dry run needs neither.
 */
export async function confirm(
  session: Session,
  recipeFor: RecipeFor,
  agreed?: (steps: readonly Step[]) => Promise<void>,
): Promise<string[] | null> {
  const { environment, options } = session;
  if (options.dryRun) return [];
  session.demandRoot();
  if (options.yes) return [];
  const { command, console, typed } = environment;
  if (options.json || !console.interactive()) throw unconfirmed(command, typed);
  const { recipe, reader, steps, failAt } = await prepare(session, recipeFor);
  const notes = await checkRequirements(reader, recipe, null);
  const planned = await converge(steps, reader, { failAt, isToConfirm: true });
  const pending = planned.filter(({ outcome }) => outcome !== "ok");
  if (pending.length === 0) return [];
  const shown = { ...options, quiet: false };
  const reporter = (await reporterFor(shown, environment))(shown, environment, () => null);
  await warnOfRecovery(session.host, reporter.note);
  for (const each of notes.warnings) await reporter.note(each);
  for (const each of notes.unknown) await reporter.note(`could not be determined: ${each}`);
  for (const result of pending) await reporter.step(result);
  const applicable = steps.filter((_, i) => planned[i]?.outcome === "pending");
  const isApplicable = applicable.some(({ part }) => part !== undefined);
  if (planned.some(({ outcome }) => outcome === "failed") && !isApplicable) {
    session.add(...planned);
    return null;
  }
  const { closingText } = await import("../report/closing.ts");
  const { planSummary } = await import("../report/plan.ts");
  const style = styleFor(environment, "out", options.colour);
  await console.out(closingText([planSummary(planned)], style, console.width("out") ?? 80));
  await ask(session, "Apply these changes?");
  await agreed?.(applicable);
  return [...notes.warnings, ...notes.unknown];
}

async function prepare({ host, bundle, options, environment }: Session, recipeFor: RecipeFor) {
  const reader = snapshot(host);
  const facts = gatherFacts(reader);
  const plain = await recipeFor(facts, bundle);
  const recipe = bundle === null ? plain : { ...plain, requires: [...bundle.requirements(facts), ...plain.requires] };
  const { only, skip, failStep } = options;
  if (only === undefined && skip === undefined && failStep === undefined) {
    return { reader, recipe, failAt: failStep, steps: recipe.steps };
  }
  const { select, unknownStep } = await import("../engine/select.ts");
  const typed = ["edox-ops", ...environment.typed];
  const ids = recipe.steps.map(({ id }) => id);
  if (failStep !== undefined && !ids.includes(failStep)) {
    throw unknownStep({ unknown: failStep, known: ids, flag: "--fail-step", given: failStep, typed });
  }
  return { reader, recipe, failAt: failStep, steps: await select(reader, recipe, { only, skip, typed }) };
}
