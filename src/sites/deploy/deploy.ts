// Deploys a tree as a site, a version or a preview: checks it, stages it beside the live tree, and swaps the two atomically.

import { docsRoot } from "../../engine/paths.ts";
import type { Attributes, Host } from "../../host/host.ts";
import type { TreeEntry, Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf } from "../../text/path.ts";
import { guardAddresses, vanishedNotes } from "../addresses/guard.ts";
import type { VanishedAddress } from "../addresses/vanished.ts";
import type { BlockedSearch } from "../serve/blocked.ts";
import { demandServed } from "../serve/served.ts";
import { demandUnchanged } from "../source/source.ts";
import { usesDigestsOfBase } from "../target.ts";
import { type KeptAsset, keepAssets, listKeptAssets, pruneAssets } from "./assets.ts";
import { recordCompressed } from "./compressed-trees.ts";
import { type DeployRequest, hasSameFiles, isSatisfied, notesOf, type Plan, plan } from "./plan.ts";
import { backupsOf, cleanUp, makeBackupsDir, prune, stampName } from "./releases.ts";
import { recordRestore } from "./restores.ts";
import { demandRoom } from "./room.ts";
import { fillStage, openStage } from "./stage.ts";
import { nextStamp } from "./stamp.ts";
import { swap } from "./swap.ts";

/** The longest time in milliseconds that a signal waits. A timer costs a millisecond, so it is not set more often. */
const msAPause = 100;

/**
 * Returns a pause for long loops: at most every {@link msAPause} it lets pending signals arrive and then calls `then`.
 */
export function signalPause(host: Host, then: () => void): () => Promise<void> {
  let last = host.now();
  return async () => {
    if (host.now() - last < msAPause) return;
    await host.sleep(0);
    last = host.now();
    then();
  };
}

export interface DeployResult {
  files: number;
  changed: number;
  /** Paths within the tree. */
  names: Pick<Plan, "added" | "changed" | "removed">;
  /** Whether a new tree is live, even if its files are the same. */
  replaced: boolean;
  /** Size of the files that were written. */
  bytes: number;
  milliseconds: number;
  /** Path of the backup that the previous tree became, or null. */
  backup: string | null;
  pruned: string[];
  /** Files of earlier releases that are still served. */
  assets: KeptAsset[];
  /** Addresses of the previous tree that lead nowhere in the new one. */
  vanished: VanishedAddress[];
  notes: string[];
}

/**
 * Deploys the source of a request as the live tree of its target. The live tree is not touched until the swap. However the
 * deploy ends, the live tree is either the old one or the new one, and {@link cleanUp} removes the rest. `known` is the
 * plan, where the caller made it immediately before.
 */
