// Detects a full, read-only or limited disk and immutable files behind other errors, and names them first, with a hint.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { linesOf } from "../text/lines.ts";
import { parentOf } from "../text/path.ts";
import type { ProblemCode } from "./codes.ts";
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
export function withDiskFault(reader: HostReader, problem: Problem): Problem {
  try {
    return withCause(reader, problem);
  } catch {
    return problem;
  }
}

function withCause(reader: HostReader, problem: Problem): Problem {
  const fixed = fixedFile(reader, problem.message);
  if (fixed !== null) return becauseOf(problem, fixed);
  const lines = [problem.message, ...linesOf(problem.stderr)];
  for (const line of lines) {
    const found = faultIn(reader, line, problem.message);
    if (found !== null) return becauseOf(problem, found);
  }
  return problem;
}

interface Cause {
  code: ProblemCode;
  cause: string;
  /** The command to run. */
  hint: string[];
}

function becauseOf(problem: Problem, { code, cause, hint }: Cause): Problem {
  // The exit code of a signal stays, even if a rollback then failed because of the disk.
  return problem.with({
    code: problem.code === "interrupted" ? "interrupted" : code,
    message: `${cause}: ${problem.message}`,
    hint,
  });
}

/**
 * Returns the reason why a file cannot be replaced, or null. Only the system's own message about a path counts:
 * programs report such errors for other causes.
 */
function fixedFile(reader: HostReader, message: string): Cause | null {
  const [, path = "", words] = /^(\/[^:;]+): (operation not permitted|resource busy or locked)/.exec(message) ?? [];
  if (words === undefined) return null;
  if (words.startsWith("resource") && mountPointOf(reader, path) === path) {
    return {
      code: "in-use",
      cause: `${path} is mounted by itself, so that it cannot be replaced`,
      hint: ["findmnt", path],
    };
  }
  // No file permission stops root: only the attributes of chattr(1) do.
  const dir = parentOf(path);
  const isFixed = words.startsWith("operation") && reader.uid === 0 && reader.stat(dir) !== null;
  return isFixed
    ? { code: "permission-denied", cause: `${path} or its directory is immutable`, hint: ["lsattr", "-d", dir, path] }
    : null;
}

function faultIn(reader: HostReader, line: string, message: string): Cause | null {
  if (tooLarge.test(line)) return fileSizeLimit(reader);
  const isReadOnly = readOnly.test(line);
  if (!isReadOnly && !full.test(line)) return null;
  const named = pathIn(line, message);
  const path = named && nearestExisting(reader, named);
  return isReadOnly ? readOnlyDisk(reader, path) : noSpace(reader, path);
}

/** Returns the limit of this process as the cause, or null if the file system refused the size. */
function fileSizeLimit(reader: HostReader): Cause | null {
  const limits = textOf(reader, "/proc/self/limits") ?? "";
  const bytes = /^Max file size +(\d+)/m.exec(limits)?.[1];
  if (bytes === undefined) return null;
  const cause = `this process may write files of ${bytes} bytes at the most (ulimit -f, LimitFSIZE= of a unit)`;
  return { code: "limit-exceeded", cause, hint: ["ulimit", "-f", "unlimited"] };
}

function noSpace(reader: HostReader, path: string | null): Cause {
  if (path === null) return { code: "no-space", cause: "no space left", hint: ["df", "-h"] };
  const space = reader.space(path);
  const noInodes = space !== null && space.inodes > 0 && space.inodesFree < fewInodes;
  return noInodes
    ? { code: "no-space", cause: `no inodes left at ${path}`, hint: ["df", "-i", path] }
    : { code: "no-space", cause: `no space left at ${path}`, hint: ["df", "-h", path] };
}

function readOnlyDisk(reader: HostReader, path: string | null): Cause {
  if (path === null)
    return { code: "read-only-file-system", cause: "read-only file system", hint: ["findmnt", "--options", "ro"] };
  const point = mountPointOf(reader, path);
  return {
    code: "read-only-file-system",
    cause: `${point} is a read-only file system`,
    hint: ["sudo", "mount", "-o", "remount,rw", point],
  };
}

/**
 * Returns the last path before the error text, or else the first one after it: dpkg names the unpacked package before
 * the target file. If the line has none, the path is taken from the problem's message. Returns null if neither names a
 * path.
 */
function pathIn(line: string, message: string): string | null {
  const at = line.search(readOnly.test(line) ? readOnly : full);
  const path = /(?<![^\s'"(])\/[^\s'":,;()]+/g;
  return (
    line.slice(0, at).match(path)?.at(-1) ?? line.slice(at).match(path)?.[0] ?? message.match(path)?.at(-1) ?? null
  );
}

/** Returns the path itself, or its nearest existing parent directory. */
function nearestExisting(reader: HostReader, path: string): string {
  const trimmed = path.replace(/[./]+$/, "");
  if (trimmed === "") return "/";
  return reader.stat(trimmed)?.type === "directory" ? trimmed : nearestExisting(reader, parentOf(trimmed));
}
