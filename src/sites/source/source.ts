// Surveys a source before anything is written, and checks after staging that it did not change.

import { Listing } from "../../host/listing.ts";
import type { TreeEntry, Trees } from "../../host/trees.ts";
import type { ProblemCode } from "../../problem/codes.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf, parentOf } from "../../text/path.ts";
import { withFlag } from "../../text/with-flag.ts";
import { endOf } from "../deploy/links.ts";
import { encodingOf, ownFilesIn, staleFiles } from "../deploy/precompressed.ts";
import { sideBySide } from "../deploy/side-by-side.ts";
import { isMissedFile, SomePaths } from "../serve/unserved.ts";
import { LeftOutEntries } from "./left-out.ts";
import { hintToFollow, hintToList, hintToLook, hintToMeasure, type SourceSelection } from "./source-hints.ts";

/** Limit of ext4 and all others for a component of a path, in bytes. */
const longestName = 255;
/**
 * Limit for a path in a site, in bytes. The kernel allows 4,095, which include the docs root and the name of a stage or
 * a backup.
 */
const longestPath = 3900;
const setIdBits = 0o6000;
const readByOthers = 0o004;
/**
 * The clock of file timestamps may lag this many milliseconds behind the clock that is read (a tick at 100 Hz is 10
 * ms).
 */
export const tickMs = 20;

export interface DeploySource {
  /** The path that it is read from. */
  dir: string;
  /** Its name in messages. */
  name: string;
  entries: Listing;
  /**
   * Paths that are left out of {@link entries}: excluded paths, version control data, and precompressed files that do
   * not match the file beside them.
   */
  left: ReadonlySet<string>;
  /** The target of each symlink, by its path. */
  links: ReadonlyMap<string, string>;
  /** Start of the survey, Unix milliseconds. A later timestamp means that the source changed meanwhile. */
  sinceMs: number;
  /** Whether an entry has a timestamp that a change during the survey could also have. */
  isFresh: boolean;
  /** Whether a user other than the deploying one could change something in the source. */
  isExposed: boolean;
  /** Warnings: files that readers will not find on the site. */
  notes: string[];
}

/** Returns whether a user other than the owner could change the entry. */
export function isExposed({ type, mode, uid }: TreeEntry, ownerUid: number): boolean {
  return uid !== ownerUid || (type !== "link" && (mode & 0o022) !== 0);
}

