// The convergence loop: check, apply, check again, report, for each step.

import { type RunningScript, runningScript } from "../apt/dpkg.ts";
import { type Host, type HostReader, UnknownStateError } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Unmet } from "../problem/requirement.ts";
import { type Stop, throwIfInterrupted, type WaitWatch, waitFor } from "../problem/wait.ts";
import { shellLine } from "../text/lines.ts";
import { type Change, corrections, describeMissing } from "./change.ts";
import { snapshot } from "./snapshot.ts";
import type { ProgramRun, Resource, Step, StepResult, StepRun } from "./step.ts";

const pollMs = 50;
/**
 * A child that runs longer than this is reported once if it has a limit, so that the user knows the reason and the
 * maximum of the wait.
 */
const longMs = 60_000;
/** How long a program may take to stop gracefully before the wait is reported. */
const endingMs = 5000;

/** Receives each step when it begins and ends, and what its programs do meanwhile. */
export interface Watch extends WaitWatch {
  started?(step: Step): void;
  finished?(result: StepResult): void | Promise<void>;
  running?(argv: readonly string[]): void;
  /** The child that was reported last has ended. */
  ran?(): void;
  /** The child has been running for a minute. It is stopped after `limitMs` milliseconds. */
  lasting?(argv: readonly string[], limitMs: number): void;
  /**
   * The child was asked to stop for this reason five seconds ago, and still runs. `script` is the maintainer script
   * that dpkg runs in it.
   */
  ending?(argv: readonly string[], reason: string, script: RunningScript | null): void;
  output?(text: string): void;
  /** A progress line of a program: apt's APT::Status-Fd. */
  status?(line: string): void;
}

export interface Options {
  /** The host to change. Without one, the run is a dry run. */
  act?: Host;
  /** Called before each change. If it returns a Problem, the partial changes of the step are rolled back. */
  stop?: Stop;
  /** The command that repeats the run. It replaces a hint that depends on a change that was rolled back. */
  again?: readonly string[];
  /** The path of this program, which systemd runs to roll an armed step back. */
  program?: string;
  /** The packages are in an apt source that only this run reads, so that `again` replaces each hint to run apt-get. */
  hasOwnAptSource?: boolean;
  /** A plan that is about to be confirmed: a step fails if one of its early requirements is not met. */
  isToConfirm?: true;
  /** The step that fails intentionally, before it changes anything. */
  failAt?: string | undefined;
  watch?: Watch;
}

/**
 * Checks and applies each step in order, and returns one result per step. The steps after a failed one are skipped, apart
 * from those of other parts. `initial` may be a snapshot: it is used until something has run.
 */
export async function converge(steps: readonly Step[], initial: HostReader, options: Options): Promise<StepResult[]> {
  let reader = initial;
  const results: StepResult[] = [];
  /** The changes that a dry run has planned so far. Later steps check the host as if they had been applied. */
  const ahead: Change[] = [];
  for (const step of steps) {
    if (isSkipped(step, steps, results)) {
      results.push(emptyResult(step, "skipped"));
      continue;
    }
    options.watch?.started?.(step);
    const result = step.mark ? convergeMark(step, results, options) : await convergeStep(reader, step, ahead, options);
    if (!options.act) ahead.push(...result.changes);
    else if (result.outcome !== "ok") reader = snapshot(options.act);
    results.push(result);
    await options.watch?.finished?.(result);
  }
  await keepHeld(steps, results, options);
  return results;
}

/** Ends the steps that are kept together, and replaces their results. */
async function keepHeld(steps: readonly Step[], results: StepResult[], options: Options): Promise<void> {
  const held = results.flatMap((result, i) => {
    const step = steps[i];
    return step?.keep !== undefined && result.outcome === "changed" ? [{ step, result, i }] : [];
  });
  if (!options.act || held.length === 0) return;
  const { keepTogether } = await import("./kept.ts");
  const ended = await keepTogether(options.act, held, options);
  for (const [at, { i }] of held.entries()) {
    const result = ended[at] as StepResult;
    results[i] = result;
    if (result.problem !== undefined) await options.watch?.finished?.(result);
  }
}

/** Returns whether an earlier step failed that this one depends on. `results`: those of the first steps. */
function isSkipped({ part }: Step, steps: readonly Step[], results: readonly StepResult[]): boolean {
  return results.some(({ outcome, problem }, i) => {
    if (outcome !== "failed" && outcome !== "skipped") return false;
    const failed = steps[i]?.part;
    return failed === undefined || failed === part || problem?.code === "interrupted";
  });
}

function emptyResult(step: Step, outcome: StepResult["outcome"]): StepResult {
  return { id: step.id, title: step.title, outcome, changes: [], unknown: [], warnings: [], ran: [] };
}

function intentionalFailure(step: Step, { failAt }: Options): Problem | undefined {
  return step.id === failAt ? new Problem("failed-on-purpose", "failed on purpose (--fail-step)") : undefined;
}

function convergeMark(step: Step, before: readonly StepResult[], options: Options): StepResult {
  const problem = intentionalFailure(step, options);
  if (problem) return { ...emptyResult(step, "failed"), problem };
  const outcome = (["changed", "pending", "unknown"] as const).find((each) => before.some((r) => r.outcome === each));
  return emptyResult(step, outcome ?? "ok");
}

