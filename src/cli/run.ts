// Runs a command that changes the host in a session, and maps its result to an exit code.

import type { AppliedBundle } from "../bundle/applied.ts";
import type { Host } from "../host/host.ts";
import { askFirst, type Question } from "../run/confirmation.ts";
import { confirm, convergeRecipe, type RecipeFor } from "../run/recipes.ts";
import { UnfinishedRun } from "../run/result.ts";
import { Session } from "../run/session.ts";
import type { Values } from "./command.ts";
import { type Context, exitCode } from "./context.ts";
import { exitOf } from "./exit.ts";
import { bundlePolicyOf, runOptionsOf } from "./flags.ts";

/** Milliseconds that a short command waits for another run. */
export const editWaitMs = 30_000;

/**
 * Opens a session, performs the actions of the command in it, reports the result, and returns the exit code. Throws an
 * {@link UnfinishedRun} for an error that is not the result of a step. `again`: the command that repeats this one, if it
 * differs from the typed one.
 */
export async function run(
  values: Values,
  context: Context,
  act: (session: Session) => Promise<void>,
  again?: readonly string[],
): Promise<number> {
  const options = runOptionsOf(values);
  const host = await context.host();
  const bundle = await openFor(values, host);
  const session = await Session.open({ host, bundle, options, environment: context, again });
  try {
    const exitSoFar = (): number => exitOf(session.result(), options.check);
    try {
      await act(session);
      if (exitSoFar() === exitCode.done && !options.dryRun) await bundle?.accept();
    } catch (error) {
      // The error of the run is the one to report.
      await session.printEnding().catch(() => {});
      throw new UnfinishedRun(error, session.result());
    }
    const [result, exit] = [session.result(), exitSoFar()];
    await session.reporter.end(result, exit);
    return exit;
  } finally {
    session.close();
    bundle?.close();
  }
}

async function openFor(values: Values, host: Host): Promise<AppliedBundle | null> {
  const policy = bundlePolicyOf(values);
  if (values.bundle === undefined) return null;
  const { applyBundle } = await import("../bundle/applied.ts");
  return applyBundle(host, String(values.bundle), policy);
}

/** Runs a command that is one recipe, after a confirmation. */
export function change(recipeFor: RecipeFor, values: Values, context: Context): Promise<number> {
  return run(values, context, async (session) => {
    const known = await confirm(session, recipeFor);
    if (known !== null) await convergeRecipe(session, recipeFor, { known });
  });
}

/** Runs a command that is one recipe, and changes only the state of edox-ops. It asks only the question, if any. */
export function edit(
  recipeFor: RecipeFor,
  values: Values,
  context: Context,
  question: Question = () => null,
): Promise<number> {
  return run(values, context, async (session) => {
    if (!session.options.dryRun) session.demandRoot();
    const demandSame = await askFirst(session, question);
    const confirmed: RecipeFor = async (facts, bundle) => {
      await demandSame();
      return recipeFor(facts, bundle);
    };
    await convergeRecipe(session, confirmed, { lockWaitMs: editWaitMs });
  });
}
