// Builds the new tree beside the backups before it is live. Unchanged files are hard links to the live tree, or to
// that which a new target starts from.

import { hasAttributes } from "../../host/host.ts";
import { pipeline } from "../../host/pipeline.ts";
import type { Copy, NewAttributes, SearchResult, TreeEntry, Trees } from "../../host/trees.ts";
import { parentOf } from "../../text/path.ts";
import type { BlockedSearch } from "../serve/blocked.ts";
import { type DeployRequest, noInode, type Origin, type Plan } from "./plan.ts";
import { compressedAttributes } from "./precompressed.ts";
import { backupsOf, sparePath, stampName } from "./releases.ts";
import { sideBySide } from "./side-by-side.ts";

/**
 * Returns the path of a new stage beside the backups. Its name contains its inode, by which {@link cleanUp} recognises
 * it. It starts from the spare tree if no other user could ever write to it and it can share files with the live tree,
 * otherwise empty.
 */
export function openStage(
  trees: Trees,
  { target: { key }, live }: Pick<DeployRequest, "target" | "live">,
  seconds: number,
  attributes: NewAttributes,
): string {
  const spare = trees.entry(sparePath(key));
  const isOurs = spare !== null && isFolder(spare, attributes) && trees.areOnOneFileSystem(sparePath(key), live);
  const unnamed = isOurs ? sparePath(key) : `${backupsOf(key)}/.stage`;
  if (!isOurs) trees.makeDirectory(unnamed, { ...attributes, mode: 0o755 });
  const stage = `${backupsOf(key)}/.stage-${trees.entry(unnamed)?.inode}-${stampName(seconds)}`;
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
  { source, attributes, origins, inodes, compression, isExposed }: Plan,
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
      if (entry === undefined && !goes && !isExposed && compression.keeps(old)) continue;
      if (old.type === "directory") removed.add(old.path);
      else if (!goes) trees.remove(`${stage}/${old.path}`);
    }
  }
  for (const path of removed) trees.remove(`${stage}/${path}`);
  return there;
}

/** Bytes to compress in one batch. It takes as long as a signal may wait. */
const bytesABatch = 8 * 2 ** 20;

/** `count` is the number of its files, whether they are copied or not. */
interface Batch {
  count: number;
  copies: Copy[];
  /** Paths of the compressed files to write. */
  compressed: string[];
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
  const { source, attributes, origins, inodes, compression, shared } = planned;
  const there = await clearStage(trees, planned, stage);
  let [bytes, files] = [0, 0];
  const begin = ({ copies, compressed }: Batch): Promise<SearchResult> => {
    const copied = trees.copies(copies, attributes, search?.searches);
    if (compressed.length === 0) return copied;
    return copied.then(async (searched) => {
      await trees.compress(compressed, compressedAttributes(attributes));
      return searched;
    });
  };
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
      let copies: Copy[] = [];
      let compressed: string[] = [];
      let [before, compressedBytes] = [file, 0];
      for (const entry of batch) {
        const at = entry.type === "file" ? file++ : -1;
        const to = `${stage}/${entry.path}`;
        const isLinked = there[index++] || make(entry, origins[at] ?? null, inodes[at]);
        if (!isLinked) {
          const sought = inodes[at] === noInode ? search?.indexFor(entry.path) : undefined;
          copies.push([`${source.dir}/${entry.path}`, to, entry.size, sought ?? -1]);
        }
        // Another user could have written the compressed files of an exposed tree.
        const origin = (isLinked && !planned.isExposed && origins[at]) || "copy";
        const from = `${origin === "live" ? shared : source.dir}/${entry.path}`;
        const targets = compression.link(trees, entry, { index: at, origin, from, to });
        compressed.push(...targets);
        compressedBytes += targets.length * entry.size;
        if (compressedBytes < bytesABatch) continue;
        yield { count: file - before, copies, compressed };
        [copies, compressed, before, compressedBytes] = [[], [], file, 0];
      }
      yield { count: file - before, copies, compressed };
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
      if (origin === "copy" || !trees.share(origin === "live" ? `${shared}/${path}` : from, to)) return false;
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
