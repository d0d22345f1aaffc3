// The log file of a run, in a fixed format: the time of each step, and the full output of the commands.

import type { Step, StepResult } from "../engine/step.ts";
import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { linesOf, oneLine } from "../text/lines.ts";
import { parentOf } from "../text/path.ts";

const newline = 10;
const words = { ok: "SKIPPED", changed: "SUCCESS", failed: "FAILURE" } as const;

/** Appends to the log at `path`. A log that cannot be written is reported once and never stops a run. */
export function runLog(path: string, host: Host, complain: (sentence: string) => void) {
  let broken = false;
  let begun = false;
  return {
    /** Logs the end of a run whose steps all succeeded with these results. */
    ended(done: string, results: readonly StepResult[]) {
      const isChanged = results.some(({ outcome }) => outcome === "changed");
      write([`DONE ${linesOf(done)[0] ?? ""}`], isChanged);
    },
    started: ({ id, title }: Step) => write([`STEP ${id} START action='${title}'`], false),
    // Steps that changed something are fsynced, as their files are. A run that changes nothing does not wait for the
    // disk.
    finished: (result: StepResult) => write(finished(result), result.outcome !== "ok"),
  };

  function write(lines: readonly string[], synced: boolean): void {
    if (broken) return;
    const stamp = `[${new Date(host.now()).toISOString().slice(0, 19)}Z]`;
    try {
      const text = lines.map((line) => `${stamp} ${oneLine(line)}\n`).join("");
      host.append(path, begun ? text : begin() + text, 0o644, synced);
      begun = true;
    } catch (error) {
      broken = true;
      complain(`${path} cannot be written: ${Problem.of(error).message}`);
    }
  }

  /**
   * Creates the log directory. Returns a newline if a power cut left an incomplete line, so that the next line is
   * separate.
   */
  function begin(): string {
    const dir = parentOf(path);
    if (host.stat(dir) === null) host.makeDirectory(dir, { mode: 0o755, uid: 0, gid: 0 });
    return (host.tail(path, 1)?.[0] ?? newline) === newline ? "" : "\n";
  }
}

/** Logs an operation that is not a recipe as one step. `outcomeOf` returns its outcome, its warnings and its notes. */
export async function logStep<T>(
  log: ReturnType<typeof runLog>,
  step: Pick<Step, "id" | "title">,
  run: () => Promise<T>,
  outcomeOf: (done: T) => Pick<StepResult, "outcome" | "warnings" | "notes">,
): Promise<T> {
  const result = { ...step, changes: [], unknown: [], warnings: [], ran: [] };
  log.started({ ...step, resources: [] });
  try {
    const done = await run();
    log.finished({ ...result, ...outcomeOf(done) });
    return done;
  } catch (error) {
    const problem = Problem.of(error);
    log.finished({ ...result, outcome: "failed", problem });
    throw problem;
  }
}

function finished({ id, outcome, ran, warnings, notes = [], reason: skipped, problem }: StepResult): string[] {
  const word = outcome === "changed" || outcome === "failed" ? words[outcome] : words.ok;
  const reason = [problem?.message ?? "", ...(problem ? linesOf(problem.stderr).slice(-1) : [])].filter(Boolean);
  return [
    `STEP ${id} ${word} returncode=${problem?.returncode ?? 0}`,
    ...ran.flatMap(({ stdout }) => linesOf(stdout)).map((line) => `STDOUT ${id} ${line}`),
    ...ran.flatMap(({ stderr }) => linesOf(stderr)).map((line) => `STDERR ${id} ${line}`),
    ...notes.map((line) => `NOTE ${id} ${line}`),
    ...warnings.map((line) => `WARNING ${id} ${line}`),
    ...(skipped === undefined ? [] : [`REASON ${id} ${skipped}`]),
    ...(problem ? [`REASON ${id} ${reason.join(": ")}`] : []),
  ];
}
