// The loop: look, act, look again, report, next.

import type { Host, HostReader } from "../host/host.ts";
import { Unseen } from "../host/host.ts";
import type { Change } from "./change.ts";
import { lack, reasons } from "./change.ts";
import { withDiskFault } from "./disk-fault.ts";
import { type RunningScript, runningScript } from "./dpkg.ts";
import { snapshot } from "./snapshot.ts";
import type { Ran, Requirement, Resource, Step, StepResult, Unmet } from "./step.ts";
import { Problem } from "./step.ts";
import { transact } from "./transact.ts";
import { heed, met, type Stop } from "./wait.ts";

const pollMs = 50;
/** What runs longer than this with a limit is told once: whoever waits should know for what, and for how long. */
const longMs = 60_000;
/** How long a program may take to end in order before a person is told what is waited for. */
const endingMs = 5000;

/** Told of each step as it begins and ends, and of each requirement that is waited for. */
export interface Watch {
  started?(step: Step): void;
  finished?(result: StepResult): void | Promise<void>;
  waiting?(requirement: Requirement, unmet: Unmet): void;
  running?(argv: readonly string[]): void;
  /** It has been running for a minute, and is given up after so many milliseconds. */
  lasting?(argv: readonly string[], limitMs: number): void;
  /** For that reason it is to end, and has not ended for five seconds. `script`: what dpkg runs in it. */
  ending?(argv: readonly string[], reason: string, script: RunningScript | null): void;
  output?(text: string): void;
  /** A line of a program that tells how far it is: apt's APT::Status-Fd. */
  status?(line: string): void;
}

export interface Options {
  /** Without a host to act on it is a dry run. */
  act?: Host;
  /** Asked before each change: when it answers, what is half done is put back. */
  stop?: Stop;
  /** The command to type once more, for a failure whose own hint needs what was rolled back. */
  again?: readonly string[];
  /** The step that fails on purpose, before it changes anything. */
  failAt?: string | undefined;
  watch?: Watch;
}

/**
 * One result a step, in order. After a failed step the others are skipped. `seen` may be a snapshot: it is looked at
 * until something has run.
 */
export async function converge(steps: readonly Step[], seen: HostReader, options: Options): Promise<StepResult[]> {
  let see = seen;
  const results: StepResult[] = [];
  /** What a dry run has found to change so far: later steps look at the host as it would be. */
  const ahead: Change[] = [];
  for (const step of steps) {
    if (results.some(({ outcome }) => outcome === "failed" || outcome === "skipped")) {
      results.push(blank(step, "skipped"));
      continue;
    }
    options.watch?.started?.(step);
    const result = step.mark ? marked(step, results, options) : await one(step, see, ahead, options);
    if (!options.act) ahead.push(...result.changes);
    else if (result.outcome !== "ok") see = snapshot(options.act);
    results.push(result);
    await options.watch?.finished?.(result);
  }
  return results;
}

function blank(step: Step, outcome: StepResult["outcome"]): StepResult {
  return { id: step.id, title: step.title, outcome, changes: [], unseen: [], warnings: [], ran: [] };
}

function onPurpose(step: Step, { failAt }: Options): Problem | undefined {
  return step.id === failAt ? new Problem("failed-on-purpose", "failed on purpose (--fail-step)") : undefined;
}

function marked(step: Step, before: readonly StepResult[], options: Options): StepResult {
  const problem = onPurpose(step, options);
  if (problem) return { ...blank(step, "failed"), problem };
  const outcome = (["changed", "pending", "unknown"] as const).find((each) => before.some((r) => r.outcome === each));
  return blank(step, outcome ?? "ok");
}

