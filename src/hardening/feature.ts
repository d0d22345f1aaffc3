import { type Feature, optionalStep } from "../engine/feature.ts";
import type { Recipe } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { isFirewallSetUp } from "./firewall/set-up.ts";
import { logrotatePath } from "./paths.ts";
import { hasSshHardening } from "./ssh/paths.ts";

const hasLogrotate = (reader: HostReader): boolean => reader.stat(logrotatePath) !== null;

const hardening: Feature = {
  async recipes() {
    const { logrotate } = await import("./logrotate.ts");
    const { firewallRecipe } = await import("./firewall/recipe.ts");
    return [where(logrotate, hasLogrotate), where(firewallRecipe(), isFirewallSetUp)];
  },
  async checks() {
    const { dockerPorts } = await import("./firewall/docker-ports.ts");
    const { sshChecks } = await import("./ssh/checks.ts");
    return [...sshChecks, dockerPorts];
  },
  async bundled() {
    const { adminPackages } = await import("./admin.ts");
    const { logrotatePackages } = await import("./logrotate.ts");
    const { firewallPackages } = await import("./firewall/recipe.ts");
    return { name: "hardening", packages: [...adminPackages, ...firewallPackages, ...logrotatePackages] };
  },
  optional: {
    isInstalled: (reader) => hasLogrotate(reader) || hasSshHardening(reader) || isFirewallSetUp(reader),
    listed: {
      "host:firewall": "host firewall",
      "host:ssh-harden": "host ssh-harden",
      "host:logrotate": "host logrotate",
    },
  },
};

export default hardening;

/** Returns the recipe of one part of the hardening. Doctor checks its resources only where that part is set up. */
function where(recipe: Recipe, isSetUp: (reader: HostReader) => boolean): Recipe {
  return { ...recipe, steps: recipe.steps.map((step) => optionalStep(step, isSetUp)) };
}
