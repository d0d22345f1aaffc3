// Prints the report of a command that replaces a project's tree: lines for a person, or one JSON document.

import type { StepResult } from "../../engine/step.ts";
import type { Document } from "../../report/schema.ts";
import { styleOf } from "../../report/style.ts";
import { stepText } from "../../report/text.ts";
import type { KeptAsset } from "../../sites/deploy/assets.ts";
import type { DeployResult } from "../../sites/deploy/deploy.ts";
import { type DeployRequest, isSatisfied, type Plan } from "../../sites/deploy/plan.ts";
import { urlOf } from "../../sites/serve/answer.ts";
import { countOf, lineOf, oneLine } from "../../text/lines.ts";
import type { Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";

/** The last line that a command prints. */
export interface Wording {
  command: string;
  /** The wording of the Python version. */
  done(name: string): string;
  /** Printed instead if nothing had to change. With null, there was nothing to restore. */
  nothing?(name: string | null): string;
}

/** Maximum number of paths that a deploy lists on a terminal. */
const mostShown = 10;

export function releaseReport(words: Wording, values: Values, context: Context) {
  const { console, hint } = context;
  const voice = styleOf({ colour: values["no-color"] !== true && console.colour("out"), hint });

  return {
    /** Prints the plan. `pruned`: the backups that would be removed. */
    async plan(
      order: DeployRequest,
      planned: Plan,
      pruned: string[],
      warnings: string[],
      steps: StepResult[],
    ): Promise<number> {
      const isPending = !isSatisfied(planned) || steps.some(({ outcome }) => outcome === "pending");
      const exit = isPending && values.check === true ? exitCode.pending : exitCode.done;
      const { added, changed, removed } = planned;
      const document = {
        outcome: isPending ? "pending" : "ok",
        exit,
        plan: { added, changed, removed, pruned },
      } as const;
      return print(document, steps, warnings, () => [planText(order, planned, pruned, values.diff === true)]);
    },

    async done(order: DeployRequest, deployed: DeployResult, warnings: string[], steps: StepResult[]): Promise<number> {
      const { notes: _, names, replaced, ...figures } = deployed;
      const isChanged = replaced || steps.some(({ outcome }) => outcome === "changed");
      const listed = values.diff === true ? { plan: { ...names, pruned: figures.pruned } } : {};
      const outcome = isChanged ? "changed" : "ok";
      const document = { outcome, exit: exitCode.done, deploy: figures, ...listed } as const;
      return print(document, steps, warnings, () => {
        const text = values.diff === true ? namesText(names) : "";
        return [text, ...deployedLines(order, deployed, words).map((each) => lineOf`${each}`)];
      });
    },

    /** Prints that there is nothing to restore. */
    async nothing(warnings: string[]): Promise<number> {
      return print({ outcome: "ok", exit: exitCode.done }, [], warnings, () => [
        lineOf`${words.nothing?.(null) ?? ""}`,
      ]);
    },
  };

  async function print(
    document: Omit<Document, "schema" | "command">,
    steps: readonly StepResult[],
    warnings: string[],
    lines: () => string[],
  ): Promise<number> {
    const all = [...warnings, ...steps.flatMap((step) => step.warnings)];
    if (values.json) {
      const { jsonOf, stepsOf } = await import("../../report/json.ts");
      const more = steps.length > 0 ? { steps: stepsOf(steps, values.diff === true, voice) } : {};
      await console.out(jsonOf({ command: words.command, ...document, warnings, ...more }));
      return document.exit;
    }
    for (const sentence of all) console.err(lineOf`warning: ${sentence}`);
    if (values.quiet) return document.exit;
    const { diffOf } = await import("../../report/diff.ts");
    const shown = steps.map((step) => {
      const changes = values.diff === true ? step.changes.map(diffOf) : [];
      return [stepText({ ...step, warnings: [] }, voice), ...changes].join("");
    });
    await console.out([...shown, ...lines()].join(""));
    return document.exit;
  }
}

function deployedLines({ project, name }: DeployRequest, deployed: DeployResult, words: Wording): string[] {
  const url = project.enabled ? `, ${urlOf(project)}` : "";
  const { files, changed, bytes, milliseconds, backup, pruned, assets } = deployed;
  return [
    ...(backup ? [`Backed up previous content to ${backup}`] : []),
    ...pruned.map((path) => `Pruned old deploy backup ${path}`),
    ...keptLines(project.slug, assets),
    `${countOf(files, "file")}, ${changed} changed, ${countOf(bytes, "new byte")}, ${(milliseconds / 1000).toFixed(1)} s${url}`,
    (changed === 0 && backup === null && words.nothing?.(name)) || words.done(name),
  ];
}

/** Returns lines about files of earlier releases that are still public, so that they surprise no admin. */
function keptLines(slug: string, assets: readonly KeptAsset[]): string[] {
  if (assets.length === 0) return [];
  const shown = assets.slice(0, mostShown).map(({ path }) => `  ${path}`);
  const more = assets.length - shown.length;
  return [
    `Hashed files of earlier releases that stay reachable: ${assets.length}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more: edox-ops project assets list ${slug}`] : []),
  ];
}

function planText({ project, name }: DeployRequest, planned: Plan, pruned: readonly string[], lists: boolean): string {
  const { origins, added, changed, removed } = planned;
  const counts = `${added.length} added, ${changed.length} changed, ${removed.length} removed, of ${countOf(origins.length, "file")}`;
  return [
    lists ? namesText(planned) : "",
    ...pruned.map((path) => lineOf`Would prune old deploy backup ${path}`),
    lineOf`Would replace ${project.root_path} by ${name}: ${counts}`,
  ].join("");
}

function namesText({ added, changed, removed }: DeployResult["names"]): string {
  const lines = Object.entries({ added, changed, removed }).flatMap(([word, paths]) => {
    return paths.map((path) => `${word.padEnd(8)} ${oneLine(path)}\n`);
  });
  return lines.join("");
}