async function convergeStep(
  reader: HostReader,
  step: Step,
  ahead: readonly Change[],
  options: Options,
): Promise<StepResult> {
  const result = emptyResult(step, "ok");
  const stop = options.stop ?? (() => null);
  try {
    const problem = intentionalFailure(step, options);
    if (problem) throw problem;
    Object.assign(result, await checkStep(reader, step, ahead));
    if (result.reason !== undefined) return result;
    if (result.changes.length === 0 && result.unknown.length === 0) return result;
    if (!options.act) {
      const demanded = options.isToConfirm ? (step.requires ?? []) : [];
      for (const each of demanded.filter(({ isEarly }) => isEarly)) await waitFor(reader, each);
      return { ...result, outcome: result.changes.length > 0 ? "pending" : "unknown" };
    }
    if (result.unknown[0] !== undefined)
      throw new Problem("unknown-state", result.unknown[0], { hint: result.unknownHint });
    throwIfInterrupted(stop);
    if (step.requires) {
      const warnings: string[] = [];
      for (const each of step.requires) warnings.push(...(await waitFor(options.act, each, options.watch, stop)));
      // Another process may have made the missing changes during the wait.
      Object.assign(result, await checkResources(snapshot(options.act), step.resources, ahead));
      result.warnings.push(...warnings);
      if (result.changes.length === 0) return result;
    }

    const host = recordingHost(options.act, result.ran, stop, options.watch);
    const since = host.now();
    const verify = async (run: StepRun): Promise<void> => {
      await verifyResources(host, step.resources, since);
      await step.verify?.(host, run);
    };
    const before = (run: StepRun) => step.before?.(host, run);
    // A converged host needs no part of apt and no rollback.
    const { transact } = await import("./transact.ts");
    const { journal, armed, keep } = step;
    const journaled = (journal || armed) && { journaled: step.id, armed, isHeld: keep !== undefined };
    const note = (sentence: string): void => {
      result.notes = [...(result.notes ?? []), sentence];
    };
    result.warnings.push(...(await transact(host, result.changes, verify, { ...options, ...journaled, before, note })));
    return { ...result, outcome: "changed" };
  } catch (error) {
    const { withDiskFault } = await import("../problem/disk-fault.ts");
    return { ...result, outcome: "failed", problem: withDiskFault(reader, Problem.of(error)) };
  }
}

type StepState = Pick<StepResult, "changes" | "unknown" | "unknownHint" | "warnings" | "reason">;

async function checkStep(
  reader: HostReader,
  { resources, reasonToSkip }: Step,
  before: readonly Change[],
): Promise<StepState> {
  try {
    const skip = (await reasonToSkip?.(reader)) ?? null;
    const reason = skip === null || typeof skip === "string" ? skip : withHint(skip);
    return reason === null
      ? await checkResources(reader, resources, before)
      : { changes: [], unknown: [], warnings: [], reason };
  } catch (error) {
    if (!(error instanceof UnknownStateError)) throw error;
    return { changes: [], unknown: [error.message], unknownHint: error.hint, warnings: [] };
  }
}

function withHint({ reason, hint }: Unmet): string {
  return hint === undefined ? reason : `${reason}: ${shellLine(hint)}`;
}

async function checkResources(
  reader: HostReader,
  resources: readonly Resource[],
  before: readonly Change[],
): Promise<StepState> {
  const found: StepState = { changes: [], unknown: [], warnings: [] };
  for (const resource of resources) {
    try {
      const ahead = [...before, ...found.changes];
      found.changes.push(...(await resource.check(reader, ahead, (sentence) => found.warnings.push(sentence))));
    } catch (error) {
      if (!(error instanceof UnknownStateError)) throw error;
      found.unknownHint ??= error.hint;
      found.unknown.push(`${resource.name}: ${error.message}`);
    }
  }
  return found;
}

/**
 * Checks the resources after their changes. Throws a Problem that names the first one that is still wrong, with the
 * reason if the host reports one.
 */
async function verifyResources(host: Host, resources: readonly Resource[], since: number): Promise<void> {
  for (const resource of resources) {
    const end = host.now() + (resource.settleMs ?? 0);
    for (;;) {
      const [first] = corrections(await resource.check(snapshot(host), [], () => {}));
      if (first === undefined) break;
      if (host.now() >= end || (await resource.hasFailed?.(host))) {
        const why = await resource.explain?.(host, since);
        throw new Problem(
          "verify-failed",
          `${describeMissing(first)} after applying all changes${why ? `: ${why}` : ""}`,
        );
      }
      await host.sleep(pollMs);
    }
  }
}

function recordingHost(host: Host, ran: ProgramRun[], stop: Stop, watch: Watch = {}): Host {
  return {
    ...host,
    async run(argv, options) {
      watch.running?.(argv);
      const stopObserving = observeChild(host, { argv, limitMs: options?.limitMs, stop, watch });
      const answer = await host
        .run(argv, {
          ...options,
          ...(watch.output && { onOutput: watch.output }),
          ...(options?.onStatus && watch.status && { onStatus: watch.status }),
        })
        .finally(() => {
          stopObserving();
          watch.ran?.();
        });
      ran.push({ argv, ...answer });
      return answer;
    },
  };
}

/**
 * Reports a child that runs long, and one that does not stop when asked. Returns a function that ends the observation.
 */
function observeChild(
  reader: HostReader,
  { argv, limitMs, stop, watch }: { argv: readonly string[]; limitMs: number | undefined; stop: Stop; watch: Watch },
): () => void {
  const lasting = limitMs === undefined ? undefined : setTimeout(() => watch.lasting?.(argv, limitMs), longMs);
  const limit = reader.now() + (limitMs ?? Number.POSITIVE_INFINITY);
  let isAsked = false;
  const ending = setInterval(() => {
    const late = reader.now() > limit ? `the limit of ${(limitMs ?? 0) / 60_000} min has passed` : undefined;
    const reason = stop()?.message ?? late;
    if (reason === undefined) return;
    if (isAsked) {
      clearInterval(ending);
      watch.ending?.(argv, reason, runningScript(reader));
    }
    isAsked = true;
  }, endingMs);
  return () => {
    clearTimeout(lasting);
    clearInterval(ending);
  };
}
