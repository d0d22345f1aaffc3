// Checks the requirements of a recipe before anything changes.

import type { Recipe } from "../engine/step.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { type Stop, type WaitWatch, waitFor } from "../problem/wait.ts";

/** What the requirements of a run noticed, each sentence once. */
export interface Notes {
  warnings: string[];
  /** Why a requirement could not be checked. */
  unknown: string[];
}

/**
 * Returns the notes of the requirements. An unmet one throws a Problem. Without `wait`, no requirement is waited for.
 */
export async function checkRequirements(
  reader: HostReader,
  { requires }: Pick<Recipe, "requires">,
  wait: { watch: WaitWatch; stop: Stop } | null,
): Promise<Notes> {
  const notes: Notes = { warnings: [], unknown: [] };
  for (const requirement of requires) {
    try {
      const limited = wait ? requirement : { ...requirement, waitMs: 0 };
      notes.warnings.push(...(await waitFor(reader, limited, wait?.watch, wait?.stop)));
    } catch (error) {
      if (!(error instanceof UnknownStateError)) throw error;
      notes.unknown.push(error.message);
    }
  }
  return { warnings: [...new Set(notes.warnings)], unknown: [...new Set(notes.unknown)] };
}
