// Runs a command that replaces a project's tree: deploy, restore or publish.

import type { ArgsDef } from "citty";
import { converge } from "../../engine/converge.ts";
import { type Facts, gatherFacts } from "../../engine/facts.ts";
import { lockPath } from "../../engine/paths.ts";
import { snapshot } from "../../engine/snapshot.ts";
import type { StepResult } from "../../engine/step.ts";
import { type Host, UnknownStateError } from "../../host/host.ts";
import { OutputError } from "../../host/system-error.ts";
import type { Trees } from "../../host/trees.ts";
import { withDiskFault } from "../../problem/disk-fault.ts";
import { Problem } from "../../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../../problem/wait.ts";
import { logStep, runLog } from "../../report/run-log.ts";
import { recoverFirst } from "../../run/recovery.ts";
import { type DeployResult, deploy, signalPause } from "../../sites/deploy/deploy.ts";
import { backupsToPrune, type DeployRequest, notesOf, plan } from "../../sites/deploy/plan.ts";
import { type Publication, siteChange } from "../../sites/deploy/publication.ts";
import {
  cleanUp,
  directoriesMadeSince,
  mostKept,
  projectLockPath,
  secureBackups,
  unpackedPath,
} from "../../sites/deploy/releases.ts";
import type { Choices } from "../../sites/deploy/requests.ts";
import { demandRoomAhead } from "../../sites/deploy/stage.ts";
import { projectLogPath } from "../../sites/paths.ts";
import type { Project } from "../../sites/project.ts";
import { demandServed, probeOf } from "../../sites/serve/served.ts";
import { theProject } from "../../sites/store.ts";
import { lineOf } from "../../text/lines.ts";
import { usage } from "../arguments.ts";
import type { Values } from "../command.ts";
import type { Context } from "../context.ts";
import { editFlags, outputFlags } from "../flags.ts";
import { demandRoot, editWaitMs, interruption, requirements, takeLock } from "../run.ts";
import { lineFor } from "../teller.ts";
import { waitOf } from "../wait.ts";
import { releaseReport, type Wording } from "./release-report.ts";

/** The flags for the source of a tree. */
export const sourceFlags = {
  source: {
    type: "string",
    valueHint: "path",
    description: "a directory, a .tar, .tar.gz, .tar.zst or .zip, or - for a tar on stdin",
  },
  subdir: { type: "string", valueHint: "directory", description: "the part of it that is the site" },
  exclude: {
    type: "string",
    valueHint: "path,...",
    description: "Leave out these files and directories of the source",
  },
  include: {
    type: "string",
    valueHint: "path,...",
    description: "Publish these although their names are those of secrets or of version control data",
  },
  dereference: {
    type: "boolean",
    description: "Replace links that lead out of it by what they lead to, as far as its owner may read that",
  },
} as const satisfies ArgsDef;

export const releaseFlags = {
  keep: { type: "string", valueHint: "number", description: "how many backups stay, 5 without it" },
  wait: { type: "string", valueHint: "time", description: "wait so long for another deploy of the project: 60s, 5m" },
  "no-backup": { type: "boolean", description: "do not keep the tree that is replaced" },
  "no-probe": { type: "boolean", description: "do not fetch the page afterwards" },
  "allow-empty": { type: "boolean", description: "publish a tree without index.html" },
  "dry-run": editFlags["dry-run"],
  check: editFlags.check,
  diff: { type: "boolean", description: "list the files that are added, changed and removed" },
  ...outputFlags,
} as const satisfies ArgsDef;

const defaultKeep = 5;

export interface ReleaseCommand extends Wording {
  /** The step id in the log. */
  id: string;
  /** Opens both trees and returns the requested deploy, or null if there is nothing to restore. */
  orderOf(project: Project, choices: Choices, host: Host, trees: Trees): Promise<DeployRequest | null>;
  /** Returns the record and the site, if they change together with the tree. */
  publication?(facts: Facts): Publication;
}

/**
 * Replaces the tree of a project, and with a publication its record and site, or changes nothing. Returns the exit
 * code.
 */
