// Runs a command that may cut off the admin.

import { confirmHint } from "../../engine/interrupted.ts";
import type { Recipe } from "../../engine/step.ts";
import { offer } from "../../run/confirmation.ts";
import { confirm, convergeRecipe } from "../../run/recipes.ts";
import { sshSession } from "../../ssh/session.ts";
import { shellLine } from "../../text/lines.ts";
import type { Values } from "../command.ts";
import type { Context } from "../context.ts";
import { run } from "../run.ts";
import { confirmWithinOf } from "./flags.ts";

const offered = { ms: 600_000, text: "10 minutes" };

/**
 * Runs a command of one recipe, which gets the milliseconds of --confirm-within. At a terminal it offers that flag to
 * an operator who came over SSH and did not type it: on a console, nobody is cut off.
 */
export function guardedChange(
  recipeFor: (confirmWithinMs: number | undefined) => Recipe | Promise<Recipe>,
  values: Values,
  context: Context,
): Promise<number> {
  let confirmWithinMs = confirmWithinOf(values);
  return run(values, context, async (session) => {
    const present = () => recipeFor(confirmWithinMs);
    const known = await confirm(session, present, async (steps) => {
      const isGuarded = steps.some(({ armed }) => armed !== undefined);
      if (!isGuarded || confirmWithinMs !== undefined || (await sshSession(session.host)) === null) return;
      const question = `Roll them back unless a new login runs ${shellLine(confirmHint)} within ${offered.text}?`;
      if (await offer(session, question)) confirmWithinMs = offered.ms;
    });
    if (known !== null) await convergeRecipe(session, present, { known });
  });
}
