// What is to be deployed, looked at name by name before anything is written, and again when all is staged.

import { Problem } from "../engine/step.ts";
import type { Entry, Trees } from "../host/trees.ts";
import { docsRoot } from "../recipes/paths.ts";
import { type Listed, Listing } from "./listing.ts";

/** Of the system's: nobody publishes these, by whatever way they were reached. */
const blockedDirs = ["/etc", "/root", "/proc", "/sys", "/dev", "/run", "/boot"];
/** Of ext4 and all others: a component of a path, in bytes. */
const longestName = 255;
const setIdBits = 0o6000;
/** The clock that stamps a change may be so much behind the one that is read (a tick of 100 Hz is 10 ms). */
export const tickMs = 20;

export interface Source {
  dir: string;
  entries: Listing;
  /** When the look began, Unix milliseconds: what changed after it changed under our hands. */
  sinceMs: number;
}

/** Throws a usage Problem for a directory that may not be published. Answers where it really is. */
export function sourceDir(trees: Trees, typed: string): string {
  const real = trees.real(typed);
  if (real === null) throw refused(`${typed} is not there`, ["ls", "-ld", typed]);
  if (trees.entry(real)?.type !== "directory") throw refused(`${typed} is no directory`, ["ls", "-ld", typed]);
  const way = real === typed ? "" : ` (${real})`;
  const blocked = blockedDirs.find((dir) => within(real, dir) || within(dir, real));
  if (blocked) throw refused(`${typed}${way} is not published: it is part of the system, or has ${blocked} in it`);
  if (within(real, docsRoot) || within(docsRoot, real)) {
    throw refused(`${typed}${way} is not published: sites are served from ${docsRoot}`);
  }
  return real;
}

function within(path: string, dir: string): boolean {
  return path === dir || path.startsWith(dir === "/" ? "/" : `${dir}/`);
}

/** Every entry, or a Problem that names the first that cannot be published. */
export function survey(trees: Trees, dir: string, nowMs: number): Source {
  const entries = new Listing();
  for (const entry of trees.walk(dir)) {
    const why = faultOf(trees, dir, entry);
    if (why !== null) throw refused(`${dir}/${entry.path} ${why}`, ["ls", "-ld", `${dir}/${entry.path}`]);
    entries.add(entry);
  }
  return { dir, entries, sinceMs: nowMs };
}

function faultOf(trees: Trees, dir: string, { path, type, mode }: Entry): string | null {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f\ufffd]/.test(name)) return "has a name with characters that no address has";
  if (Buffer.byteLength(name) > longestName) return "has a name that is too long";
  if (type === "other") return "is neither a file, a directory nor a link";
  if (type !== "link")
    return (mode & setIdBits) === 0 || type === "directory" ? null : "has a set-user-ID or set-group-ID bit";
  const target = trees.linkTarget(`${dir}/${path}`);
  if (target.startsWith("/")) return `is a link to ${target}: only relative links stay right in a site`;
  // One to nothing shows nothing, as long as what may come there is of the site.
  const end = trees.real(`${dir}/${path}`) ?? written(`${dir}/${path}`, target);
  return within(end, dir) ? null : `is a link that leads out of the site, to ${end}`;
}

/** Where a link says that it leads, without a look at what is there. */
function written(path: string, target: string): string {
  const parts: string[] = [];
  for (const part of `${path}/../${target}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** A tree without a page is somebody's mistake. */
export function demandPage({ dir, entries }: Source): void {
  const hint = ["ls", "-la", dir];
  if (entries.length === 1) throw refused(`${dir} is empty (--allow-empty to publish it)`, hint);
  if (!entries[Symbol.iterator]().some(({ path, type }) => path === "index.html" && type !== "directory")) {
    throw refused(`${dir} has no index.html (--allow-empty to publish it, --subdir for one below it)`, hint);
  }
}

/**
 * The last look: throws a Problem for what was changed, put there or taken away since the first. What has the stamp of
 * the time between may have been changed twice in one tick. One from the future is of a clock that was set back.
 */
export function demandUnchanged(trees: Trees, { dir, entries, sinceMs }: Source, nowMs: number): void {
  const rest = entries[Symbol.iterator]();
  for (const now of trees.walk(dir)) {
    const before: Listed | undefined = rest.next().value;
    const same = before?.path === now.path && before.inode === now.inode && before.changedMs === now.changedMs;
    const between = now.changedMs > sinceMs - tickMs / 2 && now.changedMs < nowMs + tickMs;
    if (!same || between) throw changed(`${dir}/${now.path}`);
  }
  for (const { path } of rest) throw changed(`${dir}/${path}`);
}

function changed(path: string): Problem {
  return new Problem("blocked", `${path} was changed while it was read: nothing was deployed`, {
    hint: ["edox-ops", "project", "deploy"],
  });
}

function refused(message: string, hint?: string[]): Problem {
  return new Problem("blocked", message, { hint });
}
