// Commands that start or stop gitlab-runner. One of them runs at a time, and running jobs are drained before a stop.

import type { ArgsDef } from "citty";
import { lockPath } from "../../engine/paths.ts";
import type { Host } from "../../host/host.ts";
import type { Stop } from "../../problem/wait.ts";
import { runnerLockPath } from "../../runner/paths.ts";
import { lineOf } from "../../text/lines.ts";
import type { Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";
import { type Before, change, takeLock } from "../run.ts";
import { waitOf } from "../wait.ts";

/**
 * Another run may have taken the host's lock during the drain. gitlab-runner is stopped by then, so this command waits
 * for that lock.
 */
const hostLockMs = 600_000;

type RecipeFor = Parameters<typeof change>[0];

export const drainFlag = {
  drain: {
    type: "string",
    valueHint: "time",
    description: "wait so long for running jobs, 2h without it: 90s, 10m, 2h",
  },
} as const satisfies ArgsDef;

/** Parses --drain and returns milliseconds. The default of two hours is also the stop timeout of systemd. */
export function drainOf(typed: string | undefined): number {
  return waitOf("--drain", typed ?? "2h");
}

/** Applies the change while holding the runner's lock. */
export async function changeRunner(recipeFor: RecipeFor, values: Values, context: Context): Promise<number> {
  const host = await context.host();
  const before: Before = async () => {
    const lock = await runnerLock(host, context);
    return () => lock.release();
  };
  return change(recipeFor, values, context, 0, {}, { before });
}

/**
 * Drains and stops gitlab-runner if `stops` returns true, and then applies the change. If the change fails,
 * gitlab-runner is started again. Both locks are tried before the stop; during the drain only the runner's lock is
 * held.
 */
export async function changeDrained(
  recipeFor: RecipeFor,
  values: Values,
  context: Context,
  drainMs: number,
  stops: (stop: Stop) => Promise<boolean>,
): Promise<number> {
  const { demandStopped, drainService } = await import("../../runner/drain.ts");
  const host = await context.host();
  let isDrained = false;
  const before: Before = async (stop) => {
    const lock = await runnerLock(host, context);
    try {
      (await takeLock(host, lockPath, ["edox-ops", ...context.typed])).release();
      if (!(await stops(stop))) return () => lock.release();
      const tell = (sentence: string): void => void (values.quiet || context.console.err(lineOf`${sentence}`));
      const restart = await drainService(host, drainMs, stop, tell);
      isDrained = true;
      return async (exit) => {
        if (exit !== exitCode.done) await restart();
        lock.release();
      };
    } catch (error) {
      lock.release();
      throw error;
    }
  };
  const recipe: RecipeFor = (facts) => {
    if (isDrained) demandStopped(host);
    return recipeFor(facts);
  };
  return change(recipe, values, context, hostLockMs, {}, { before });
}

function runnerLock(host: Host, { typed }: Context): Promise<{ release(): void }> {
  return takeLock(host, runnerLockPath, ["edox-ops", ...typed]);
}
