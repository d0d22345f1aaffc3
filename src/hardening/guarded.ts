// A step that may lock the admin out: it is kept only if logins from outside are still possible after it.

import type { Step, StepRun } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { sshSession } from "../ssh/session.ts";
import type { Proof } from "./proof/prove.ts";
import { describeNobody, provenSentences } from "./proof/sentences.ts";
import { usersWithKeys } from "./proof/users.ts";

/**
 * Which logins a guarded step needs. "all": those that are possible before it, also after it. "some": that of an admin
 * before and after it, because others are lost on purpose. "repaired": that of an admin after it, because nobody gets in
 * before it. "none": no login, because the host has no SSH server.
 */
type Needed = "all" | "some" | "repaired" | "none";

/** How a step is guarded. The session of the operator is found by the guard itself: see sshSession. */
export interface GuardTerms {
  /** Returns the users who may lose their login by this step: root by ssh-harden. */
  mayLose?(reader: HostReader): readonly string[] | Promise<readonly string[]>;
  /** Returns which logins the step needs. Default: "all". Throws a Problem if a proof cannot show them. */
  needs?(reader: HostReader): Promise<Needed>;
  /** Returns whether the step can only let more people in, so that it is applied also where nobody gets in before it. */
  onlyOpens?(reader: HostReader): boolean | Promise<boolean>;
  /** Returns an address from which admins can log in after what is "repaired", or null for any. */
  repairedFrom?(reader: HostReader): Promise<string | null>;
  /** Ports beside SSH that must still answer after the change, if they answer before it. Default: 80 and 443. */
  ports?: readonly number[];
  /** Waits this many milliseconds for `host confirm` after the proof, and else rolls the step back. */
  confirmWithinMs?: number | undefined;
}

const adminHint = ["sudo", "edox-ops", "host", "admin", "NAME", "--key", "FILE"];

/** The changes and both proofs take a few seconds; services that hang while they restart take more. */
const changesMs = 5 * 60_000;
const webPorts = [80, 443];
/** sshd reads its settings again some time after a reload has returned. Until then it accepts by the old ones. */
const settleMs = 500;

/**
 * Returns the step with a proof of logins from outside around its changes. Before the first change it finds out who logs
 * in, by which endpoints of sshd, and which ports answer. After the last one, all of that must still be possible, apart from
 * the users of `mayLose`, or what `needs` returns instead: otherwise the step is rolled back. A user who cannot become root
 * may break the own login, and is then only reported. It changes nothing if no user who can become root logs in, or if
 * each of them may lose the login, unless it can only let more people in. Where connections from outside cannot be made,
 * it demands a confirmation.
 */
export function guarded(step: Step, terms: GuardTerms = {}): Step {
  const { confirmWithinMs } = terms;
  let needed: Needed | "reported" = "none";
  let before: Proof | null = null;
  return {
    ...step,
    requires: [...(step.requires ?? []), adminRemains(terms)],
    journal: true,
    armed: { withinMs: changesMs },
    async before(host, run) {
      try {
        needed = (await terms.needs?.(host)) ?? "all";
        if (needed === "all" || needed === "some") before = await proofBefore(host, run, terms);
      } catch (error) {
        const { code, message } = Problem.of(error);
        if (code !== "precondition-failed" || !(await terms.onlyOpens?.(host))) throw error;
        run.note(`applied without a proof, because it can only let more people in: ${message}`);
        needed = "reported";
      }
      await step.before?.(host, run);
    },
    async verify(host, run) {
      await step.verify?.(host, run);
      if (needed === "none") return;
      await host.sleep(settleMs);
      const same = needed === "some" ? await ofSession(host, before) : needed === "all" ? before : null;
      if (same !== null) await proveSame(host, run, same);
      else await proveAdmin(host, run, terms, needed);
    },
    ...(confirmWithinMs !== undefined && {
      async keep(host, run) {
        const { awaitConfirmation } = await import("./confirmation.ts");
        await awaitConfirmation(host, confirmWithinMs, run);
      },
    }),
  };
}

/**
 * Returns the requirement that somebody can still become root, as far as files and settings show. Only a login proves
 * it, but this needs none, so that a change that cannot succeed is refused before it is confirmed.
 */
