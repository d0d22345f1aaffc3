// Checks whether a run was interrupted in a step with a journal, which the next run rolls back.

import type { Check } from "../engine/finding.ts";
import { confirmHint, journaledSteps, recoverHint, rollbackDue, unconfirmedChange } from "../engine/interrupted.ts";
import { journalDir, lockPath } from "../engine/paths.ts";
import { utcText } from "../text/time.ts";

/** Absent on a host where no step has had a journal. */
export const interruptedRun: Check = {
  name: "host:journal",
  appliesTo: (reader) => reader.stat(journalDir) !== null,
  run(reader) {
    const steps = journaledSteps(reader);
    if (steps.length === 0) return { status: "ok", detail: "no run was interrupted" };
    const unconfirmed = unconfirmedChange(reader);
    if (unconfirmed !== null) {
      const detail = `${steps.join(", ")} is rolled back unless it is confirmed until ${utcText(unconfirmed.untilMs)}`;
      return { status: "warning", detail, hint: confirmHint };
    }
    const [holder] = reader.lockHolders(lockPath);
    if (holder) return { status: "ok", detail: `a run changes this host (pid ${holder.pid})` };
    const due = rollbackDue(reader);
    const by = `by the next run${due === null ? "" : `, or by systemd at ${utcText(due)}`}`;
    const detail = `a run was interrupted in ${steps.join(", ")}: its changes are rolled back ${by}`;
    return { status: "warning", detail, hint: recoverHint };
  },
};
