// Builds the new tree beside the backups before it is live. Unchanged files are hard links to the live tree.

import { docsRoot } from "../../engine/paths.ts";
import { hasAttributes } from "../../host/host.ts";
import { pipeline } from "../../host/pipeline.ts";
import type { Copy, NewAttributes, SearchResult, TreeEntry, Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { parentOf } from "../../text/path.ts";
import { shortageText } from "../../text/shortage.ts";
import type { BlockedSearch } from "../serve/blocked.ts";
import { type DeployRequest, noInode, type Origin, type Plan } from "./plan.ts";
import { backupsOf, sparePath, stampName } from "./releases.ts";
import { sideBySide } from "./side-by-side.ts";

/** Throws a Problem where the disk has no room for the new tree. Removes the spare tree if that is necessary. */
export function demandRoom(trees: Trees, planned: Plan, slug: string): void {
  if (missingRoom(trees, planned) === null) return;
  trees.remove(sparePath(slug));
  const shortage = missingRoom(trees, planned);
  if (shortage !== null) throw shortage;
}

/**
 * Throws the Problem that a deploy would end with. With a spare tree it throws none: a deploy may remove that tree to
 * make room.
 */
export function demandRoomAhead(trees: Trees, planned: Plan, slug: string): void {
  const shortage = trees.entry(sparePath(slug)) === null ? missingRoom(trees, planned) : null;
  if (shortage !== null) throw shortage;
}

/** Counts in blocks and by apparent size, because a copy fills the holes of a sparse file. */
function missingRoom(trees: Trees, { source, origins }: Plan): Problem | null {
  const { bytes, inodes, block } = trees.room(docsRoot);
  let [neededBytes, neededInodes, file] = [0, 0, 0];
  for (const batch of source.entries.batches()) {
    for (const { type, size } of batch) {
      if (type === "file" && origins[file++] !== "copy") continue;
      neededInodes += 1;
      neededBytes += Math.ceil((type === "file" ? size : 1) / block) * block;
    }
  }
  if (neededBytes > bytes) return noRoom(shortageText(neededBytes, bytes), []);
  if (neededInodes > inodes) return noRoom(`${neededInodes} inodes are needed and ${inodes} free`, ["-i"]);
  return null;
}

function noRoom(what: string, flags: string[]): Problem {
  return new Problem("no-space", `no room for the new tree in ${docsRoot}: ${what}`, {
    hint: ["df", ...flags, docsRoot],
  });
}

/**
 * Returns the path of a new stage beside the backups. Its name contains its inode, by which {@link cleanUp} recognises
 * it. It starts from the spare tree if no other user could ever write to it, otherwise empty.
 */
export function openStage(trees: Trees, slug: string, seconds: number, attributes: NewAttributes): string {
  const spare = trees.entry(sparePath(slug));
  const isOurs = spare !== null && isFolder(spare, attributes);
  const unnamed = isOurs ? sparePath(slug) : `${backupsOf(slug)}/.stage`;
  if (!isOurs) trees.makeDirectory(unnamed, { ...attributes, mode: 0o755 });
  const stage = `${backupsOf(slug)}/.stage-${trees.entry(unnamed)?.inode}-${stampName(seconds)}`;
  trees.move(unnamed, stage);
  return stage;
}

function isFolder(entry: TreeEntry, attributes: NewAttributes): boolean {
  return entry.type === "directory" && hasAttributes(entry, { ...attributes, mode: 0o755 });
}

/**
 * Removes everything from a stage that the new tree does not need. Returns for each entry of the source whether it
 * exists already.
 */
async function clearStage(
  trees: Trees,
  { source, attributes, origins, inodes }: Plan,
  stage: string,
): Promise<boolean[]> {
  const there: boolean[] = [];
  /** Directories to remove. They are removed after the pass, which still reads them. */
  const removed = new Set<string>();
  let file = 0;
  for await (const batch of sideBySide(trees, source.entries, stage)) {
    for (const [entry, old] of batch) {
      const index = entry?.type === "file" ? file++ : -1;
      const goes = old !== undefined && removed.has(parentOf(old.path));
      const stays =
        old !== undefined &&
        !goes &&
        (entry?.type === "directory"
          ? isFolder(old, attributes)
          : origins[index] === "live" && old.inode === inodes[index]);
      if (entry !== undefined) there.push(stays);
      if (old === undefined || stays) continue;
      if (old.type === "directory") removed.add(old.path);
      else if (!goes) trees.remove(`${stage}/${old.path}`);
    }
  }
  for (const path of removed) trees.remove(`${stage}/${path}`);
  return there;
}

/** `count` is the number of its files, whether they are copied or not. */
interface Batch {
  count: number;
  copies: Copy[];
}

/**
 * Fills the stage and returns the number of bytes written. `search` searches the new and changed files while they are
 * copied; files shared with the source are not read.
 */
export async function fillStage(
  trees: Trees,
  {
    planned,
    stage,
    request,
    search,
  }: { planned: Plan; stage: string; request: DeployRequest; search: BlockedSearch | null },
): Promise<number> {
  const { source, attributes, origins, inodes } = planned;
  const { live } = request;
  const there = await clearStage(trees, planned, stage);
  let [bytes, files] = [0, 0];
  const begin = ({ copies }: Batch): Promise<SearchResult> => trees.copies(copies, attributes, search?.searches);
  for await (const [{ count, copies }, searched] of pipeline(batches(), begin)) {
    search?.take(searched, (file) => copies[file]?.[0].slice(source.dir.length + 1) ?? "");
    for (const [, , size] of copies) bytes += size;
    files += count;
    await request.pause?.({ phase: "staged", files, total: origins.length, bytes });
  }
  return bytes;

  /** Creates all entries except the files to copy, and yields those. */
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

  /** Creates an entry. Returns false for a file that has to be copied. */
  function make(
    { path, type, size }: TreeEntry,
    origin: Origin | null,
    inode: TreeEntry["inode"] | undefined,
  ): boolean {
    const to = `${stage}/${path}`;
    const from = `${source.dir}/${path}`;
    if (type === "directory") trees.makeDirectory(to, { ...attributes, mode: 0o755 });
    else if (type === "link") trees.makeLink(to, trees.linkTarget(from), attributes);
    else {
      if (origin === "copy" || !trees.share(origin === "live" ? `${live}/${path}` : from, to)) return false;
      if (origin === "live" && planned.isExposed && !isThat(to, inode)) {
        trees.remove(to);
        return false;
      }
      if (origin === "source" && request.of === "unpacked") {
        trees.setAttributes(to, attributes);
        bytes += size;
      }
    }
    return true;
  }

  /** Returns whether the file is the live file that was compared. Another user may have replaced it since. */
  function isThat(path: string, inode: TreeEntry["inode"] | undefined): boolean {
    const shared = trees.entry(path);
    return shared !== null && shared.inode === inode && hasAttributes(shared, attributes);
  }
}