export async function runRelease(
  slug: string,
  told: ReleaseCommand,
  values: Values,
  context: Context,
): Promise<number> {
  const { console, typed } = context;
  const again = ["sudo", "edox-ops", ...typed];
  const looks = values["dry-run"] === true || values.check === true;
  const choices = { ...choicesOf(values), again, hint: context.hint, looks };
  const waitMs = values.wait === undefined ? 0 : waitOf("--wait", String(values.wait));
  const [host, trees] = [await context.host(), await context.trees()];
  if (!looks) demandRoot(host, context);
  const report = releaseReport(told, values, context);
  const publication = told.publication?.(gatherFacts(host));
  const locks: { release(): void }[] = [];
  // Every command takes the project's lock first and the host's second. A dry run of a user other than root takes no
  // lock.
  if (host.uid === 0) locks.push(await takeLock(host, projectLockPath(slug), again, waitMs));
  let project: Project | undefined;
  let ordered: DeployRequest | undefined;
  let removeMade: () => void = () => {};
  let line: ReturnType<typeof lineFor> = null;
  try {
    // The stage is removed before a hint names the file system that is full.
    return await replace().finally(cleanUpRun);
  } catch (error) {
    if (error instanceof OutputError || error instanceof UnknownStateError) throw error;
    throw withDiskFault(Problem.of(error), host);
  } finally {
    for (const lock of locks.reverse()) lock.release();
  }

  async function replace(): Promise<number> {
    const warnings = await checkRequirements();
    const known = publication ? await publication.projectIn(host) : await theProject(host, slug);
    if (host.uid === 0) removeMade = directoriesMadeSince(host, trees, slug);
    if (!looks) secureBackups(host, trees, slug);
    // This is assigned only after the backups are secured, because `clear` accesses them by the project's paths.
    project = known;
    const notes = looks ? [] : cleanUp(host, trees, project);
    // Until here a signal ends this process at once, and the next command cleans up.
    const order = await told.orderOf(project, choices, host, trees);
    if (order === null) {
      if (!looks) await demandServed(probeOf(project, choices.asks, host), "nothing was changed");
      return report.nothing([...warnings, ...notes]);
    }
    ordered = order;
    if (looks) {
      const planned = await plan(order, host, trees);
      demandRoomAhead(planned, slug, trees);
      const { blockedNotes } = await import("../../sites/serve/blocked.ts");
      const blocked = await blockedNotes(order, planned, trees);
      const steps = publication ? await converge(publication.recipe.steps, snapshot(host), {}) : [];
      return report.plan(
        order,
        planned,
        backupsToPrune(planned, order, host, trees),
        [...warnings, ...notesOf(order, planned), ...blocked],
        steps,
      );
    }
    const { deployed, steps } = await apply(order);
    line?.clear();
    return report.done(order, deployed, [...warnings, ...notes, ...deployed.notes], steps);
  }

  async function apply(order: DeployRequest): Promise<{ deployed: DeployResult; steps: StepResult[] }> {
    const signal = host.catchSignals();
    const stop: Stop = () => interruption(signal(), again);
    line = lineFor(values, console, stop);
    line?.begin(told.id);
    const signals = signalPause(host, () => throwIfInterrupted(stop));
    const pause: DeployRequest["pause"] = async ({ phase, files, total, bytes }) => {
      const megabytes = (bytes / 1e6).toFixed(1);
      line?.say(`${Math.floor((100 * files) / total)} %  ${files} of ${total} files ${phase}, ${megabytes} MB`);
      await signals();
    };
    // A deploy is logged in the same file as the other changes of a project.
    const warn = (sentence: string): void => console.err(lineOf`warning: ${sentence}`);
    const log = runLog(projectLogPath, host, warn);
    const step = { id: told.id, title: told.done(order.name) };
    const outcomeOf = ({ replaced, notes }: DeployResult) => {
      return { outcome: replaced ? ("changed" as const) : ("ok" as const), warnings: notes };
    };
    if (publication === undefined) {
      const deployed = await logStep(log, step, () => deploy({ ...order, pause }, host, trees), outcomeOf);
      removeMade = () => {};
      return { deployed, steps: [] };
    }
    locks.push(await takeLock(host, lockPath, again, Math.max(editWaitMs, waitMs), stop));
    await recoverFirst(host, warn, stop);
    await checkRequirements();
    const planned = await plan({ ...order, pause }, host, trees);
    demandRoomAhead(planned, slug, trees);
    throwIfInterrupted(stop);
    const watch = { started: log.started, finished: log.finished };
    const site = siteChange(publication.recipe, order, { act: host, stop, watch });
    const whole = () => deploy({ ...order, pause, probe: site.probe }, host, trees, planned);
    const deployed = await logStep(log, step, whole, outcomeOf);
    removeMade = () => {};
    return { deployed, steps: site.results };
  }

  /** Checks the requirements of a publication, and returns warnings. */
  async function checkRequirements(): Promise<string[]> {
    if (!publication) return [];
    const { warnings, unknown } = await requirements(publication.recipe, snapshot(host), null);
    return [...warnings, ...unknown];
  }

  function cleanUpRun(): void {
    line?.clear();
    ordered?.letGo?.();
    if (project && !looks) cleanUp(host, trees, project);
    if (looks && host.uid === 0) trees.remove(unpackedPath(slug));
    removeMade();
  }
}

type Typed = Pick<Choices, "keep" | "backup" | "allowEmpty" | "asks">;

function choicesOf(values: Values): Typed {
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
