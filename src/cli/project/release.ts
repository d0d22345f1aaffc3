// Runs a command that replaces a project's tree: deploy, restore or publish.

import { type Facts, gatherFacts } from "../../engine/facts.ts";
import { lockPath } from "../../engine/paths.ts";
import { snapshot } from "../../engine/snapshot.ts";
import type { StepResult } from "../../engine/step.ts";
import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { throwIfInterrupted } from "../../problem/wait.ts";
import { logStep } from "../../report/run-log.ts";
import { convergeRecipe, nestedWatch, type RecipeFor } from "../../run/recipes.ts";
import { recoverFirst } from "../../run/recovery.ts";
import { checkRequirements } from "../../run/requirements.ts";
import type { Session } from "../../run/session.ts";
import { guardAddresses } from "../../sites/addresses/guard.ts";
import { type DeployResult, deploy, signalPause } from "../../sites/deploy/deploy.ts";
import { tookNote } from "../../sites/deploy/history.ts";
import { type DeployRequest, isSatisfied, type Plan, plan } from "../../sites/deploy/plan.ts";
import { type Publication, siteChange } from "../../sites/deploy/publish.ts";
import { type PlannedRelease, planRelease, withRelease } from "../../sites/deploy/release.ts";
import { projectLockPath } from "../../sites/deploy/releases.ts";
import type { Choices } from "../../sites/deploy/requests.ts";
import { demandRoomAhead } from "../../sites/deploy/room.ts";
import { projectLogPath } from "../../sites/paths.ts";
import type { Project } from "../../sites/project.ts";
import { demandServed, probeOf } from "../../sites/serve/served.ts";
import type { Promised } from "../../sites/serve/site.ts";
import { theProject } from "../../sites/store.ts";
import { siteTarget, type Target } from "../../sites/target.ts";
import { settleVersions } from "../../sites/versions/trees.ts";
import { lineOf } from "../../text/lines.ts";
import { nameOf } from "../../text/path.ts";
import type { Values } from "../command.ts";
import type { Context } from "../context.ts";
import { editWaitMs, run } from "../run.ts";
import { choicesOf } from "./release-flags.ts";
import { type Deployed, deployParts, deployText, planText, type Wording } from "./release-report.ts";
import { loadLiveRules, rulesOfRelease } from "./release-rules.ts";

export interface ReleaseCommand extends Wording {
  /** The step id in the log and in the report. */
  id: string;
  /** The title of the step in the report. */
  title(name: string): string;
  /** What it does, for the status line. */
  action: string;
  /** It changes nothing without --yes. */
  needsYes?: true;
  /** Returns the command as the host requires it. It is called under the project's lock. */
  resolve?(session: Session): Promise<ReleaseCommand>;
  /** A recipe that is applied before the deploy. */
  before?: RecipeFor;
  /** Returns the tree that is replaced; that of the site by default. */
  targetOf?(project: Project): Target;
  /** Opens both trees and returns the requested deploy, or null if there is nothing to restore. */
  requestOf(project: Project, choices: Choices, host: Host, trees: Trees): Promise<DeployRequest | null>;
  /** Throws a Problem if another run has changed what was confirmed. It is called under the lock. */
  demandSame?(): Promise<void>;
  /** Completes a deploy whose tree is live. It throws no Problem of its own. */
  after?(session: Session): Promise<void>;
  /** Warnings that do not depend on the tree. */
  warnings?: readonly string[];
  /** Returns the record and the site, if they change together with the tree. */
  publication?(facts: Facts, certificate?: Promised): Publication;
  /** Returns the recipe that obtains the certificate of the site, or null if it has one. */
  certificate?(session: Session): Promise<RecipeFor | null>;
}

/** What a release is made with. */
interface Release {
  command: ReleaseCommand;
  publication: Publication | undefined;
  certificate: RecipeFor | null;
  session: Session;
  trees: Trees;
  /** Milliseconds to wait for another run. */
  waitMs: number;
}

/**
 * Replaces the tree of a project, and with a publication its record and site, or changes nothing. Returns the exit
 * code.
 */
