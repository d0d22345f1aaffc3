// What a proof leaves behind if it is killed: lines of keys, key files, a routing rule.

import { recoverHint } from "../../engine/interrupted.ts";
import { type Inverse, undo } from "../../engine/inverse.ts";
import { openJournal } from "../../engine/journal.ts";
import type { Host } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";

/** Takes what undoes a change, before that is made. */
export type Record = (inverse: Inverse) => void;

/**
 * Runs `act`, and then undoes all that it recorded, also if it throws. After a kill, the next run or `edox-ops recover`
 * does that from a journal. Throws if something could not be undone; the journal then stays for another attempt.
 */
export async function undoing<T>(host: Host, act: (record: Record) => Promise<T>): Promise<T> {
  const journal = openJournal(host, { step: "host.proof", again: [] });
  const inverses: Inverse[] = [];
  const record: Record = (inverse) => {
    journal.add(inverse);
    inverses.unshift(inverse);
  };
  const [result] = await Promise.allSettled([act(record)]);
  const { failures } = await undo(host, inverses);
  const notes = failures.map(({ message }) => `not removed after the proof: ${message}`);
  if (notes.length === 0) journal.end();
  if (result.status === "fulfilled" && notes.length === 0) return result.value;
  const problem = result.status === "rejected" ? Problem.of(result.reason) : (failures[0] as Problem);
  const message = result.status === "rejected" ? [problem.message, ...notes].join("; ") : notes.join("; ");
  throw problem.with({ message, ...(notes.length > 0 && { hint: recoverHint }) });
}