/** Returns every entry of a source. Throws a Problem that names the first entry that cannot be published. */
export async function survey(
  trees: Trees,
  sought: SourceSelection,
  ownerUid: number,
  nowMs: number,
): Promise<DeploySource> {
  const { dir, name, of, select, again } = sought;
  const left = new LeftOutEntries(
    of === "release" || sought.followsOut ? "everything" : (select ?? { include: [], exclude: [] }),
  );
  const entries = await Listing.of(trees, dir, (path) => left.leaves(path));
  left.addFiles(entries);
  let [isFresh, exposed] = [false, false];
  const links = new Map<string, string>();
  /** Owners of directories that root does not own. */
  const owners = new Map<string, number>();
  const missed = new SomePaths();
  const compressed: TreeEntry[] = [];
  for (const batch of entries.batches()) {
    for (const entry of batch) {
      const why = faultOf(entry);
      if (why !== null) throw refusal("unsafe-source", `${name}/${entry.path} ${why}`, hintToLook(sought, entry.path));
      if (isTooLong(entry.path, longestPath)) {
        const top = `${name}/${entry.path.slice(0, entry.path.indexOf("/"))}`;
        throw refusal(
          "limit-exceeded",
          `${top} has a path of more than ${longestPath} bytes in it`,
          hintToMeasure(top, longestPath),
        );
      }
      left.judge(entry);
      if (entry.type === "link") links.set(entry.path, targetOf(entry));
      if (entry.type === "directory" && entry.uid !== 0) owners.set(entry.path, entry.uid);
      if (entry.type === "file" && (entry.mode & readByOthers) === 0) demandReadable(entry);
      isFresh ||= isBetween(entry, nowMs, nowMs);
      exposed ||= isExposed(entry, ownerUid);
      if (entry.type !== "directory" && encodingOf(entry.path) !== undefined) compressed.push(entry);
      if (entry.type !== "directory" && isMissedFile(entry.path)) missed.add(entry.path);
    }
  }
  left.demandNoPattern();
  left.demandNoSecret(sought);
  for (const [path, target] of links) {
    if (sought.followsOut === true || endOf(path, links) !== null) continue;
    const way = target.startsWith("/") ? "only relative links stay right in a site" : "it leads out of the site";
    throw refusal("unsafe-source", `${name}/${path} is a link to ${target}: ${way}`, hintToFollow(sought, path));
  }
  const own = new Set(of === "release" ? ownFilesIn(trees, dir, compressed) : []);
  const stale = staleFiles(trees, dir, compressed, links);
  entries.leaveOut(stale.union(own));
  const notes = left.notes();
  if (missed.count > 0) notes.push(`nginx will not serve ${missed.described()}`);
  if (stale.size > 0) {
    const all = SomePaths.of(stale).described();
    notes.push(`left out, since nginx would send it for the file beside it, which has another content: ${all}`);
  }
  const paths = left.paths.union(stale).union(own);
  return { dir, name, entries, left: paths, links, sinceMs: nowMs, isFresh, isExposed: exposed, notes };

  /**
   * Throws a Problem for a file that the owner of its directory may not read. That user may have moved or hard-linked
   * another user's file there.
   */
  function demandReadable({ path, uid }: TreeEntry): void {
    const above = parentOf(path);
    const owner = owners.get(above) ?? uid;
    if (owner === uid) return;
    const why = `belongs to user ${uid}, and user ${owner}, who owns its directory, may not read it`;
    throw refusal("unsafe-source", `${name}/${path} ${why}`, hintToLook(sought, above, path));
  }

  function targetOf({ path }: TreeEntry): string {
    try {
      return trees.linkTarget(`${dir}/${path}`);
    } catch {
      throw refusal("concurrent-change", `${name}/${path} was changed while it was read`, again);
    }
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const noName = /[\u0000-\u001f\\\u007f\ufffd]/;

function faultOf({ path, type, mode }: TreeEntry): string | null {
  const name = nameOf(path);
  if (noName.test(name)) return "has a name with characters that no address has";
  if (isTooLong(name, longestName)) return "has a name that is too long";
  if (type === "other") return "is neither a file, a directory nor a link";
  return type === "file" && (mode & setIdBits) !== 0 ? "has a set-user-ID or set-group-ID bit" : null;
}

/** A UTF-16 code unit takes at most three bytes of UTF-8. */
function isTooLong(text: string, mostBytes: number): boolean {
  return text.length > mostBytes / 3 && Buffer.byteLength(text) > mostBytes;
}

/** Throws a Problem for a tree without a front page, which is usually a mistake. */
export function demandPage({ name: dir, entries, links }: DeploySource, sought: SourceSelection): void {
  const { again = [], of, isRemote } = sought;
  if (entries.length === 1) {
    const way = isRemote ? "" : " (--allow-empty to publish it)";
    throw refusal("invalid-source", `${dir} is empty${way}`, hintToList(sought));
  }
  const page = endOf("index.html", links);
  /** Subdirectories with a front page. */
  const below: string[] = [];
  for (const batch of entries.batches()) {
    for (const { path, type } of batch) {
      if (type !== "file") continue;
      if (path === page) return;
      if (/^[^/]+\/index\.html$/.test(path)) below.push(path.slice(0, path.indexOf("/")));
    }
  }
  const [only] = below;
  const isSite = below.length === 1 && of !== "release" && !again.some((word) => /^--subdir(=|$)/.test(word));
  const hint = isSite && only !== undefined ? withFlag(again, "--subdir", only) : hintToList(sought);
  const way = isRemote ? "" : " (--allow-empty to publish it, --subdir for one below it)";
  throw refusal("invalid-source", `${dir} has no index.html${way}`, hint);
}

/**
 * Returns whether the entry changed between two times, Unix milliseconds. A timestamp in the future comes from a clock
 * that was set back.
 */
export function isBetween({ changedMs }: TreeEntry, sinceMs: number, nowMs: number): boolean {
  return changedMs > sinceMs - tickMs / 2 && changedMs < nowMs + tickMs;
}

/**
 * Throws a Problem for an entry that was changed, added or removed since the survey. An entry whose timestamp lies in
 * between may have changed twice in one tick, and is also rejected.
 */
export async function demandUnchanged(
  trees: Trees,
  { dir, name, entries, left, sinceMs }: DeploySource,
  again: readonly string[],
  nowMs: number,
): Promise<void> {
  for await (const batch of sideBySide(trees, entries, dir, left)) {
    for (const [before, now] of batch) {
      if (before === undefined && left.has(now.path)) continue;
      if (before === undefined || now === undefined) throw changedProblem((before ?? now).path);
      const same = before.inode === now.inode && before.changedMs === now.changedMs;
      if (!same || isBetween(now, sinceMs, nowMs)) throw changedProblem(now.path);
    }
  }

  function changedProblem(path: string): Problem {
    const what = path === "" ? name : `${name}/${path}`;
    return refusal("concurrent-change", `${what} was changed while it was read: nothing was deployed`, again);
  }
}

function refusal(code: ProblemCode, message: string, hint?: readonly string[]): Problem {
  return new Problem(code, message, { hint });
}