export function runRelease(slug: string, given: ReleaseCommand, values: Values, context: Context): Promise<number> {
  const { waitMs, ...typed } = choicesOf(values);
  const { upload } = context;
  return run(values, context, async (session) => {
    const { host, options, again } = session;
    const { dryRun } = options;
    const trees = await context.trees();
    if (!dryRun) session.demandRoot();
    // A dry run of a user other than root takes no lock.
    if (host.uid === 0) await session.lock("project", projectLockPath(slug), waitMs);
    if (!dryRun) for (const each of await settleVersions(host, trees, slug)) await session.warn(each);
    const command = (await given.resolve?.(session)) ?? given;
    for (const each of command.warnings ?? []) await session.warn(each);
    const certificate = (await command.certificate?.(session)) ?? null;
    const publication = command.publication?.(gatherFacts(host), certificate === null ? undefined : "promised");
    const release: Release = { command, publication, certificate, session, trees, waitMs };
    for (const each of await requirementNotes(release)) await session.warn(each);
    const project = publication ? await publication.projectIn(host) : await theProject(host, slug);
    const pauseForSignals = signalPause(host, () => throwIfInterrupted(session.stop));
    // From here on a signal does not end this process at once, because unpacked files and a part of the new tree are
    // removed first.
    session.catchSignals();
    const choices: Choices = {
      ...typed,
      again,
      hint: context.hint,
      dryRun,
      pauseForSignals,
      ...(upload && { upload }),
    };
    const requestOf = () => command.requestOf(project, choices, host, trees);
    const target = command.targetOf?.(project) ?? siteTarget(project);
    await withRelease({ target, dryRun, host, trees }, requestOf, async ({ request, notes }) => {
      for (const each of notes) await session.warn(each);
      if (request === null) {
        if (!dryRun) {
          if (target.kind === "site") await mendRules(release, project);
          await demandServed(probeOf(host, project, choices.asks), "nothing was changed");
        }
        session.say(lineOf`${command.nothing?.(null) ?? ""}`);
        return;
      }
      // A source that cannot be published is no reason to ask a certificate authority.
      if (certificate !== null) {
        if (!dryRun) {
          const planned = await plan(host, trees, request);
          demandRoomAhead(trees, planned, target.key);
          await guardAddresses(trees, request, planned);
        }
        const { issueWaitMs } = await import("../../certs/issue/recipe.ts");
        if (!(await convergeRecipe(session, certificate, { lockWaitMs: issueWaitMs }))) return;
      }
      if (command.before && !(await convergeRecipe(session, command.before, { lockWaitMs: editWaitMs }))) return;
      if (dryRun) await planIn(release, { ...request, pause: pauseForSignals });
      else {
        await deployIn(release, request, pauseForSignals);
        await command.after?.(session);
      }
    });
  });
}

/** Loads the rules of the live tree that a killed deploy replaced in nginx. */
async function mendRules({ session, trees, waitMs }: Release, project: Project): Promise<void> {
  const watch = nestedWatch(session, session.log(projectLogPath));
  const notes = await loadLiveRules(project, { session, trees, publishes: false, waitMs, watch });
  for (const each of notes) await session.warn(each);
}

async function planIn({ command, publication, session, trees }: Release, request: DeployRequest): Promise<void> {
  const step = { id: command.id, title: command.title(request.name), action: command.action };
  const planAll = async (): Promise<PlannedRelease> => {
    const release = await planRelease(session.host, trees, request, publication);
    throwIfInterrupted(session.stop);
    session.add(...release.steps);
    for (const each of release.steps) await session.reporter.step(each);
    return release;
  };
  const release = await session.operation(step, planAll, ({ planned, warnings }) => {
    return { outcome: isSatisfied(planned) ? "ok" : "pending", warnings };
  });
  const { added, changed, removed } = release.planned;
  const { pruned, vanished } = release;
  session.include({ plan: { added, changed, removed, pruned, addresses: { vanished } } });
  const [names = "", ...lines] = planText(request, release, session.options.diff);
  session.say(names, { text: lines.join(""), closing: () => [] });
  session.summarize(async () => {
    const { planLines } = await import("./release-closing.ts");
    const backup = command.needsYes ? nameOf(request.name) : null;
    return planLines(release, session.result().steps, session.again, { needsYes: backup !== null, backup });
  });
}

