// Prepares a release, and plans or applies it: the tree of a project, and with a publication its record and its site.

import { converge } from "../../engine/converge.ts";
import { gatherFacts } from "../../engine/facts.ts";
import { snapshot } from "../../engine/snapshot.ts";
import type { Step, StepResult } from "../../engine/step.ts";
import { type Host, UnknownStateError } from "../../host/host.ts";
import { OutputError } from "../../host/system-error.ts";
import type { Trees } from "../../host/trees.ts";
import { withDiskFault } from "../../problem/disk-fault.ts";
import { Problem } from "../../problem/problem.ts";
import { guardAddresses, vanishedNotes } from "../addresses/guard.ts";
import type { VanishedAddress } from "../addresses/vanished.ts";
import type { NewRules } from "../rules/activate.ts";
import { mayHaveLoaded } from "../rules/resources.ts";
import { hasRules } from "../rules/tree-rules.ts";
import type { Target } from "../target.ts";
import { backupsToPrune, type DeployRequest, notesOf, type Plan, plan } from "./plan.ts";
import type { Publication } from "./publish.ts";
import { cleanUp, directoriesMadeSince, makeDirsAbove, secureBackups, unpackedPath } from "./releases.ts";
import { demandRoomAhead } from "./room.ts";

interface ReleaseTarget {
  target: Target;
  dryRun: boolean;
  host: Host;
  trees: Trees;
}

/** A request with open trees, or null if there is nothing to restore. */
interface PreparedRelease {
  request: DeployRequest | null;
  /** What an earlier deploy left. */
  notes: string[];
}

/**
 * Opens the trees of a release and calls `use` with them. However that ends, the trees are closed and working files are
 * removed; a run that fails or changes nothing leaves no directory that it created. An error names the disk first if
 * that is its cause. Root holds the project's lock meanwhile.
 */
export async function withRelease<T>(
  release: ReleaseTarget,
  requestOf: () => Promise<DeployRequest | null>,
  use: (prepared: PreparedRelease) => Promise<T>,
): Promise<T> {
  const { target, dryRun, host, trees } = release;
  const removeMade = host.uid === 0 ? directoriesMadeSince(host, trees, target) : () => {};
  try {
    if (!dryRun) {
      secureBackups(host, trees, target);
      makeDirsAbove(host, target);
    }
    const result = await withTrees(release, requestOf, use);
    if (dryRun) removeMade();
    return result;
  } catch (error) {
    // The working files are removed before a hint names the file system that is full.
    removeMade();
    if (error instanceof OutputError || error instanceof UnknownStateError) throw error;
    throw withDiskFault(host, Problem.of(error));
  }
}

async function withTrees<T>(
  { target, dryRun, host, trees }: ReleaseTarget,
  requestOf: () => Promise<DeployRequest | null>,
  use: (prepared: PreparedRelease) => Promise<T>,
): Promise<T> {
  let request: DeployRequest | null = null;
  try {
    const notes = dryRun ? [] : cleanUp(host, trees, target);
    request = await requestOf();
    return await use({ request, notes });
  } finally {
    request?.letGo?.();
    if (!dryRun) cleanUp(host, trees, target);
    else if (host.uid === 0) trees.remove(unpackedPath(target.key));
  }
}

export interface PlannedRelease {
  planned: Plan;
  /** The backups that the release would remove. */
  pruned: string[];
  /** Addresses of the live tree that lead nowhere in the planned one. */
  vanished: VanishedAddress[];
  /** The steps of the publication. */
  steps: StepResult[];
  /** The number of the rules; null for a tree that is not the site's. */
  rules: NewRules["counts"] | null;
  warnings: string[];
}

interface PlannedRules extends Pick<NewRules, "notes"> {
  counts: PlannedRelease["rules"];
  steps: Step[];
}

/** Checks the rules of the source without nginx, and returns the step that would load them. */
async function plannedRules(host: Host, trees: Trees, request: DeployRequest): Promise<PlannedRules> {
  const { project, target, dir } = request;
  if (target.kind !== "site") return { counts: null, notes: [], steps: [] };
  if (!mayHaveLoaded(host, project.slug) && !hasRules(host, dir)) {
    return { counts: { redirects: 0, headers: 0 }, notes: [], steps: [] };
  }
  const { checkedRules, rulesStep } = await import("../rules/activate.ts");
  const found = await checkedRules(host, trees, { ...request, tree: dir }, false);
  const step = rulesStep(host, project, found, gatherFacts(host));
  return { counts: found.counts, notes: found.notes, steps: step === null ? [] : [step] };
}

/** Plans a release as a dry run does. Throws the Problem that the release would end with. */
export async function planRelease(
  host: Host,
  trees: Trees,
  request: DeployRequest,
  publication: Publication | undefined,
): Promise<PlannedRelease> {
  const planned = await plan(host, trees, request);
  demandRoomAhead(trees, planned, request.target.key);
  const vanished = await guardAddresses(trees, request, planned);
  const { blockedNotes } = await import("../serve/blocked.ts");
  const rules = await plannedRules(host, trees, request);
  const steps = [...rules.steps, ...(publication?.recipe.steps ?? [])];
  return {
    planned,
    pruned: backupsToPrune(host, trees, planned, request),
    vanished,
    steps: await converge(steps, snapshot(host), {}),
    rules: rules.counts,
    warnings: [
      ...notesOf(request, planned),
      ...rules.notes,
      ...vanishedNotes(vanished, request),
      ...(await blockedNotes(trees, request, planned)),
    ],
  };
}
