// Checks whether a run was interrupted in a step with a journal, which the next run rolls back.

import type { Check } from "../engine/finding.ts";
import { journaledSteps, recoverHint } from "../engine/interrupted.ts";
import { journalDir, lockPath } from "../engine/paths.ts";

/** Absent on a host where no step has had a journal. */
export const interruptedRun: Check = {
  name: "host:journal",
  appliesTo: (reader) => reader.stat(journalDir) !== null,
  run(reader) {
    const steps = journaledSteps(reader);
    if (steps.length === 0) return { status: "ok", detail: "no run was interrupted" };
    const [holder] = reader.lockHolders(lockPath);
    if (holder) return { status: "ok", detail: `a run changes this host (pid ${holder.pid})` };
    const detail = `a run was interrupted in ${steps.join(", ")}: its changes are rolled back by the next run`;
    return { status: "warning", detail, hint: recoverHint };
  },
};