async function one(step: Step, see: HostReader, ahead: readonly Change[], options: Options): Promise<StepResult> {
  const result = blank(step, "ok");
  const stop = options.stop ?? (() => null);
  try {
    const problem = onPurpose(step, options);
    if (problem) throw problem;
    Object.assign(result, await lookAt(step, see, ahead));
    if (result.reason !== undefined) return result;
    if (result.changes.length === 0 && result.unseen.length === 0) return result;
    if (!options.act) return { ...result, outcome: result.changes.length > 0 ? "pending" : "unknown" };
    if (result.unseen[0] !== undefined) throw new Problem("unseen", result.unseen[0], { hint: result.unseenHint });
    heed(stop);
    if (step.requires) {
      const warnings: string[] = [];
      for (const each of step.requires) warnings.push(...(await met(each, options.act, options.watch, stop)));
      // While it was waited for, somebody else may have done what was missing.
      Object.assign(result, await look(step.wants, snapshot(options.act), ahead));
      result.warnings.push(...warnings);
      if (result.changes.length === 0) return result;
    }

    const host = recorded(options.act, result.ran, stop, options.watch);
    const since = host.now();
    const verify = async (): Promise<void> => {
      await holds(step.wants, host, since);
      await step.verify?.();
    };
    result.warnings.push(...(await transact(result.changes, host, verify, options)));
    return { ...result, outcome: "changed" };
  } catch (error) {
    return { ...result, outcome: "failed", problem: withDiskFault(Problem.of(error), see) };
  }
}

type Seen = Pick<StepResult, "changes" | "unseen" | "unseenHint" | "warnings" | "reason">;

async function lookAt({ wants, unwanted }: Step, see: HostReader, before: readonly Change[]): Promise<Seen> {
  try {
    const reason = (await unwanted?.(see)) ?? null;
    return reason === null ? await look(wants, see, before) : { changes: [], unseen: [], warnings: [], reason };
  } catch (error) {
    if (!(error instanceof Unseen)) throw error;
    return { changes: [], unseen: [error.message], unseenHint: error.hint, warnings: [] };
  }
}

async function look(wants: readonly Resource[], see: HostReader, before: readonly Change[]): Promise<Seen> {
  const found: Seen = { changes: [], unseen: [], warnings: [] };
  for (const resource of wants) {
    try {
      const ahead = [...before, ...found.changes];
      found.changes.push(...(await resource.check(see, ahead, (sentence) => found.warnings.push(sentence))));
    } catch (error) {
      if (!(error instanceof Unseen)) throw error;
      found.unseenHint ??= error.hint;
      found.unseen.push(`${resource.name}: ${error.message}`);
    }
  }
  return found;
}

/** The look after the act. Throws a Problem that says what still differs, and why where the host tells. */
async function holds(wants: readonly Resource[], host: Host, since: number): Promise<void> {
  for (const resource of wants) {
    const end = host.now() + (resource.settleMs ?? 0);
    for (;;) {
      const [first] = reasons(await resource.check(snapshot(host), [], () => {}));
      if (first === undefined) break;
      if (host.now() >= end) {
        const why = await resource.explain?.(host, since);
        throw new Problem("still-differs", `${lack(first)}, though all was done${why ? `: ${why}` : ""}`);
      }
      await host.sleep(pollMs);
    }
  }
}

function recorded(host: Host, ran: Ran[], stop: Stop, watch: Watch = {}): Host {
  return {
    ...host,
    async run(argv, options) {
      watch.running?.(argv);
      const ended = accompany(argv, options?.limitMs, host, stop, watch);
      const answer = await host
        .run(argv, {
          ...options,
          ...(watch.output && { onOutput: watch.output }),
          ...(options?.onStatus && watch.status && { onStatus: watch.status }),
        })
        .finally(ended);
      ran.push({ argv, ...answer });
      return answer;
    },
  };
}

/** Tells of a child that runs long, and of one that does not end though it is to. Returns what ends that. */
function accompany(
  argv: readonly string[],
  limitMs: number | undefined,
  see: HostReader,
  stop: Stop,
  watch: Watch,
): () => void {
  const lasting = limitMs === undefined ? undefined : setTimeout(() => watch.lasting?.(argv, limitMs), longMs);
  const limit = see.now() + (limitMs ?? Number.POSITIVE_INFINITY);
  let isAsked = false;
  const ending = setInterval(() => {
    const late = see.now() > limit ? `the limit of ${(limitMs ?? 0) / 60_000} min has passed` : undefined;
    const reason = stop()?.message ?? late;
    if (reason === undefined) return;
    if (isAsked) {
      clearInterval(ending);
      watch.ending?.(argv, reason, runningScript(see));
    }
    isAsked = true;
  }, endingMs);
  return () => {
    clearTimeout(lasting);
    clearInterval(ending);
  };
}
