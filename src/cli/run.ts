// How every changing command runs: facts -> recipe -> requirements -> steps -> results -> report -> exit code.

import { converge, met, type Watch } from "../engine/converge.ts";
import { type Facts, gatherFacts } from "../engine/facts.ts";
import { snapshot } from "../engine/snapshot.ts";
import { Problem, type Recipe, type StepResult } from "../engine/step.ts";
import { Unseen } from "../host/host.ts";
import { lockPath } from "../recipes/paths.ts";
import { jsonOf, problemOf, stepsOf } from "../report/json.ts";
import type { Document } from "../report/schema.ts";
import { paint, problemText, stepText } from "../report/text.ts";
import { usage } from "./arguments.ts";
import { type Context, exitCode } from "./context.ts";
import { wantsColour } from "./flags.ts";

export async function change(
  recipeFor: (facts: Facts) => Recipe,
  args: Record<string, unknown>,
  context: Context,
): Promise<number> {
  const { host, console } = context;
  const colour = paint(console.colour && wantsColour(args));
  const looksOnly = args["dry-run"] === true || args.check === true;
  let see = snapshot(host);
  const recipe = recipeFor(gatherFacts(see));
  const failAt = args["fail-step"] as string | undefined;
  const ids = recipe.steps.map(({ id }) => id);
  if (failAt !== undefined && !ids.includes(failAt)) {
    const hint = `edox-ops ${recipe.command} --fail-step ${ids[0]}`;
    throw usage(`unknown step ${failAt}: there are ${ids.join(", ")}`, undefined, hint);
  }
  if (looksOnly) return report(await plan());
  if (host.uid !== 0) {
    const hint = `sudo edox-ops ${context.typed.join(" ")}`;
    throw new Problem("not-root", `${recipe.command} changes this host, which only root may`, { hint });
  }
  if (args.yes !== true) {
    await confirm();
    see = snapshot(host);
  }

  const held = host.lock(lockPath);
  if (!("release" in held)) {
    const since = new Date(held.sinceMs).toISOString().slice(0, 19);
    const message = `another run holds the lock: ${held.command} (pid ${held.pid}, since ${since}Z)`;
    throw new Problem("locked", message, { hint: `edox-ops ${context.typed.join(" ")}` });
  }
  try {
    const warnings = await requirements(true);
    const { runLog } = await import("../report/run-log.ts");
    const log = runLog(recipe.logPath, host, console.err);
    const watch: Watch = {
      ...progress(),
      ...(log.started && { started: log.started }),
      finished(result) {
        log.finished?.(result);
        tell(result);
      },
    };
    return report(await converge(recipe.steps, see, { act: host, failAt, watch }), warnings);
  } finally {
    held.release();
  }

  async function plan(): Promise<StepResult[]> {
    const warnings = await requirements(false);
    for (const warning of warnings) say(`${colour("warning", "warning")}: ${warning}\n`);
    const results = await converge(recipe.steps, see, { failAt, watch: { finished: tell } });
    if (args.diff === true && args.json !== true) {
      const { diffOf } = await import("../report/diff.ts");
      for (const each of results.flatMap(({ changes }) => changes)) say(diffOf(each));
    }
    return results;
  }

  /** On a terminal the plan is shown and asked for. */
  async function confirm(): Promise<void> {
    const problem = new Problem(
      "not-confirmed",
      `${recipe.command} changes this host: say --yes, or --dry-run to look`,
      {
        hint: `sudo edox-ops ${recipe.command} --yes`,
      },
    );
    if (args.json === true || !console.interactive()) throw problem;
    const results = await plan();
    if (results.every(({ outcome }) => outcome === "ok")) return;
    if (!(await console.confirm("do this?"))) throw problem;
  }

  /** Warnings of what is met; what is not stops the run before anything is changed. */
  async function requirements(wait: boolean): Promise<string[]> {
    const warnings: string[] = [];
    for (const requirement of recipe.requires) {
      try {
        await met(wait ? requirement : { ...requirement, waitMs: 0 }, see, progress());
        const warning = requirement.warn?.(see);
        if (warning) warnings.push(warning);
      } catch (error) {
        if (!(error instanceof Unseen)) throw error;
        warnings.push(`could not be seen: ${error.message}`);
      }
    }
    return warnings;
  }

  function progress(): Watch {
    return {
      waiting: ({ title }, { reason }) => args.quiet !== true && console.err(`waiting until ${title}: ${reason}\n`),
      ...(args.verbose === true && {
        running: (argv) => console.err(`$ ${argv.join(" ")}\n`),
        output: (text) => console.err(text),
      }),
    };
  }

  function say(text: string): void {
    if (args.quiet !== true && args.json !== true) console.out(text);
  }

  function tell(result: StepResult): void {
    say(stepText(result, colour));
    if (result.problem && args.json !== true) console.err(problemText(result.problem, result.id, colour));
  }

  function report(results: readonly StepResult[], warnings: readonly string[] = []): number {
    const { outcome, exit } = verdict(results, args.check === true);
    const failed = results.find((result) => result.outcome === "failed");
    if (args.json === true) {
      const steps = stepsOf(results, args.diff === true);
      const error = failed?.problem && { error: problemOf(failed.problem) };
      console.out(jsonOf({ command: recipe.command, outcome, exit, steps, ...error }));
      return exit;
    }
    for (const warning of warnings) say(`${colour("warning", "warning")}: ${warning}\n`);
    if (failed) console.err(`${recipe.failed} ${failed.id}\n`);
    else if (!looksOnly) say(`${recipe.done}\n`);
    return exit;
  }
}

function verdict(results: readonly StepResult[], check: boolean): { outcome: Document["outcome"]; exit: number } {
  const has = (outcome: StepResult["outcome"]): boolean => results.some((result) => result.outcome === outcome);
  if (has("failed")) return { outcome: "failed", exit: exitCode.failed };
  if (has("pending")) return { outcome: "pending", exit: check ? exitCode.pending : exitCode.done };
  // What could not be seen is no success.
  if (has("unknown")) return { outcome: "unknown", exit: check ? exitCode.failed : exitCode.done };
  return { outcome: has("changed") ? "changed" : "ok", exit: exitCode.done };
}
