// The proof from outside around a change of the firewall.

import type { Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { firstAddress } from "../../ssh/address.ts";
import { sshSession } from "../../ssh/session.ts";
import { type GuardTerms, guarded } from "../guarded.ts";
import { isOpened, partialDenials, type Rule, ufwTuples } from "./rules.ts";
import { serverPorts } from "./ssh-ports.ts";
import { isActive } from "./ufw.ts";
import { type FirewallOptions, wantedRules } from "./wanted.ts";

/**
 * Returns the step with a proof from outside. A host without an SSH server has no login to lose. In two cases some login
 * of an admin is enough after the change, because others are lost on purpose or were lost before: where SSH becomes
 * limited to some addresses, and where ufw itself shuts out everyone, so that the change is the repair.
 */
export function guardedLogins(step: Step, terms: GuardTerms, optionsOf: (reader: HostReader) => FirewallOptions): Step {
  const sshRules = async (reader: HostReader): Promise<Rule[]> => {
    const ports = await serverPorts(reader);
    const rules = await wantedRules(reader, optionsOf(reader), () => undefined);
    return rules.filter(({ port, protocol }) => protocol === "tcp" && ports.includes(port));
  };
  return guarded(step, {
    ...terms,
    async needs(reader) {
      const ports = await serverPorts(reader);
      if (ports.length === 0) return "none";
      if (terms.confirmWithinMs === undefined) await demandProvable(reader, ports);
      if (await shutsOut(reader, ports)) return "repaired";
      return (await sshRules(reader)).some(({ from }) => from !== null) ? "some" : "all";
    },
    async repairedFrom(reader) {
      const from = (await sshRules(reader)).map((rule) => rule.from);
      return from.includes(null) ? null : firstAddress(from[0] ?? "");
    },
  });
}

/**
 * Throws a Problem if ufw would begin to deny SSH to clients whose part a proof cannot play: to addresses, without a
 * session of the admin whose key and address the proof uses, or on an interface, since the probe has one of its own.
 */
async function demandProvable(host: HostReader, ports: readonly number[]): Promise<void> {
  if (await isActive(host)) return;
  const { ipv4, ipv6 } = ufwTuples(host);
  const denials = ports.flatMap((port) => {
    return [ipv4, ipv6].flatMap((tuples) => partialDenials(tuples, { port, protocol: "tcp" }));
  });
  if (denials.length === 0) return;
  const isInSession = ((await sshSession(host))?.key ?? null) !== null;
  const found = denials.find((each) => each.interface !== null || !isInSession);
  if (found === undefined) return;
  const message =
    found.interface !== null
      ? `ufw has a rule that denies SSH on ${found.interface}, and no proof can show that this is not yours: delete the rule`
      : `ufw has a rule that denies SSH to ${found.from}, and no login with a key shows that this is not you: run the command in an SSH session`;
  throw new Problem("precondition-failed", `${message}, or pass --confirm-within 10m`, { hint: ufwRulesHint });
}

const ufwRulesHint = ["sudo", "ufw", "show", "added"];

/** Returns whether the rules of ufw let nobody reach the SSH server. */
async function shutsOut(reader: HostReader, ports: readonly number[]): Promise<boolean> {
  if (!(await isActive(reader))) return false;
  const { ipv4, ipv6 } = ufwTuples(reader);
  return !ports.some((port) => isOpened([...ipv4, ...ipv6], { port, protocol: "tcp" }));
}
