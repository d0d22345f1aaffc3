// Proofs and guarded steps, run by a process of its own in a test host.
//   bun guarded-run.js prove | session | recover | guard JSON, which has the changes of a step and its terms

import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { lockPath } from "../../src/engine/paths.ts";
import { recover } from "../../src/engine/recover.ts";
import type { Step } from "../../src/engine/step.ts";
import { guarded, provingAdmin } from "../../src/hardening/guarded.ts";
import { proveAll } from "../../src/hardening/proof/prove.ts";
import { localHost } from "../../src/host/local.ts";
import { Problem } from "../../src/problem/problem.ts";
import { sshSession } from "../../src/ssh/session.ts";

/** What a test passes to `guard`. */
export interface Guarded {
  changes: Change[];
  mayLose?: string[];
  confirmWithinMs?: number;
  /** Proves that this user is an admin after the changes, in place of the guard. */
  admin?: string;
}

const host = localHost("");
const [action = "", json = "{}"] = process.argv.slice(2);

const actions: Record<string, () => unknown> = {
  session: () => sshSession(host),
  prove: () => proveAll(host, { ports: [80, 443], stop: () => null }),
  recover: () => recover(host),
  async guard() {
    const { changes, mayLose, confirmWithinMs, admin } = JSON.parse(json) as Guarded;
    // JSON has no bytes: a Text is written as its content.
    const typed = changes.map((each) => (each.kind === "file" ? { ...each, after: Text.of(`${each.after}`) } : each));
    // They are checked again after the requirements, and are applied after that.
    let isApplied = false;
    const resource = { name: "d", title: "", check: () => (isApplied ? [] : typed) };
    const before = async () => {
      isApplied = true;
    };
    const plain = { id: "test.guarded", title: "", resources: [resource], before };
    const step =
      admin === undefined
        ? guarded(plain, { mayLose: () => mayLose ?? [], confirmWithinMs })
        : provingAdmin(plain, admin);
    let failed = 0;
    const verify: Step["verify"] = async (...args) => {
      try {
        await step.verify?.(...args);
      } catch (error) {
        failed = performance.now();
        throw error;
      }
    };
    const [result] = await converge([{ ...step, verify }], host, { act: host, program: "/usr/local/bin/bun" });
    const { outcome, problem, notes } = result ?? {};
    const restoredMs = failed === 0 ? undefined : performance.now() - failed;
    return { outcome, code: problem?.code, message: problem?.message, hint: problem?.hint, notes, restoredMs };
  },
};

// The lock of a run makes the directory that only root can open.
if (!("release" in host.lock(lockPath))) throw new Error("another run holds the lock");
try {
  console.log(JSON.stringify(await actions[action]?.()));
} catch (error) {
  const { code, message, hint } = Problem.of(error);
  console.log(JSON.stringify({ code, message, hint, stack: (error as Error).stack }));
  process.exit(1);
}
