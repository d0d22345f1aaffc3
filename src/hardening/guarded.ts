// A step that may lock the admin out: it is kept only if logins from outside are still possible after it.

import type { Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { endpointText } from "../ssh/sockets.ts";
import type { Proof } from "./proof/prove.ts";

/** How a step is guarded. The session of the operator is found by the guard itself: see sshSession. */
export interface GuardTerms {
  /** Returns the users who may lose their login by this step: root by ssh-harden. */
  mayLose?(reader: HostReader): readonly string[] | Promise<readonly string[]>;
  /** Ports beside SSH that must still answer after the change, if they answer before it. Default: 80 and 443. */
  ports?: readonly number[];
  /** Waits this many milliseconds for `host confirm` after the proof, and else rolls the step back. */
  confirmWithinMs?: number | undefined;
}

/** The changes and both proofs take a few seconds; services that hang while they restart take more. */
const changesMs = 5 * 60_000;
const webPorts = [80, 443];
/** sshd reads its settings again some time after a reload has returned. Until then it accepts by the old ones. */
const settleMs = 500;

/**
 * Returns the step with a proof of logins from outside around its changes. Before the first change it finds out who logs
 * in, by which endpoints of sshd, and which ports answer. After the last one, all of that must still be possible, apart from
 * the users of `mayLose`: otherwise the step is rolled back. It changes nothing if no user who can become root logs in,
 * or if each of them may lose the login. Where connections from outside cannot be made, it demands a confirmation.
 */
export function guarded(step: Step, { mayLose, ports = webPorts, confirmWithinMs }: GuardTerms = {}): Step {
  let needed: Proof | null = null;
  return {
    ...step,
    journal: true,
    armed: { withinMs: changesMs },
    async before(host, run) {
      const { proveAll } = await import("./proof/prove.ts");
      const proof = await proveAll(host, { ports, stop: run.stop });
      const losing = (await mayLose?.(host)) ?? [];
      const logins = proof.logins.filter(({ user }) => !losing.includes(user.name));
      if (!logins.some(({ user }) => user.becomesRoot !== null)) throw nobody(proof, losing);
      if (!proof.isOutside && confirmWithinMs === undefined) {
        const message = "this host allows no network namespace, so that no login from outside can be proven";
        throw new Problem(
          "precondition-failed",
          `${message}: pass --confirm-within 10m to confirm the change yourself`,
        );
      }
      needed = { ...proof, logins };
      await step.before?.(host, run);
    },
    async verify(host, run) {
      await step.verify?.(host, run);
      const { proveAgain } = await import("./proof/prove.ts");
      if (needed === null) return;
      await host.sleep(settleMs);
      await proveAgain(host, needed, run.stop);
      for (const sentence of provenSentences(needed)) run.note(sentence);
      if (confirmWithinMs === undefined) return;
      const { awaitConfirmation } = await import("./confirmation.ts");
      await awaitConfirmation(host, confirmWithinMs, run);
    },
  };
}

/**
 * Returns the step, which is rolled back unless this user can log in from outside after it, and become root without a
 * password.
 */
export function provingAdmin(step: Step, name: string): Step {
  return {
    ...step,
    journal: true,
    async verify(host, run) {
      await step.verify?.(host, run);
      const { proveAll } = await import("./proof/prove.ts");
      const { logins, reasons, isOutside } = await proveAll(host, { ports: [], stop: run.stop, only: name });
      const proven = logins.filter(({ user }) => user.becomesRoot === "is" || user.becomesRoot === "sudo");
      for (const sentence of provenSentences({ logins: proven, answering: [], isOutside })) run.note(sentence);
      if (proven.length > 0) return;
      const why = reasons[0] ?? `${name}: cannot become root`;
      throw new Problem("verify-failed", `${name} cannot log in from outside and become root: ${why}`);
    },
  };
}

/** Returns what a proof showed, a sentence for each user and one for the ports. */
function provenSentences({ logins, answering, isOutside }: Omit<Proof, "reasons">): string[] {
  const where = isOutside ? "" : " over loopback";
  const ofUsers = Map.groupBy(logins, ({ user }) => user.name);
  const users = [...ofUsers].map(([name, each]) => {
    const ways = each.map(({ endpoint, source }) => `${endpointText(endpoint)} from ${source}`).join(", ");
    const becomes = { is: "", sudo: ", and becomes root", password: ", and becomes root with a password" };
    const root = each[0]?.user.becomesRoot;
    return `proven${where}: ${name} logs in at ${ways}${root ? becomes[root] : ""}`;
  });
  const verb = answering.length === 1 ? "answers" : "answer";
  return answering.length === 0
    ? users
    : [...users, `proven${where}: ${answering.map(endpointText).join(", ")} ${verb}`];
}

const adminHint = ["sudo", "edox-ops", "host", "admin", "NAME", "--key", "FILE"];

function nobody({ logins, reasons }: Proof, losing: readonly string[]): Problem {
  const who = logins.map(({ user }) => user.name).filter((name) => losing.includes(name));
  const message =
    who.length > 0
      ? `only ${[...new Set(who)].join(", ")} can log in and become root, and this change disables that login`
      : `no user who can become root logs in with a key${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}`;
  return new Problem("precondition-failed", message, { hint: adminHint });
}
