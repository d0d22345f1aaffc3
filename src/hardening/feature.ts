import { type Feature, optionalStep } from "../engine/feature.ts";
import type { Check } from "../engine/finding.ts";
import type { Recipe } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { parts } from "./parts/parts.ts";

const hardening: Feature = {
  async recipes() {
    const all = parts.map(async ({ recipe, isSetUp }) => (recipe ? [where(await recipe(), isSetUp)] : []));
    return (await Promise.all(all)).flat();
  },
  async checks() {
    const all = parts.map(async ({ checks, isSetUp }) => only((await checks?.()) ?? [], isSetUp));
    return (await Promise.all(all)).flat();
  },
  async bundled() {
    const { adminPackages } = await import("./admin.ts");
    const packages = await Promise.all(parts.map((part) => part.packages()));
    return { name: "hardening", packages: [...new Set([...packages.flat(), ...adminPackages])] };
  },
  optional: {
    isInstalled: (reader) => parts.some(({ isSetUp }) => isSetUp(reader)),
    listed: Object.fromEntries(parts.map(({ check, command }) => [check, command])),
  },
};

export default hardening;

/** Returns the recipe of one part of the hardening. Doctor checks its resources only where that part is set up. */
function where(recipe: Recipe, isSetUp: (reader: HostReader) => boolean): Recipe {
  return { ...recipe, steps: recipe.steps.map((step) => optionalStep(step, isSetUp)) };
}

function only(checks: readonly Check[], isSetUp: (reader: HostReader) => boolean): Check[] {
  return checks.map((check) => ({ ...check, appliesTo: check.appliesTo ?? isSetUp }));
}
