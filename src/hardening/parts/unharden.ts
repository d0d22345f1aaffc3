// Removes what the parts of the hardening added to this host.

import type { Recipe, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { listed } from "../../resources/packages-step.ts";
import type { GuardTerms } from "../guarded.ts";
import { hostRecipe } from "../recipe.ts";
import { recordFile } from "../record.ts";
import { type HostPart, installedOf, parts } from "./parts.ts";

/** Returns the recipe for these parts. Packages stay: other programs may use them by now. */
export async function unharden(
  reader: HostReader,
  chosen: readonly HostPart[],
  terms: GuardTerms = {},
): Promise<Recipe> {
  const steps: Step[] = [];
  const installed = new Set<string>();
  for (const part of [...chosen].reverse()) {
    if (!part.isSetUp(reader)) continue;
    const removal = await part.removal(reader, terms);
    if (removal === null) continue;
    steps.push({ ...removal, part: part.name });
    for (const name of await installedOf(reader, part)) installed.add(name);
  }
  const done = doneText(chosen, steps);
  if (chosen.length === parts.length && steps.length > 0) steps.push(portForgotten);
  const packages = listed.format([...installed].sort());
  return hostRecipe("host unharden", packages === "" ? done : `${done} These packages stay: ${packages}.`, steps);
}

function doneText(chosen: readonly HostPart[], removals: readonly Step[]): string {
  if (chosen.length === parts.length) return "The hardening is removed.";
  const removed = chosen.filter(({ name }) => removals.some(({ part }) => part === name));
  const named = removed.length > 0 ? removed : chosen;
  const names = `${named.length === 1 ? "part" : "parts"} ${listed.format(named.map(({ name }) => name))}`;
  return `The ${names} ${named.length === 1 ? "is" : "are"} ${removed.length > 0 ? "removed" : "not set up"}.`;
}

const portForgotten: Step = {
  id: "host.unharden.record",
  title: "no port of SSH is recorded",
  part: "record",
  resources: [recordFile(({ ssh_port: _, ...others }) => others)],
};
