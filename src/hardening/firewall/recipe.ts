// The firewall of a host: ufw, with the rules that the options and the SSH server ask for.

import { stateDir } from "../../engine/paths.ts";
import type { Recipe, Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { directory } from "../../resources/directory.ts";
import { line } from "../../resources/line.ts";
import { packageInstalled } from "../../resources/package.ts";
import { packagesStep } from "../../resources/packages-step.ts";
import { unit } from "../../resources/unit.ts";
import type { GuardTerms } from "../guarded.ts";
import { hostRecipe } from "../recipe.ts";
import { recordFile } from "../record.ts";
import { spellAllowed } from "./allow.ts";
import { dockerFilter } from "./docker-rules.ts";
import { onlyFirewall } from "./foreign.ts";
import { guardedLogins } from "./guard.ts";
import { recordKernelRules } from "./kernel.ts";
import { ufwDefaultsPath } from "./paths.ts";
import { isActive, planRules, ufwFilters } from "./ufw.ts";
import { type FirewallOptions, recordedOptions, recordOf, wantedRules } from "./wanted.ts";

type OptionsOf = (reader: HostReader) => FirewallOptions;

/** A login from outside is tested with a network namespace and a client. */
const packages = ["ufw", "iproute2", "openssh-client"];
/** The packages that a bundle needs for every option. */
export const firewallPackages = [...packages, "nftables"];

/** Returns the recipe with these options; by default those of the last run. `terms`: how it is proven from outside. */
export function firewallRecipe(optionsOf: OptionsOf = recordedOptions, terms: GuardTerms = {}): Recipe {
  return {
    ...hostRecipe("host firewall", "The firewall is active.", firewallSteps(optionsOf, terms)),
    closing: { ready: "Firewall active" },
    // The Python version prints this line, with the ports of its flags.
    async doneOn(reader) {
      const rules = await wantedRules(reader, optionsOf(reader), () => undefined);
      return `UFW enabled (incoming default deny; allow ${rules.map(spellAllowed).join(", ")}).`;
    },
  };
}

function firewallSteps(optionsOf: OptionsOf, terms: GuardTerms): Step[] {
  const install = packagesStep("host.firewall.install", packages);
  const configure: Step = {
    id: "host.firewall.configure",
    title: "ufw denies incoming connections except to the allowed ports",
    action: "Configuring ufw",
    requires: [onlyFirewall],
    resources: [
      directory(stateDir, 0o750, `state:${stateDir}`),
      recordFile(async (before, reader) => {
        // Doctor checks a ufw that the admin, or the Python version, has set up.
        if (optionsOf === recordedOptions && before.firewall === undefined) return before;
        const options = optionsOf(reader);
        const { opened } = await planRules(reader, options, () => undefined);
        const enabled = before.firewall?.enabled === true || !(await isActive(reader));
        return recordOf(before, options, { opened, enabled });
      }),
      ipv6Filtered,
      unit({ unit: "ufw.service", state: "enabled", brought: "ufw" }),
      ufwFilters(optionsOf),
      dockerFilter(optionsOf),
    ],
    before: recordKernelRules,
  };
  // The package of ufw conflicts with others, so that apt would remove them. The next step warns.
  const early = { ...onlyFirewall, check: (reader: HostReader) => onlyFirewall.check(reader, () => undefined) };
  const requires = [...(install.requires ?? []), early];
  const resources = [...install.resources, onlyWith(optionsOf, packageInstalled("nftables"))];
  return [{ ...install, requires, resources }, guardedLogins(configure, terms, optionsOf)];
}

/** Returns a resource for the filter of Docker's ports. */
function onlyWith(optionsOf: OptionsOf, resource: Resource): Resource {
  const { check } = resource;
  return { ...resource, check: (reader, ...rest) => (optionsOf(reader).docker ? check(reader, ...rest) : []) };
}

const ipv6Line = line({
  path: ufwDefaultsPath,
  title: "ufw filters IPv6",
  state: "present",
  line: "IPV6=yes",
  replaces: /^\s*IPV6\s*=/,
});

/** The package of ufw writes the file, with this line. */
const ipv6Filtered: Resource = {
  ...ipv6Line,
  name: "host:firewall-ipv6",
  check: (reader, ahead, warn) => (reader.stat(ufwDefaultsPath) === null ? [] : ipv6Line.check(reader, ahead, warn)),
};
