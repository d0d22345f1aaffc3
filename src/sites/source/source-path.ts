// Decides which paths may be a source, and opens them.

import { docsRoot } from "../../engine/paths.ts";
import type { HostReader } from "../../host/host.ts";
import { type OpenedEntry, RejectedArchive, type Trees } from "../../host/trees.ts";
import type { ProblemCode } from "../../problem/codes.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf } from "../../text/path.ts";
import { homeIn } from "./homes.ts";
import { closedPart } from "./secrets.ts";

const rootHome = "/root";
/** Blocked directories in which people keep folders. A copy of such a folder may be published. */
const copied = [
  [rootHome, "in the home of root"],
  ["/boot/firmware", "on the boot partition"],
] as const;
/** System directories. They are never published, by any path that leads to them. */
const blockedDirs = ["/etc", rootHome, "/proc", "/sys", "/dev", "/run", "/boot"];

/** The reason why a path is never published, and where to copy it to. */
interface Unpublishable {
  reason: string;
  /** The path that a copy may be published from; null where only another directory will do. */
  copyTo: string | null;
}

/**
 * Returns why a path must never be published, or null. It judges the path as written: symlinks on it are followed when
 * it is opened.
 */
export function whyNotPublished(reader: HostReader, path: string): Unpublishable | null {
  const real = plain(path);
  const never = (reason: string): Unpublishable => ({ reason, copyTo: null });
  const place = copied.find(([dir]) => real !== dir && within(real, dir))?.[1];
  if (place !== undefined) {
    const copyTo = `/srv/${nameOf(real)}`;
    return { reason: `it is ${place}: copy it to ${copyTo}, and publish that`, copyTo };
  }
  const home = homeIn(reader, real);
  if (home !== null) return never(`${home}: name the folder of the site`);
  const blocked = blockedDirs.find((dir) => within(real, dir) || within(dir, real));
  if (blocked) return never(`it is part of the system, or has ${blocked} in it`);
  if (within(real, docsRoot) || within(docsRoot, real)) return never(`sites are served from ${docsRoot}`);
  const closed = closedPart(real);
  return closed === null ? null : never(`it is in ${closed}, which holds secrets or version control data`);
}

/** Returns the hint for a path that is never published. */
export function hintInstead(path: string, { copyTo }: Unpublishable): string[] {
  return copyTo === null ? ["ls", "-ld", path] : ["sudo", "cp", "-r", path, "/srv/"];
}

/**
 * Opens a directory or an archive that may be published. `trusted` are the users whose symlinks on the path are
 * followed to any target. Throws a Problem for every other path.
 */
export function openSource(reader: HostReader, trees: Trees, typed: string, trusted: readonly number[]): OpenedEntry {
  const hint = ["namei", "-l", typed];
  const opened = openTrusted(trees, typed, trusted, hint);
  try {
    const { real, type } = opened;
    const way = real === typed ? "" : ` (${real})`;
    const never = whyNotPublished(reader, real);
    if (never !== null)
      throw refusal("unsafe-source", `${typed}${way} is not published: ${never.reason}`, hintInstead(real, never));
    if (type !== "directory" && type !== "file") {
      throw refusal("invalid-source", `${typed} is neither a directory nor an archive`, hint);
    }
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

function openTrusted(trees: Trees, typed: string, trusted: readonly number[], hint: string[]): OpenedEntry {
  try {
    const opened = trees.open(typed, trusted);
    if (opened !== null) return opened;
  } catch (error) {
    if (!(error instanceof RejectedArchive)) throw error;
    throw refusal("unsafe-source", `${typed} is not published: ${error.message}`, hint);
  }
  throw refusal("not-found", `${typed} does not exist`, hint);
}

/** Returns the path without empty names, `.` and `..`. */
function plain(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

function within(path: string, dir: string): boolean {
  return path === dir || path.startsWith(dir === "/" ? "/" : `${dir}/`);
}

function refusal(code: ProblemCode, message: string, hint?: string[]): Problem {
  return new Problem(code, message, { hint });
}
