// Some of a recipe's steps: --only and --skip.

import type { HostReader } from "../host/host.ts";
import { lack, reasons } from "./change.ts";
import { Problem, type Recipe, type Step } from "./step.ts";
import { withFlag } from "./with-flag.ts";

export interface Choice {
  /** Ids with commas between them, as they are typed. */
  only: string | undefined;
  skip: string | undefined;
  /** The whole command as it was typed, for hints. */
  typed: readonly string[];
}

/**
 * The steps that were chosen, in the recipe's order; the mark that all was done is only set where all is. Throws a usage
 * Problem for an id that is not there, and names what a chosen step needs of one that is left out: nothing else is run.
 */
export async function select(recipe: Recipe, { only, skip, typed }: Choice, see: HostReader): Promise<Step[]> {
  if (only === undefined && skip === undefined) return recipe.steps;
  const wanted = idsOf(recipe, "--only", only, typed);
  const unwanted = idsOf(recipe, "--skip", skip, typed);
  const chosen = recipe.steps.filter(
    ({ id, mark }) => (wanted ? wanted.includes(id) : !mark) && !unwanted?.includes(id),
  );
  const ids = chosen.map(({ id }) => id);
  if (chosen.length === 0) throw new Problem("usage", "no step is left");
  for (const { id, needs = [] } of chosen) {
    for (const { step, resource } of needs) {
      const missing = ids.includes(step) ? [] : reasons(await resource.check(see, [], () => {}));
      if (missing[0] === undefined) continue;
      const others = withFlag(typed, "--skip", null);
      const hint = ["sudo", ...withFlag(others, "--only", [step, ...ids].join(","))];
      throw new Problem("requirement", `${id} needs ${step}, which is left out: ${lack(missing[0])}`, { hint });
    }
  }
  return chosen;
}

function idsOf(
  { steps }: Recipe,
  flag: string,
  given: string | undefined,
  typed: readonly string[],
): string[] | undefined {
  const known = steps.map(({ id }) => id);
  const ids = given?.split(",");
  const unknown = ids?.find((id) => !known.includes(id));
  if (unknown === undefined) return ids;
  const hint = withFlag(typed, flag, known[0] ?? "");
  throw new Problem("usage", `unknown step ${unknown}: there are ${known.join(", ")}`, { hint });
}
