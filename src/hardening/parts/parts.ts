// The parts of the hardening. Each has a recipe of its own, and `host harden` applies several of them.

import { installedPackage } from "../../apt/dpkg.ts";
import type { Check } from "../../engine/finding.ts";
import type { Recipe, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { hasUpdates } from "../apt-periodic.ts";
import { ufwConfPath } from "../firewall/paths.ts";
import { isFirewallSetUp } from "../firewall/set-up.ts";
import type { GuardTerms } from "../guarded.ts";
import { jailPath, logrotatePath, nginxDropInPath, periodicPath, sshDropInPath } from "../paths.ts";
import { hasSshHardening } from "../ssh/paths.ts";

export interface HostPart {
  name: string;
  /** The command that sets it up, without `edox-ops`. */
  command: string;
  /** The check that doctor lists where the part is not set up. */
  check: string;
  /** Its file, whose age is that of the part. */
  path: string;
  isSetUp(reader: HostReader): boolean;
  /** Returns why the part does not apply to this host, or null. */
  reasonToSkip?(reader: HostReader): string | null;
  /** The packages that it installs. */
  packages(): Promise<readonly string[]>;
  /** Returns the recipe whose resources doctor checks. */
  recipe?(): Promise<Recipe>;
  checks?(): Promise<readonly Check[]>;
  /** Returns the step that removes what the part added to this host, or null if it added nothing. */
  removal(reader: HostReader, terms: GuardTerms): Promise<Step | null>;
}

const exists =
  (path: string) =>
  (reader: HostReader): boolean =>
    reader.stat(path) !== null;

/** Returns why nginx is not restricted, or null. */
export function withoutNginx(reader: HostReader): string | null {
  return reader.stat("/usr/sbin/nginx") === null ? "nginx is not installed" : null;
}

/** All parts, in the order in which `host harden` applies them. */
export const parts: readonly HostPart[] = [
  {
    name: "security-updates",
    command: "host security-updates",
    check: "host:security-updates",
    path: periodicPath,
    isSetUp: hasUpdates,
    packages: async () => (await import("../updates.ts")).updatesPackages,
    recipe: async () => (await import("../updates.ts")).securityUpdates(),
    checks: async () => (await import("../updates-checks.ts")).updatesChecks,
    removal: async (reader) => (await import("../updates.ts")).updatesRemoval(reader),
  },
  {
    name: "firewall",
    command: "host firewall",
    check: "host:firewall",
    path: ufwConfPath,
    isSetUp: isFirewallSetUp,
    packages: async () => (await import("../firewall/recipe.ts")).firewallPackages,
    recipe: async () => (await import("../firewall/recipe.ts")).firewallRecipe(),
    checks: async () => [(await import("../firewall/docker-ports.ts")).dockerPorts],
    removal: async (reader, terms) => (await import("../firewall/removal.ts")).firewallRemoval(reader, terms),
  },
  {
    name: "fail2ban",
    command: "host fail2ban",
    check: "host:fail2ban",
    path: jailPath,
    isSetUp: exists(jailPath),
    packages: async () => (await import("../fail2ban/recipe.ts")).fail2banPackages,
    recipe: async () => (await import("../fail2ban/recipe.ts")).fail2ban(),
    removal: async (reader) => (await import("../fail2ban/recipe.ts")).fail2banRemoval(reader),
  },
  {
    name: "ssh",
    command: "host ssh-harden",
    check: "host:ssh-harden",
    path: sshDropInPath,
    isSetUp: hasSshHardening,
    packages: async () => (await import("../ssh/recipe.ts")).sshPackages,
    checks: async () => (await import("../ssh/checks.ts")).sshChecks,
    removal: async (_, terms) => (await import("../ssh/removal.ts")).sshRemoval(terms),
  },
  {
    name: "logrotate",
    command: "host logrotate",
    check: "host:logrotate",
    path: logrotatePath,
    isSetUp: exists(logrotatePath),
    packages: async () => (await import("../logrotate.ts")).logrotatePackages,
    recipe: async () => (await import("../logrotate.ts")).logrotate,
    removal: async () => (await import("../logrotate.ts")).logrotateRemoval,
  },
  {
    name: "nginx",
    command: "host harden --all",
    check: "host:nginx",
    path: nginxDropInPath,
    isSetUp: exists(nginxDropInPath),
    reasonToSkip: withoutNginx,
    packages: async () => [],
    recipe: async () => (await import("../nginx-unit.ts")).nginxRecipe,
    removal: async () => (await import("../nginx-unit.ts")).nginxRemoval,
  },
];

/** Returns those packages of a part that are installed. */
export async function installedOf(reader: HostReader, part: HostPart): Promise<string[]> {
  return (await part.packages()).filter((name) => installedPackage(reader, name) !== null);
}