function adminRemains({ needs, onlyOpens, mayLose }: GuardTerms): Requirement {
  return {
    name: "ssh:admin",
    title: "an admin can log in after the change",
    isEarly: true,
    async check(reader) {
      if (await onlyOpens?.(reader)) return null;
      const needed = (await needs?.(reader)) ?? "all";
      if (needed === "none" || needed === "repaired") return null;
      const { users, reasons } = await usersWithKeys(reader, await sshSession(reader));
      const losing = (await mayLose?.(reader)) ?? [];
      const names = users.flatMap(({ name, becomesRoot }) => (becomesRoot === null ? [] : [name]));
      if (names.some((name) => !losing.includes(name))) return null;
      return { reason: describeNobody({ names, reasons }, losing), hint: adminHint };
    },
  };
}

/** Returns what is possible before the step, without the logins that may be lost. Throws a Problem if that is too little. */
async function proofBefore(host: Host, { stop }: StepRun, terms: GuardTerms): Promise<Proof> {
  const { mayLose, ports = webPorts, confirmWithinMs } = terms;
  const { proveAll } = await import("./proof/prove.ts");
  const proof = await proveAll(host, { ports, stop });
  const losing = (await mayLose?.(host)) ?? [];
  const logins = proof.logins.filter(({ user }) => !losing.includes(user.name));
  if (!logins.some(({ user }) => user.becomesRoot !== null)) {
    const names = proof.logins.map(({ user }) => user.name);
    throw new Problem("precondition-failed", describeNobody({ names, reasons: proof.reasons }, losing), {
      hint: adminHint,
    });
  }
  if (!proof.isOutside && confirmWithinMs === undefined) {
    const message = "this host allows no network namespace, so that no login from outside can be proven";
    throw new Problem("precondition-failed", `${message}: pass --confirm-within 10m to confirm the change yourself`);
  }
  return { ...proof, logins };
}

/**
 * Returns the login by which the operator is here, if the proof has it. Where others may be lost on purpose, this one
 * may not. Else null.
 */
async function ofSession(host: Host, before: Proof | null): Promise<Proof | null> {
  const session = await sshSession(host);
  if (before === null || session === null) return null;
  const { client, server } = session;
  const logins = before.logins.filter(({ user, endpoint, source }) => {
    const isHere = endpoint.address === server.address && endpoint.port === server.port;
    return user.isOperator && user.becomesRoot !== null && isHere && source === client.address;
  });
  return logins.length === 0 ? null : { ...before, logins, answering: [] };
}

/** Reports which of these logins are still possible. Throws a Problem if one is not, unless the user may be the cause. */
async function proveSame(host: Host, { stop, note }: StepRun, before: Proof): Promise<void> {
  const { proveAgain } = await import("./proof/prove.ts");
  const ownDoings = await proveAgain(host, before, stop);
  const lost = new Set(ownDoings.map(({ user }) => user.name));
  const logins = before.logins.filter(({ user }) => !lost.has(user.name));
  for (const sentence of provenSentences({ ...before, logins })) note(sentence);
  for (const { reason } of ownDoings) note(`not proven: ${reason}: the change is kept, as the user may be the cause`);
}

/**
 * Reports the admins who log in after the step. Throws a Problem if there is none and one is demanded. Over loopback,
 * which ufw never filters, a login proves nothing.
 */
async function proveAdmin(
  host: Host,
  run: StepRun,
  { repairedFrom, confirmWithinMs }: GuardTerms,
  needed: Needed | "reported",
): Promise<void> {
  const isDemanded = needed !== "reported";
  const { proveAll } = await import("./proof/prove.ts");
  const from = needed === "repaired" ? ((await repairedFrom?.(host)) ?? null) : null;
  const proof = await proveAll(host, { ports: [], stop: run.stop, from }).catch((error): Proof => {
    const { code, message } = Problem.of(error);
    if (isDemanded || code !== "precondition-failed") throw error;
    return { isOutside: true, logins: [], answering: [], reasons: [message] };
  });
  const { isOutside, reasons } = proof;
  const logins = proof.logins.filter(({ user }) => user.becomesRoot !== null);
  for (const sentence of provenSentences({ logins, answering: [], isOutside })) run.note(sentence);
  const isProven = logins.length > 0 && (isOutside || confirmWithinMs !== undefined);
  if (isProven || !isDemanded) return;
  const why = isOutside ? reasons : ["this host allows no network namespace"];
  const because = why.length > 0 ? `: ${why.join("; ")}` : "";
  throw new Problem("verify-failed", `no user who can become root logs in from outside any longer${because}`);
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
