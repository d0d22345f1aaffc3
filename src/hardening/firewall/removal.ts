// Removes the rules that edox-ops added to the firewall, and the firewall if edox-ops enabled it.

import type { Change } from "../../engine/change.ts";
import type { Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { type GuardTerms, guarded } from "../guarded.ts";
import { readHostRecord, recordFile } from "../record.ts";
import { dockerFilter } from "./docker-rules.ts";
import { recordKernelRules } from "./kernel.ts";
import { has, readRule, spellRule, ufwTuples } from "./rules.ts";
import { serverPorts } from "./ssh-ports.ts";
import { isActive, ufw } from "./ufw.ts";

/** Returns the step, or null on a host whose firewall is not by edox-ops. Rules of others stay. */
export function firewallRemoval(reader: HostReader, terms: GuardTerms = {}): Step | null {
  if (readHostRecord(reader).firewall === undefined) return null;
  const step: Step = {
    id: "host.firewall.remove",
    title: "ufw has no rules of edox-ops",
    action: "Removing rules of ufw",
    resources: [
      dockerFilter(() => ({ allow: [], limitSsh: false, docker: false })),
      rulesRemoved,
      recordFile(({ firewall: _, ...others }) => others),
    ],
    before: recordKernelRules,
  };
  return guarded(step, {
    ...terms,
    needs: async (host) => ((await serverPorts(host)).length === 0 ? "none" : "all"),
    onlyOpens: async (host) => {
      const { deletions, isDisabled } = await removalOf(host);
      return isDisabled || deletions.length === 0 || !(await isActive(host));
    },
  });
}

/** Returns the commands that delete the rules of edox-ops, and whether ufw is disabled before that. */
async function removalOf(reader: HostReader): Promise<{ deletions: Change[]; isDisabled: boolean }> {
  const { enabled, opened = [] } = readHostRecord(reader).firewall ?? {};
  const { ipv4, ipv6 } = ufwTuples(reader);
  const rules = opened.flatMap((text) => readRule(text) ?? []).filter((rule) => has(ipv4, rule) || has(ipv6, rule));
  const deletions = rules.map((rule) => {
    return ufw(`edox-ops added the rule '${spellRule(rule)}'`, "delete", ...spellRule(rule).split(" "));
  });
  return { deletions, isDisabled: enabled === true && (await isActive(reader)) };
}

const rulesRemoved: Resource = {
  name: "firewall:rules",
  title: "ufw has no rules of edox-ops",
  async check(reader): Promise<Change[]> {
    const { deletions, isDisabled } = await removalOf(reader);
    if (!isDisabled) {
      const load = ufw("ufw has not loaded its rules", "reload");
      return (await isActive(reader)) && deletions.length > 0 ? [...deletions, load] : deletions;
    }
    // The rules are deleted last, because they keep SSH open while ufw filters.
    const disable: Change = { ...ufw("edox-ops enabled ufw", "disable"), undo: ["ufw", "--force", "enable"] };
    return [disable, ...deletions];
  },
};
