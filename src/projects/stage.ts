// The new tree before it is live: beside the backups, made of files of the live one where they are the same.

import { shortage } from "../engine/shortage.ts";
import { Problem } from "../engine/step.ts";
import { pipelined } from "../host/pipeline.ts";
import type { Copy, Entry, Made, Searched, Trees } from "../host/trees.ts";
import { docsRoot } from "../recipes/paths.ts";
import type { BlockedSearch } from "./blocked.ts";
import { isMade, noInode, type Order, type Origin, type Plan } from "./plan.ts";
import { backupsOf, sparePath, stampName } from "./releases.ts";
import { sideBySide } from "./side-by-side.ts";

/** The spare tree is given for it. */
export function demandRoom(planned: Plan, slug: string, trees: Trees): void {
  if (lacking(planned, trees) === null) return;
  trees.remove(sparePath(slug));
  const lack = lacking(planned, trees);
  if (lack !== null) throw lack;
}

/** Throws the Problem that a deploy will end with. With a spare tree to give up it may find room, which is not counted here. */
export function demandRoomAhead(planned: Plan, slug: string, trees: Trees): void {
  const lack = trees.entry(sparePath(slug)) === null ? lacking(planned, trees) : null;
  if (lack !== null) throw lack;
}

/** In blocks, and by apparent size: a hole in a file is filled by a copy. */
function lacking({ source, origins }: Plan, trees: Trees): Problem | null {
  const { bytes, inodes, block } = trees.room(docsRoot);
  let [neededBytes, neededInodes, file] = [0, 0, 0];
  for (const batch of source.entries.batches()) {
    for (const { type, size } of batch) {
      if (type === "file" && origins[file++] !== "copy") continue;
      neededInodes += 1;
      neededBytes += Math.ceil((type === "file" ? size : 1) / block) * block;
    }
  }
  if (neededBytes > bytes) return noRoom(shortage(neededBytes, bytes), []);
  if (neededInodes > inodes) return noRoom(`${neededInodes} inodes are needed and ${inodes} free`, ["-i"]);
  return null;
}

function noRoom(what: string, flags: string[]): Problem {
  return new Problem("blocked", `no room for the new tree in ${docsRoot}: ${what}`, {
    hint: ["df", ...flags, docsRoot],
  });
}

/**
 * A tree beside the backups, whose name has its inode: what `settle` knows it by. The spare one, if nobody else could
 * ever write to it; or an empty one.
 */
export function openStage(trees: Trees, slug: string, seconds: number, made: Made): string {
  const spare = trees.entry(sparePath(slug));
  const isOurs = spare !== null && isFolder(spare, made);
  const unnamed = isOurs ? sparePath(slug) : `${backupsOf(slug)}/.stage`;
  if (!isOurs) trees.makeDirectory(unnamed, { ...made, mode: 0o755 });
  const stage = `${backupsOf(slug)}/.stage-${trees.entry(unnamed)?.inode}-${stampName(seconds)}`;
  trees.move(unnamed, stage);
  return stage;
}

function isFolder(entry: Entry, made: Made): boolean {
  return entry.type === "directory" && isMade(entry, { ...made, mode: 0o755 });
}

/** Takes from a stage what the new tree has not. Answers for each entry of the source whether it is there. */
async function clearStage({ source, made, origins, inodes }: Plan, stage: string, trees: Trees): Promise<boolean[]> {
  const there: boolean[] = [];
  /** Directories, which are looked at meanwhile. */
  const gone = new Set<string>();
  let file = 0;
  for await (const batch of sideBySide(source.entries, trees, stage)) {
    for (const [entry, old] of batch) {
      const index = entry?.type === "file" ? file++ : -1;
      const goes = old !== undefined && gone.has(old.path.slice(0, Math.max(0, old.path.lastIndexOf("/"))));
      const stays =
        old !== undefined &&
        !goes &&
        (entry?.type === "directory" ? isFolder(old, made) : origins[index] === "live" && old.inode === inodes[index]);
      if (entry !== undefined) there.push(stays);
      if (old === undefined || stays) continue;
      if (old.type === "directory") gone.add(old.path);
      else if (!goes) trees.remove(`${stage}/${old.path}`);
    }
  }
  for (const path of gone) trees.remove(`${stage}/${path}`);
  return there;
}

/** `count`: of the files in it, copied or not. */
interface Batch {
  count: number;
  copies: Copy[];
}

/**
 * Answers the bytes that were written. `search`: for what is searched in the new and changed files while they are copied;
 * those that are shared with the source are not read.
 */
export async function fillStage(
  planned: Plan,
  stage: string,
  order: Order,
  trees: Trees,
  search: BlockedSearch | null,
): Promise<number> {
  const { source, made, origins, inodes } = planned;
  const { live } = order;
  const there = await clearStage(planned, stage, trees);
  let [bytes, files] = [0, 0];
  const begin = ({ copies }: Batch): Promise<Searched> => trees.copies(copies, made, search?.searches);
  for await (const [{ count, copies }, searched] of pipelined(batches(), begin)) {
    search?.take(searched, (file) => copies[file]?.[0].slice(source.dir.length + 1) ?? "");
    for (const [, , size] of copies) bytes += size;
    files += count;
    await order.pause?.({ phase: "staged", files, total: origins.length, bytes });
  }
  return bytes;

  /** Makes all but what is to be copied, and tells that. */
  function* batches(): Generator<Batch> {
    let [index, file] = [0, 0];
    for (const batch of source.entries.batches()) {
      const copies: Copy[] = [];
      const before = file;
      for (const entry of batch) {
        const at = entry.type === "file" ? file++ : -1;
        if (!there[index++] && !make(entry, origins[at] ?? null, inodes[at])) {
          const sought = inodes[at] === noInode ? search?.indexFor(entry.path) : undefined;
          copies.push([`${source.dir}/${entry.path}`, `${stage}/${entry.path}`, entry.size, sought ?? -1]);
        }
      }
      yield { count: file - before, copies };
    }
  }

  /** False for a file that is to be copied. */
  function make({ path, type, size }: Entry, origin: Origin | null, inode: Entry["inode"] | undefined): boolean {
    const to = `${stage}/${path}`;
    const from = `${source.dir}/${path}`;
    if (type === "directory") trees.makeDirectory(to, { ...made, mode: 0o755 });
    else if (type === "link") trees.makeLink(to, trees.linkTarget(from), made);
    else {
      if (origin === "copy" || !trees.share(origin === "live" ? `${live}/${path}` : from, to)) return false;
      if (origin === "live" && planned.isExposed && !isThat(to, inode)) {
        trees.remove(to);
        return false;
      }
      if (origin === "source" && order.of === "unpacked") {
        trees.setAttributes(to, made);
        bytes += size;
      }
    }
    return true;
  }

  /** Whether it is the live file that was compared: another user may have put a file of theirs in its place since. */
  function isThat(path: string, inode: Entry["inode"] | undefined): boolean {
    const shared = trees.entry(path);
    return shared !== null && shared.inode === inode && isMade(shared, made);
  }
}
