// A tree becomes the site of a project: checked, staged beside the live one, and exchanged with it in one moment.

import { Problem } from "../engine/step.ts";
import type { Attributes, Host } from "../host/host.ts";
import type { Entry, Trees } from "../host/trees.ts";
import { docsRoot } from "../recipes/paths.ts";
import { dropUnheldAssets, type KeptAsset, keepAssets, listKeptAssets } from "./assets.ts";
import type { BlockedSearch } from "./blocked.ts";
import { isSatisfied, notesOf, type Order, type Plan, plan } from "./plan.ts";
import { backupsOf, makeBackupsDir, prune, settle, stampName } from "./releases.ts";
import { recordRestore } from "./restores.ts";
import { demandServed } from "./served.ts";
import { demandUnchanged } from "./source.ts";
import { demandRoom, fillStage, openStage } from "./stage.ts";
import { nextStamp } from "./stamp.ts";
import { swap } from "./swap.ts";

/** A signal waits as long as that: a timer costs a millisecond. */
const msAPause = 100;

/** A pause that lets signals in, and then does as it is told. */
export function signalsLetIn(host: Host, then: () => void): () => Promise<void> {
  let last = host.now();
  return async () => {
    if (host.now() - last < msAPause) return;
    await host.sleep(0);
    last = host.now();
    then();
  };
}

export interface Deployed {
  files: number;
  changed: number;
  /** The paths of those in the tree. */
  names: Pick<Plan, "added" | "changed" | "removed">;
  /** A new tree is live, though its files may be the same. */
  replaced: boolean;
  /** Of the files that were written. */
  bytes: number;
  milliseconds: number;
  /** Where the tree of before is, or null. */
  backup: string | null;
  pruned: string[];
  /** Files of earlier releases that stay reachable. */
  assets: KeptAsset[];
  notes: string[];
}

/**
 * Replaces the project's tree. Until the exchange nothing of the live tree is touched; whatever ends it leaves the old
 * tree whole, or the new one, and {@link settle} takes away the rest. `known`: its plan, where it was made just before.
 */
export async function deploy(order: Order, host: Host, trees: Trees, known?: Plan): Promise<Deployed> {
  const start = host.now();
  const { project, live } = order;
  const { slug } = project;
  let planned = known ?? (await plan(order, host, trees));
  if (order.of === "release" && planned.source.isExposed) {
    // What another user could change is looked at again when nobody can.
    trees.adopt(order.dir, adopter(host));
    planned = await plan(order, host, trees);
  }
  const { source, digests, origins, added, removed } = planned;
  const figures = {
    files: origins.length,
    changed: added.length + planned.changed.length + removed.length,
    names: { added, changed: planned.changed, removed },
    replaced: false,
    bytes: 0,
    backup: null,
    pruned: [],
    assets: [],
    notes: notesOf(order, planned),
  };
  // A backup of the same would push out one that differs.
  if (isSatisfied(planned)) {
    if (order.of === "others") await demandUnchanged(trees, source, order.again, host.now());
    const notes = digests.grew ? remember(planned, order, host, trees) : [];
    await demandServed(order.probe, "nothing was changed");
    const found = { assets: listKeptAssets(trees, slug), notes: [...figures.notes, ...notes] };
    return { ...figures, ...found, milliseconds: host.now() - start };
  }

  demandRoom(planned, slug, trees);
  makeBackupsDir(host, slug);
  const seconds = nextStamp(host, trees, slug, live);
  const made = { ...planned.made, modifiedSeconds: seconds };
  const stage = openStage(trees, slug, seconds, made);
  const search = await searchFor(order, planned, trees);
  const bytes = await fillStage({ ...planned, made }, stage, order, trees, order.of === "others" ? search : null);
  figures.notes.push(...(search?.notes() ?? []));
  if (order.of === "others") await demandUnchanged(trees, source, order.again, host.now());
  // The stamp is the tree's own: whatever was live, and whatever spare tree this one was made of, had another.
  trees.setAttributes(stage, { ...made, mode: 0o755 });
  const before = trees.entry(live);
  // Another user's file would stay theirs by its second name, and a link of theirs would lead out of the kept ones.
  if (before !== null && !planned.isExposed) keepAssets(trees, slug, live, planned.removed, made);
  trees.sync(stage);
  if (order.of === "release") recordRestore(host, trees, project, seconds, basename(order.name));

  const notes = [...figures.notes];
  if (before === null) trees.move(stage, live);
  else if (!swap(trees, live, stage, made)) {
    notes.push(`${project.root_path} cannot be exchanged with a new tree: its files were replaced one by one`);
  }
  await demandServed(order.probe, "the site is as it was before").catch((error) => {
    if (before === null) trees.move(live, stage);
    else swap(trees, live, stage, made);
    trees.remove(stage);
    // The live tree has those again that were kept for its visitors.
    if (before !== null && !planned.isExposed) dropUnheldAssets(trees, project);
    throw error;
  });
  // The site is live: what fails from here on is no failed deploy.
  const deployed: Deployed = { ...figures, replaced: true, bytes, notes, milliseconds: host.now() - start };
  try {
    if (before !== null) {
      if (planned.isExposed) trees.adopt(stage, adopter(host));
      deployed.backup = putAway(order, stage, seconds, host, trees);
    }
    notes.push(...remember(planned, order, host, trees));
    deployed.pruned = prune(host, trees, slug, order.keep, "spare");
    dropUnheldAssets(trees, project);
    deployed.assets = listKeptAssets(trees, slug);
    trees.sync(docsRoot);
  } catch (error) {
    notes.push(`the site is live, but ${Problem.of(error).message}`);
  }
  return deployed;
}

/**
 * Returns the search for what the content policy blocks. It is done for an unpacked archive, whose files are not copied.
 * Null for a release, which was searched when it was deployed.
 */
async function searchFor(order: Order, planned: Plan, trees: Trees): Promise<BlockedSearch | null> {
  if (order.of === "release") return null;
  const { BlockedSearch } = await import("./blocked.ts");
  const search = new BlockedSearch(order);
  if (order.of === "unpacked") await search.read(planned, trees);
  return search;
}

/**
 * The owner of a tree that another user could change. Its group is not the site's, so that no later tree shares the
 * files: that user may have opened them for writing before.
 */
const adopter = ({ uid }: Host): Pick<Attributes, "uid" | "gid"> => ({ uid, gid: 0 });

/** For the next deploy, which reads both trees where it cannot be written: that is told, and is no failure. */
function remember({ digests }: Plan, { project, live }: Order, host: Host, trees: Trees): string[] {
  const { slug } = project;
  try {
    makeBackupsDir(host, slug);
    digests.write(host, slug, (trees.entry(live) as Entry).inode);
    return [];
  } catch (error) {
    return [`the site is live, but ${Problem.of(error).message}`];
  }
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The tree of before: a backup, or nothing where there is nothing to keep. */
function putAway(order: Order, stage: string, seconds: number, host: Host, trees: Trees): string | null {
  const empty = host.list(stage)?.length === 0;
  const dir = backupsOf(order.project.slug);
  const name = stampName(seconds);
  if (order.backup && !empty) {
    trees.move(stage, `${dir}/${name}`);
    return `${dir}/${name}`;
  }
  trees.move(stage, `${dir}/.trash-${name}`);
  trees.remove(`${dir}/.trash-${name}`);
  return null;
}
