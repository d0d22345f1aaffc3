// Removes what the parts of the hardening added to this host.

import type { Recipe, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
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
  if (chosen.length === parts.length && steps.length > 0) steps.push(portForgotten);
  const packages = [...installed].sort();
  const kept = packages.length === 0 ? "" : ` These packages stay: ${packages.join(", ")}.`;
  const recipe = hostRecipe("host unharden", `The hardening is removed.${kept}`, steps);
  return {
    ...recipe,
    closing: {
      ready: "Hardening removed; its packages stay",
      next: () => (packages.length === 0 ? null : ["sudo", "apt-get", "remove", ...packages]),
    },
  };
}

const portForgotten: Step = {
  id: "host.unharden.record",
  title: "no port of SSH is recorded",
  part: "record",
  resources: [recordFile(({ ssh_port: _, ...others }) => others)],
};