export async function deploy(host: Host, trees: Trees, request: DeployRequest, known?: Plan): Promise<DeployResult> {
  const start = host.now();
  const { target, live } = request;
  const { key } = target;
  let planned = known ?? (await plan(host, trees, request));
  if (request.of === "release" && planned.source.isExposed) {
    // Another user could have changed the release, so it is checked again now that only root can change it.
    trees.adopt(request.dir, adoptTree(host));
    planned = await plan(host, trees, request);
  }
  const { source, digests, origins, added, removed } = planned;
  const vanished = await guardAddresses(trees, request, planned);
  const figures = {
    files: origins.length,
    changed: added.length + planned.changed.length + removed.length,
    names: { added, changed: planned.changed, removed },
    replaced: false,
    bytes: 0,
    backup: null,
    pruned: [],
    assets: [],
    vanished,
    notes: [...notesOf(request, planned), ...vanishedNotes(vanished, request)],
  };
  // A backup of an identical tree would prune one that differs.
  if (isSatisfied(planned)) {
    if (request.of === "others") await demandUnchanged(trees, source, request.again, host.now());
    const notes = digests.grew ? remember(host, trees, planned, request) : [];
    const undo = await request.prepare?.(live, planned);
    await demandServed(request.probe, "nothing was changed").catch(async (error) => {
      await undo?.();
      throw error;
    });
    const found = { assets: listKeptAssets(trees, target.assets), notes: [...figures.notes, ...notes] };
    return { ...figures, ...found, milliseconds: host.now() - start };
  }

  demandRoom(trees, planned, key);
  makeBackupsDir(host, key);
  const seconds = nextStamp(host, trees, key, live);
  const attributes = { ...planned.attributes, modifiedSeconds: seconds };
  const stage = openStage(trees, request, seconds, attributes);
  const search = await searchFor(trees, request, planned);
  const bytes = await fillStage(trees, {
    planned: { ...planned, attributes },
    stage,
    request,
    search: request.of === "others" ? search : null,
  });
  figures.notes.push(...(search?.notes() ?? []));
  if (request.of === "others") await demandUnchanged(trees, source, request.again, host.now());
  // The new tree gets its own stamp, which differs from that of the live tree and of the spare tree that it was built
  // from.
  trees.setAttributes(stage, { ...attributes, mode: 0o755 });
  const before = trees.entry(live);
  // Another user could still write to their file through a kept hard link, and their symlink would lead out of the kept
  // files.
  if (before !== null && !planned.isExposed) keepAssets(trees, { target, live, removed: planned.removed, attributes });
  trees.sync(stage);
  recordCompressed(host, trees, { key, live, seconds, encodings: planned.compression.encodings });
  if (request.of === "release") recordRestore(host, trees, { target, seconds, from: nameOf(request.name) });

  const undo = await request.prepare?.(stage, planned);
  const notes = [...figures.notes];
  try {
    if (before === null) trees.move(stage, live);
    else if (!swap(trees, live, stage, attributes)) {
      notes.push(`${target.root} cannot be exchanged with a new tree: its files were replaced one by one`);
    }
  } catch (error) {
    await undo?.();
    throw error;
  }
  await demandServed(request.probe, "the previous site was restored").catch(async (error) => {
    if (before === null) trees.move(live, stage);
    else swap(trees, live, stage, attributes);
    await undo?.();
    trees.remove(stage);
    // The live tree has the removed files again, so their kept copies are not needed.
    if (before !== null && !planned.isExposed) pruneAssets(trees, target);
    throw error;
  });
  // The site is live, so a later error no longer fails the deploy.
  const deployed: DeployResult = { ...figures, replaced: true, bytes, notes, milliseconds: host.now() - start };
  try {
    if (before !== null) {
      if (planned.isExposed) trees.adopt(stage, adoptTree(host));
      const backup = request.backup && !hasSameFiles(planned);
      deployed.backup = moveToBackups(host, trees, { request: { ...request, backup }, stage, seconds });
    }
    notes.push(...remember(host, trees, planned, request));
    deployed.pruned = prune(host, trees, { key, keep: request.keep, spare: "spare" });
    pruneAssets(trees, target);
    deployed.assets = listKeptAssets(trees, target.assets);
    trees.sync(docsRoot);
  } catch (error) {
    notes.push(`the site is live, but ${Problem.of(error).message}`);
  }
  return deployed;
}

/**
 * Returns the search for origins that the content policy blocks. It runs at once for an unpacked archive, whose files
 * are not copied. Returns null for a release, which was searched when it was deployed.
 */
async function searchFor(trees: Trees, request: DeployRequest, planned: Plan): Promise<BlockedSearch | null> {
  if (request.of === "release") return null;
  const { BlockedSearch } = await import("../serve/blocked.ts");
  const search = new BlockedSearch(request);
  if (request.of === "unpacked") await search.read(planned, trees);
  return search;
}

/**
 * Returns the new owner of a tree that another user could change. The group differs from the site's, so that no later
 * tree shares these files: that user may still have them open for writing.
 */
const adoptTree = ({ uid }: Host): Pick<Attributes, "uid" | "gid"> => ({ uid, gid: 0 });

/**
 * Saves the digests for the next deploy. If they cannot be written, the next deploy reads both trees, so this adds a
 * note and is not an error.
 */
function remember(host: Host, trees: Trees, { digests }: Plan, { target, live }: DeployRequest): string[] {
  if (usesDigestsOfBase(target)) return [];
  try {
    makeBackupsDir(host, target.key);
    digests.write(host, target.key, (trees.entry(live) as TreeEntry).inode);
    return [];
  } catch (error) {
    return [`the site is live, but ${Problem.of(error).message}`];
  }
}

/**
 * Moves the previous tree to the backups and returns its path. Deletes the tree and returns null where it is empty or
 * no backup is wanted.
 */
function moveToBackups(
  host: Host,
  trees: Trees,
  { request, stage, seconds }: { request: DeployRequest; stage: string; seconds: number },
): string | null {
  const empty = host.list(stage)?.length === 0;
  const dir = backupsOf(request.target.key);
  const name = stampName(seconds);
  if (request.backup && !empty) {
    trees.move(stage, `${dir}/${name}`);
    return `${dir}/${name}`;
  }
  trees.move(stage, `${dir}/.trash-${name}`);
  trees.remove(`${dir}/.trash-${name}`);
  return null;
}
