// The proof from outside around a change of the firewall.

import type { Step, StepRun } from "../../engine/step.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { sshSession } from "../../ssh/session.ts";
import { type GuardTerms, guarded } from "../guarded.ts";
import { isOpened, partialDenials, ufwTuples } from "./rules.ts";
import { serverPorts } from "./ssh-ports.ts";
import { isActive } from "./ufw.ts";
import { type FirewallOptions, wantedRules } from "./wanted.ts";

/**
 * Returns the step with a proof from outside. A host without an SSH server has no login to lose. In two cases some login
 * of an admin is enough after the change, because others are lost on purpose or were lost before: where SSH becomes
 * limited to some addresses, and where ufw itself shuts out everyone, so that the change is the repair.
 */
export function guardedLogins(step: Step, terms: GuardTerms, optionsOf: (reader: HostReader) => FirewallOptions): Step {
  const proven = guarded(step, terms);
  let proof: "all" | "any" | "none" = "none";
  return {
    ...proven,
    async before(host, run) {
      const ports = await serverPorts(host);
      if (ports.length === 0) return;
      if (terms.confirmWithinMs === undefined) await demandProvable(host, ports);
      const isRepair = await shutsOut(host, ports);
      proof = isRepair || (await limitsAddresses(host, ports, optionsOf(host))) ? "any" : "all";
      if (proof === "all") await proven.before?.(host, run);
      // Another guard has no part in the end of the step.
      else if (!isRepair) await guarded(step, terms).before?.(host, run);
    },
    async verify(host, run) {
      if (proof === "all") return proven.verify?.(host, run);
      if (proof === "any") await demandAdmin(host, run, terms);
      if (terms.confirmWithinMs === undefined) return;
      const { awaitConfirmation } = await import("../confirmation.ts");
      await awaitConfirmation(host, terms.confirmWithinMs, run);
    },
  };
}

/**
 * Throws a Problem if ufw would begin to deny SSH to clients whose part a proof cannot play: to addresses, without a
 * session of the admin whose key and address the proof uses, or on an interface, since the probe has one of its own.
 */
async function demandProvable(host: Host, ports: readonly number[]): Promise<void> {
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

/** Throws a Problem unless an admin logs in from outside. Over loopback, which ufw never filters, that proves nothing. */
async function demandAdmin(host: Host, run: StepRun, { confirmWithinMs }: GuardTerms): Promise<void> {
  const { proveAll } = await import("../proof/prove.ts");
  const { isOutside, logins, reasons } = await proveAll(host, { ports: [], stop: run.stop });
  if (!isOutside && confirmWithinMs === undefined) throw nobody(["this host allows no network namespace"]);
  if (!logins.some(({ user }) => user.becomesRoot !== null)) throw nobody(reasons);
}

function nobody(reasons: readonly string[]): Problem {
  const why = reasons.length > 0 ? `: ${reasons.join("; ")}` : "";
  return new Problem("verify-failed", `no user who can become root logs in from outside any longer${why}`);
}

/** Returns whether the rules of ufw let nobody reach the SSH server. */
async function shutsOut(reader: HostReader, ports: readonly number[]): Promise<boolean> {
  if (!(await isActive(reader))) return false;
  const { ipv4, ipv6 } = ufwTuples(reader);
  return !ports.some((port) => isOpened([...ipv4, ...ipv6], { port, protocol: "tcp" }));
}

async function limitsAddresses(
  reader: HostReader,
  ports: readonly number[],
  options: FirewallOptions,
): Promise<boolean> {
  const rules = await wantedRules(reader, options, () => undefined);
  return rules.some(({ port, protocol, from }) => from !== null && protocol === "tcp" && ports.includes(port));
}
