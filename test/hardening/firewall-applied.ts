// Applies the recipe of the firewall to a host in memory, without the proof from outside.

import { converge } from "../../src/engine/converge.ts";
import type { StepResult } from "../../src/engine/step.ts";
import { type Allowed, readAllowed } from "../../src/hardening/firewall/allow.ts";
import { recordKernelRules } from "../../src/hardening/firewall/kernel.ts";
import { firewallRecipe } from "../../src/hardening/firewall/recipe.ts";
import type { FirewallOptions } from "../../src/hardening/firewall/wanted.ts";
import type { FakeHost } from "../fake-host.ts";

interface Flags extends Partial<Omit<FirewallOptions, "allow">> {
  allow?: readonly string[];
}

/** Returns options as the command makes them from its flags. */
export function optionsOf({ allow = [], ...more }: Flags = {}): FirewallOptions {
  return { allow: allow.map((text) => readAllowed(text) as Allowed), limitSsh: false, docker: false, ...more };
}

/** Returns the result of the last step that ran. `flags`: null for those of the record, as doctor does. */
export async function applied(host: FakeHost, flags: Flags | null = {}, isDry = false): Promise<StepResult> {
  const options = flags && optionsOf(flags);
  const { steps } = options === null ? firewallRecipe() : firewallRecipe(() => options);
  const plain = steps.map(({ id, title, resources, requires = [] }) => {
    const others = requires.filter(({ name }) => name !== "ssh:admin");
    // The guard does this after its proof.
    return { id, title, resources, requires: others, ...(id.endsWith(".configure") && { before: recordKernelRules }) };
  });
  const results = await converge(plain, host, isDry ? {} : { act: host });
  const last = results.findLast(({ outcome }) => outcome !== "skipped");
  if (last === undefined) throw new Error("no step ran");
  return last;
}

/** Returns the commands of ufw and systemctl that a run adds. */
export async function commandsOf(host: FakeHost, flags: Flags = {}): Promise<string[]> {
  const { length } = host.ran;
  const { problem } = await applied(host, flags);
  if (problem) throw problem;
  return host.ran.slice(length).filter((line) => /^(?:ufw (?!status)|systemctl (?!show))/.test(line));
}