async function deployIn(release: Release, request: DeployRequest, pauseForSignals: () => Promise<void>): Promise<void> {
  const { command, session } = release;
  const { reporter, options } = session;
  const paused: DeployRequest = {
    ...request,
    async pause(progress) {
      reporter.progress(progress);
      await pauseForSignals();
    },
  };
  const step = { id: command.id, title: command.title(request.name), action: command.action };
  const known = session.result().steps.length;
  const deployed = await session.operation(step, () => deployLogged(release, paused), outcomeOf);
  session.include(deployParts(request, deployed, options.diff));
  const { project } = request;
  const isRepublished = session
    .result()
    .steps.slice(known)
    .some(({ changes }) => changes.length > 0);
  const subject = command.subject ?? project.slug;
  const state = command.state?.(request.name) ?? `${subject} is ${project.enabled ? "live" : "deployed"}`;
  const closing = async () => {
    const { deployedLines, missingLines, publishWithTls } = await import("./release-closing.ts");
    const lines = deployedLines({ request, deployed, isRepublished, subject, state, selects: command.selects });
    if (request.front) return lines;
    return [...lines, ...(await missingLines(session.host, project, publishWithTls(session.again, project)))];
  };
  const [names = "", ...lines] = deployText(request, deployed, command, options.diff);
  session.say(names, { text: lines.join(""), closing });
}

/** Deploys the tree, with the record and the site if there is a publication. It is logged with the project's changes. */
async function deployLogged(release: Release, request: DeployRequest): Promise<Deployed> {
  const { command, publication, session, trees } = release;
  const { host } = session;
  const step = { id: command.id, title: command.done(request.name) };
  const log = session.log(projectLogPath);
  const watch = nestedWatch(session, log);
  const { waitMs } = release;
  const rules = rulesOfRelease(request, { session, trees, publishes: publication !== undefined, waitMs, watch });
  const withRules: DeployRequest = { ...request, prepare: rules.prepare };
  const run = async (asked: DeployRequest, planned?: Plan): Promise<Deployed> => {
    const deployed = await deploy(host, trees, asked, planned);
    return { ...deployed, notes: [...deployed.notes, ...rules.notes], rules: rules.counts };
  };
  if (!publication) return logStep(log, step, () => run(withRules), loggedOutcomeOf);
  const unlock = await session.lock("host", lockPath, Math.max(editWaitMs, waitMs));
  try {
    const planned = await planUnderLock(release, request);
    const site = siteChange(publication.recipe, request, { act: host, stop: session.stop, watch });
    return await logStep(log, step, () => run({ ...withRules, probe: site.probe }, planned), loggedOutcomeOf);
  } finally {
    unlock();
  }
}

/** Plans what the record and the requirements are now. The host's lock is held. */
async function planUnderLock(release: Release, request: DeployRequest): Promise<Plan> {
  const { command, session, trees } = release;
  await recoverFirst(session.host, (sentence) => session.warn(sentence), session.stop);
  await command.demandSame?.();
  await requirementNotes(release);
  const planned = await plan(session.host, trees, request);
  demandRoomAhead(trees, planned, request.target.key);
  throwIfInterrupted(session.stop);
  return planned;
}

/** Returns what the requirements of the publication noticed. Throws a Problem for an unmet one. */
async function requirementNotes({ publication, session }: Release): Promise<string[]> {
  if (!publication) return [];
  const { warnings, unknown } = await checkRequirements(snapshot(session.host), publication.recipe, null);
  return [...warnings, ...unknown];
}

function outcomeOf({ replaced, notes }: DeployResult): { outcome: "changed" | "ok"; warnings: string[] } {
  return { outcome: replaced ? "changed" : "ok", warnings: notes };
}

/** The times of the log are whole seconds. */
function loggedOutcomeOf(deployed: DeployResult): Pick<StepResult, "outcome" | "warnings" | "notes"> {
  return { ...outcomeOf(deployed), notes: [tookNote(deployed.milliseconds)] };
}
