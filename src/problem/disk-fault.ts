// Detects a full, read-only or limited disk and immutable files behind other errors, and names them first, with a hint.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { linesOf } from "../text/lines.ts";
import { mountPointOf } from "./mount-point.ts";
import type { Problem } from "./problem.ts";

/**
 * The messages of the C library, of apt, which checks before it writes, and of tar, which reports a partly written last
 * block.
 */
const full = /no space left on device|have enough free space|wrote only \d+ of \d+ bytes/i;
const tooLarge = /file too large/i;
const readOnly = /read-only file system|read only lock file/i;

/** So few free inodes count as none, because the failed program has removed its own files again. */
const fewInodes = 500;

/**
 * Returns the same problem, with its cause first if that is the disk. Returns it unchanged if the disk cannot be
 * examined.
 */
export function withDiskFault(problem: Problem, see: HostReader): Problem {
  try {
    return withCause(problem, see);
  } catch {
    return problem;
  }
}

function withCause(problem: Problem, see: HostReader): Problem {
  const fixed = fixedFile(problem.message, see);
  if (fixed !== null) return becauseOf(problem, fixed);
  const said = [problem.message, ...linesOf(problem.stderr)];
  for (const line of said) {
    const found = faultIn(line, problem.message, see);
    if (found !== null) return becauseOf(problem, found);
  }
  return problem;
}

interface Cause {
  cause: string;
  /** The command to run. */
  hint: string[];
}

function becauseOf(problem: Problem, { cause, hint }: Cause): Problem {
  return problem.with({ message: `${cause}: ${problem.message}`, hint });
}

/**
 * Returns the reason why a file cannot be replaced, or null. Only the system's own message about a path counts:
 * programs report such errors for other causes.
 */
function fixedFile(message: string, see: HostReader): Cause | null {
  const [, path = "", words] = /^(\/[^:;]+): (operation not permitted|resource busy or locked)/.exec(message) ?? [];
  if (words === undefined) return null;
  if (words.startsWith("resource") && mountPointOf(path, see) === path) {
    return { cause: `${path} is mounted by itself, so that it cannot be replaced`, hint: ["findmnt", path] };
  }
  // No file permission stops root: only the attributes of chattr(1) do.
  const dir = path.slice(0, path.lastIndexOf("/")) || "/";
  const isFixed = words.startsWith("operation") && see.uid === 0 && see.stat(dir) !== null;
  return isFixed ? { cause: `${path} or its directory is immutable`, hint: ["lsattr", "-d", dir, path] } : null;
}

function faultIn(line: string, told: string, see: HostReader): Cause | null {
  if (tooLarge.test(line)) return limited(see);
  const isReadOnly = readOnly.test(line);
  if (!isReadOnly && !full.test(line)) return null;
  const named = pathIn(line, told);
  const path = named && existing(named, see);
  return isReadOnly ? thawed(path, see) : emptied(path, see);
}

/** Returns the limit of this process as the cause, or null if the file system refused the size. */
function limited(see: HostReader): Cause | null {
  const limits = textOf(see, "/proc/self/limits") ?? "";
  const bytes = /^Max file size +(\d+)/m.exec(limits)?.[1];
  if (bytes === undefined) return null;
  const cause = `this process may write files of ${bytes} bytes at the most (ulimit -f, LimitFSIZE= of a unit)`;
  return { cause, hint: ["ulimit", "-f", "unlimited"] };
}

function emptied(path: string | null, see: HostReader): Cause {
  if (path === null) return { cause: "no space left", hint: ["df", "-h"] };
  const space = see.space(path);
  const noInodes = space !== null && space.inodes > 0 && space.inodesFree < fewInodes;
  return noInodes
    ? { cause: `no inodes left at ${path}`, hint: ["df", "-i", path] }
    : { cause: `no space left at ${path}`, hint: ["df", "-h", path] };
}

function thawed(path: string | null, see: HostReader): Cause {
  if (path === null) return { cause: "read-only file system", hint: ["findmnt", "--options", "ro"] };
  const point = mountPointOf(path, see);
  return { cause: `${point} is a read-only file system`, hint: ["sudo", "mount", "-o", "remount,rw", point] };
}

/**
 * Returns the last path before the error text, or else the first one after it: dpkg names the unpacked package before
 * the target file. If the line has none, the path is taken from the problem's message. Returns null if neither names a
 * path.
 */
function pathIn(line: string, told: string): string | null {
  const at = line.search(readOnly.test(line) ? readOnly : full);
  const path = /(?<![^\s'"(])\/[^\s'":,;()]+/g;
  return line.slice(0, at).match(path)?.at(-1) ?? line.slice(at).match(path)?.[0] ?? told.match(path)?.at(-1) ?? null;
}

/** Returns the path itself, or its nearest existing parent directory. */
function existing(path: string, see: HostReader): string {
  const trimmed = path.replace(/[./]+$/, "");
  if (trimmed === "") return "/";
  return see.stat(trimmed)?.type === "directory" ? trimmed : existing(trimmed.slice(0, trimmed.lastIndexOf("/")), see);
}
