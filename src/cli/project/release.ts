// How a command that replaces a project's tree runs, and what it says.

import type { ArgsDef } from "citty";
import { withDiskFault } from "../../engine/disk-fault.ts";
import { lineOf, oneLine } from "../../engine/lines.ts";
import { Problem } from "../../engine/step.ts";
import { heed, type Stop } from "../../engine/wait.ts";
import type { Host } from "../../host/host.ts";
import { OutputError } from "../../host/system-error.ts";
import type { Trees } from "../../host/trees.ts";
import { urlOf } from "../../projects/answer.ts";
import type { KeptAsset } from "../../projects/assets.ts";
import { type Deployed, deploy, signalsLetIn } from "../../projects/deploy.ts";
import { notesOf, type Order, type Plan, plan } from "../../projects/plan.ts";
import type { Project } from "../../projects/project.ts";
import { projectLockPath, securedBackups, settle, unpackedPath } from "../../projects/releases.ts";
import { theProject } from "../../projects/store.ts";
import { projectLogPath } from "../../recipes/paths.ts";
import { logged, runLog } from "../../report/run-log.ts";
import { usage } from "../arguments.ts";
import type { Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { demandRoot, interruption, takeLock } from "../run.ts";
import { lineFor } from "../teller.ts";
import { waitOf } from "../wait.ts";

/** What a tree is made from. */
export const sourceFlags = {
  source: {
    type: "string",
    valueHint: "path",
    description: "a directory, a .tar, .tar.gz, .tar.zst or .zip, or - for a tar on stdin",
  },
  subdir: { type: "string", valueHint: "directory", description: "the part of it that is the site" },
} as const satisfies ArgsDef;

export const releaseFlags = {
  keep: { type: "string", valueHint: "number", description: "how many backups stay, 5 without it" },
  wait: { type: "string", valueHint: "time", description: "wait so long for another deploy of the project: 60s, 5m" },
  "no-backup": { type: "boolean", description: "do not keep the tree that is replaced" },
  "no-probe": { type: "boolean", description: "do not fetch the page afterwards" },
  "allow-empty": { type: "boolean", description: "publish a tree without index.html" },
  "dry-run": { type: "boolean", description: "say what would be done, change nothing" },
  diff: { type: "boolean", description: "list the files that are added, changed and removed" },
  ...outputFlags,
} as const satisfies ArgsDef;

const defaultKeep = 5;
const mostKept = 1000;
/** Paths that a deploy lists on a terminal. */
const mostShown = 10;

interface Told {
  command: string;
  /** The step in the log. */
  id: string;
  /** The last line, as the Python version prints it. */
  done(name: string): string;
  /** In its place where nothing was to be changed; null: there is nothing to take. */
  nothing?(name: string | null): string;
}

export async function release(
  slug: string,
  orderOf: (project: Project, choices: Choices, host: Host, trees: Trees) => Promise<Order | null>,
  told: Told,
  values: Values,
  context: Context,
): Promise<number> {
  const { console, typed } = context;
  const choices = choicesOf(values);
  if (values.diff && !values["dry-run"]) throw usage("--diff lists what --dry-run would change: say both");
  const waitMs = values.wait === undefined ? 0 : waitOf("--wait", String(values.wait));
  const [host, trees] = [await context.host(), await context.trees()];
  const looks = values["dry-run"] === true;
  const again = ["sudo", "edox-ops", ...typed];
  demandRoot(host, context);
  const lock = await takeLock(host, projectLockPath(slug), again, waitMs);
  let project: Project | undefined;
  let ordered: Order | undefined;
  let line: ReturnType<typeof lineFor> = null;
  try {
    // What was staged is gone before a hint names where the disk is full.
    return await replaced().finally(clear);
  } catch (error) {
    if (error instanceof OutputError) throw error;
    throw withDiskFault(Problem.of(error), host);
  } finally {
    lock.release();
  }

  async function replaced(): Promise<number> {
    const known = await theProject(host, slug);
    if (!looks) securedBackups(host, trees, slug);
    // Only now: what is to be settled in the end is reached by its path.
    project = known;
    const notes = looks ? [] : settle(host, trees, project);
    // Until here a signal ends this process at once: the next command settles what it leaves.
    const found = await orderOf(project, choices, host, trees);
    if (found === null) return await tellNothing(notes);
    ordered = found;
    const { name } = ordered;
    if (looks) return await tellPlan(await plan(ordered, host, trees), ordered);

    const signal = host.heedSignals();
    const stop: Stop = () => interruption(signal(), again);
    line = lineFor(values, console, stop);
    line?.begin(told.id);
    const signals = signalsLetIn(host, () => heed(stop));
    const pause: Order["pause"] = async ({ phase, files, total, bytes }) => {
      const megabytes = (bytes / 1e6).toFixed(1);
      line?.say(`${Math.floor((100 * files) / total)} %  ${files} of ${total} files ${phase}, ${megabytes} MB`);
      await signals();
    };
    const step = { id: told.id, title: told.done(name) };
    const order = { ...ordered, pause };
    // The deploy of a project is told in the same log as its other changes.
    const log = runLog(projectLogPath, host, (sentence) => console.err(lineOf`warning: ${sentence}`));
    const outcomeOf = ({ changed, notes }: Deployed) => {
      return { outcome: changed > 0 ? ("changed" as const) : ("ok" as const), warnings: notes };
    };
    const done = await logged(log, step, () => deploy(order, host, trees), outcomeOf);
    line?.clear();
    await tell({ ...done, notes: [...notes, ...done.notes] }, order);
    return exitCode.done;
  }

  function clear(): void {
    line?.clear();
    ordered?.letGo?.();
    if (project && !looks) settle(host, trees, project);
    if (looks) trees.remove(unpackedPath(slug));
  }

  async function tellPlan(planned: Plan, order: Order): Promise<number> {
    const notes = notesOf(order, planned);
    if (!values.json) {
      for (const sentence of notes) console.err(lineOf`warning: ${sentence}`);
      await console.out(planText(order, planned, values.diff === true));
      return exitCode.done;
    }
    const { jsonOf } = await import("../../report/json.ts");
    const { added, changed, removed } = planned;
    const outcome = added.length + changed.length + removed.length > 0 ? "pending" : "ok";
    const document = {
      command: told.command,
      outcome,
      exit: exitCode.done,
      warnings: notes,
      plan: { added, changed, removed },
    } as const;
    await console.out(jsonOf(document));
    return exitCode.done;
  }

  async function tellNothing(notes: string[]): Promise<number> {
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      const document = { command: told.command, outcome: "ok", exit: exitCode.done, warnings: notes } as const;
      await console.out(jsonOf(document));
      return exitCode.done;
    }
    for (const sentence of notes) console.err(lineOf`warning: ${sentence}`);
    if (!values.quiet) await console.out(lineOf`${told.nothing?.(null) ?? ""}`);
    return exitCode.done;
  }

  async function tell({ notes, ...figures }: Deployed, { project, name }: Order): Promise<void> {
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      const outcome = figures.changed > 0 ? "changed" : "ok";
      const document = {
        command: told.command,
        outcome,
        exit: exitCode.done,
        warnings: notes,
        deploy: figures,
      } as const;
      await console.out(jsonOf(document));
      return;
    }
    for (const sentence of notes) console.err(lineOf`warning: ${sentence}`);
    if (values.quiet) return;
    const url = project.enabled ? `, ${urlOf(project)}` : "";
    const { files, changed, bytes, milliseconds, backup, pruned, assets } = figures;
    const lines = [
      ...(backup ? [`Backed up previous content to ${backup}`] : []),
      ...pruned.map((path) => `Pruned old deploy backup ${path}`),
      ...keptLines(slug, assets),
      `${files} files, ${changed} changed, ${bytes} new bytes, ${(milliseconds / 1000).toFixed(1)} s${url}`,
      (changed === 0 && backup === null && told.nothing?.(name)) || told.done(name),
    ];
    await console.out(lines.map((each) => lineOf`${each}`).join(""));
  }
}

/** Files of earlier releases that are public still, so that nobody is surprised by one. */
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

function planText({ project, name }: Order, { origins, added, changed, removed }: Plan, lists: boolean): string {
  const all = lists ? { added, changed, removed } : {};
  const lines = Object.entries(all).flatMap(([word, paths]) => {
    return paths.map((path) => `${word.padEnd(8)} ${oneLine(path)}\n`);
  });
  const counts = `${added.length} added, ${changed.length} changed, ${removed.length} removed, of ${origins.length} files`;
  return lines.join("") + lineOf`Would replace ${project.root_path} by ${name}: ${counts}`;
}

type Choices = ReturnType<typeof choicesOf>;

function choicesOf(values: Values) {
  return {
    keep: keepOf(values.keep),
    backup: values["no-backup"] !== true,
    allowEmpty: values["allow-empty"] === true,
    asks: values["no-probe"] !== true,
  };
}

export function keepOf(typed: Values[string]): number {
  if (typed === undefined) return defaultKeep;
  const keep = /^\d{1,4}$/.test(String(typed)) ? Number(typed) : Number.NaN;
  if (!(keep <= mostKept)) throw usage(`--keep '${typed}' is no number up to ${mostKept}`);
  return keep;
}
