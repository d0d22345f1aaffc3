// Applies a recipe whose failure does not fail the run: what the run is for is done already.

import { converge } from "../engine/converge.ts";
import { gatherFacts } from "../engine/facts.ts";
import { lockPath } from "../engine/paths.ts";
import { snapshot } from "../engine/snapshot.ts";
import { Problem } from "../problem/problem.ts";
import type { RecipeFor } from "./recipes.ts";
import { recoverFirst } from "./recovery.ts";
import { checkRequirements } from "./requirements.ts";
import type { Session } from "./session.ts";

/**
 * Applies a recipe under the host's lock, and returns the Problem of a failure, or null. The steps that succeeded are
 * part of the report. A signal ends the run as ever.
 */
export async function attemptRecipe(
  session: Session,
  recipeFor: RecipeFor,
  lockWaitMs: number,
): Promise<Problem | null> {
  const { host, reporter, stop } = session;
  let release = (): void => {};
  try {
    release = await session.lock("host", lockPath, lockWaitMs);
    await recoverFirst(host, (sentence) => session.warn(sentence), stop);
    const reader = snapshot(host);
    const recipe = await recipeFor(gatherFacts(reader), session.bundle);
    await session.note(await checkRequirements(reader, recipe, { watch: reporter.watch, stop }));
    const log = session.log(recipe.logPath);
    const results = await converge(recipe.steps, reader, {
      ...{ act: host, stop, again: session.again, program: session.environment.program },
      hasOwnAptSource: session.bundle !== null,
      watch: {
        ...reporter.watch,
        started(step) {
          log.started(step);
          reporter.started(step);
        },
        async finished(result) {
          log.finished(result);
          if (result.outcome === "failed" || result.outcome === "skipped") return;
          session.add(result);
          await reporter.step(result);
        },
      },
    });
    const failed = results.find(({ outcome }) => outcome === "failed");
    if (failed === undefined) log.ended(recipe.done, results);
    if (failed?.problem?.code === "interrupted") throw failed.problem;
    return failed === undefined ? null : (failed.problem ?? new Problem("internal", `${failed.id} failed`));
  } catch (error) {
    const problem = Problem.of(error);
    if (problem.code === "interrupted") throw error;
    return problem;
  } finally {
    reporter.clear();
    session.bundle?.discard();
    release();
  }
}
