// Commands that start or stop gitlab-runner. One of them runs at a time, and running jobs are drained before a stop.

import { lockPath } from "../../engine/paths.ts";
import { confirm, convergeRecipe, type RecipeFor } from "../../run/recipes.ts";
import type { Session } from "../../run/session.ts";
import { runnerLockPath } from "../../runner/paths.ts";
import type { Arguments, Values } from "../command.ts";
import type { Context } from "../context.ts";
import { run } from "../run.ts";
import { waitOf } from "../wait.ts";

/**
 * Another run may have taken the host's lock during the drain. gitlab-runner is stopped by then, so this command waits
 * for that lock.
 */
const hostLockMs = 600_000;

export const drainFlag = {
  drain: {
    type: "string",
    valueHint: "time",
    description: "Timeout for running jobs, for example 90s or 10m; 2h by default",
  },
} as const satisfies Arguments;

/** Parses --drain and returns milliseconds. The default of two hours is also the stop timeout of systemd. */
export function drainOf(typed: string | undefined): number {
  return waitOf("--drain", typed ?? "2h");
}

/** Applies the recipe while holding the runner's lock. */
export function changeRunner(recipeFor: RecipeFor, values: Values, context: Context): Promise<number> {
  return run(values, context, async (session) => {
    const known = await confirm(session, recipeFor);
    if (known === null) return;
    if (!session.options.dryRun) await session.lock("runner", runnerLockPath);
    await convergeRecipe(session, recipeFor, { known });
  });
}

interface DrainedChange {
  recipeFor: RecipeFor;
  /** The limit for running jobs in milliseconds. */
  drainMs: number;
  /** Returns whether the service has to stop before the change. */
  stops(session: Session): Promise<boolean>;
}

/**
 * Drains and stops gitlab-runner if necessary, and then applies the recipe. If that fails, gitlab-runner is started
 * again. Both locks are tried before the stop; during the drain only the runner's lock is held.
 */
export async function convergeDrained(session: Session, { recipeFor, drainMs, stops }: DrainedChange): Promise<void> {
  const { demandStopped, drainService } = await import("../../runner/drain.ts");
  const { host, options, reporter, stop } = session;
  const known = await confirm(session, recipeFor);
  if (known === null) return;
  if (options.dryRun) {
    await convergeRecipe(session, recipeFor, { known });
    return;
  }
  await session.lock("runner", runnerLockPath);
  (await session.lock("host", lockPath))();
  const restart = (await stops(session)) ? await drainService(host, drainMs, stop, reporter.waiting) : null;
  const recipe: RecipeFor = (facts, bundle) => {
    if (restart) demandStopped(host);
    return recipeFor(facts, bundle);
  };
  let isDone = false;
  try {
    isDone = await convergeRecipe(session, recipe, { known, lockWaitMs: hostLockMs });
  } finally {
    if (!isDone) await restart?.();
  }
}
