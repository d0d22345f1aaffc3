// Selects steps of a recipe by --only and --skip.

import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { nearestName } from "../text/nearest-name.ts";
import { withFlag } from "../text/with-flag.ts";
import { corrections, describeMissing } from "./change.ts";
import type { Recipe, Step } from "./step.ts";

interface Choice {
  /** Step ids as typed, separated by commas. */
  only: string | undefined;
  skip: string | undefined;
  /** The whole command as typed, for hints. */
  typed: readonly string[];
}

/**
 * Returns the selected steps in the recipe's order: all steps if neither flag is given. Otherwise the completion mark
 * is included only if --only names it. Throws a usage Problem for an unknown id. Throws a requirement Problem if a
 * selected step depends on an unmet resource of one that is left out.
 */
export async function select(reader: HostReader, recipe: Recipe, { only, skip, typed }: Choice): Promise<Step[]> {
  if (only === undefined && skip === undefined) return recipe.steps;
  const onlyIds = idsOf(recipe, "--only", only, typed);
  const skipIds = idsOf(recipe, "--skip", skip, typed);
  const chosen = recipe.steps.filter(
    ({ id, mark }) => (onlyIds ? onlyIds.includes(id) : !mark) && !skipIds?.includes(id),
  );
  const ids = chosen.map(({ id }) => id);
  if (chosen.length === 0) throw new Problem("usage", "no step is left");
  for (const { id, needs = [] } of chosen) {
    for (const { step, resource } of needs) {
      const missing = ids.includes(step) ? [] : corrections(await resource.check(reader, [], () => {}));
      if (missing[0] === undefined) continue;
      const others = withFlag(typed, "--skip", null);
      const hint = ["sudo", ...withFlag(others, "--only", [step, ...ids].join(","))];
      throw new Problem(
        "precondition-failed",
        `${id} needs ${step}, which is left out: ${describeMissing(missing[0])}`,
        {
          hint,
        },
      );
    }
  }
  return chosen;
}

/**
 * Returns the usage Problem for a step that the recipe does not have. Its hint repeats the command with the nearest
 * step id, or with `--dry-run`, which lists all steps.
 */
export function unknownStep({
  unknown,
  known,
  flag,
  given,
  typed,
}: {
  unknown: string;
  known: readonly string[];
  flag: string;
  given: string;
  typed: readonly string[];
}): Problem {
  const near = known.find((id) => id.startsWith(`${unknown}.`)) ?? nearestName(unknown, known);
  const corrected = given.split(",").map((id) => (id === unknown ? near : id));
  const plain = withFlag(typed, flag, null).filter((word) => word !== "--dry-run");
  const hint = near === undefined ? [...plain, "--dry-run"] : withFlag(typed, flag, corrected.join(","));
  return new Problem("usage", `unknown step ${unknown}: there are ${known.join(", ")}`, { hint });
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
  throw unknownStep({ unknown, known, flag, given: given ?? "", typed });
}
