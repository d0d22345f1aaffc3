// The running executable and the files beside it.

import { installedPackage } from "../apt/dpkg.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { nameOf, parentOf } from "../text/path.ts";
import { programLockPath } from "./paths.ts";

/** The path at which the Debian package installs it. */
const packagedPath = "/usr/bin/edox-ops";

/** Returns whether dpkg owns the program, in which case apt updates and removes it. */
export function isPackaged(reader: HostReader, program: string): boolean {
  return program === packagedPath && installedPackage(reader, "edox-ops") !== null;
}

/**
 * Throws a Problem if dpkg owns the program. `hint`: the apt command to use instead. `from`: appended to the message,
 * where to get the package.
 */
export function demandUnpackaged(reader: HostReader, program: string, hint: string[], from = ""): void {
  if (isPackaged(reader, program)) throw new Problem("not-managed", `apt owns ${program}${from}`, { hint });
}

/** Throws a Problem if the file of this process no longer exists: its path may belong to another program by now. */
export function demandExists(reader: HostReader, program: string): void {
  if (reader.stat(program)?.type === "file") return;
  throw new Problem("not-found", `this program is no longer at ${program}`, { hint: ["command", "-v", "edox-ops"] });
}

/** Returns whether this user may replace the program: root, or a user who owns both the program and its folder. */
export function isOwn(reader: HostReader, program: string): boolean {
  return reader.uid === 0 || [program, folderOf(program)].every((path) => reader.stat(path)?.uid === reader.uid);
}

/** Returns the folder of the program. */
export function folderOf(program: string): string {
  return parentOf(program);
}

/**
 * Returns the path of the lock, which the installer takes too. For a user's own program it is beside the program, in a
 * directory for that user alone.
 */
export function lockOf(reader: HostReader, program: string): string {
  return reader.uid === 0 ? programLockPath : `${beside(program).locks}/program.lock`;
}

/**
 * Returns the hidden paths beside the program: the previous version, the folder where an update is unpacked, and the
 * locks of a user.
 */
export function beside(program: string): { previous: string; work: string; locks: string } {
  const hidden = `${folderOf(program)}/.${nameOf(program)}`;
  return { previous: `${hidden}.previous`, work: `${hidden}.update`, locks: `${hidden}.locks` };
}

/** Returns those of these paths that exist, and files that a killed installer left behind. */
export function filesBeside(reader: HostReader, program: string): string[] {
  const folder = folderOf(program);
  const hidden = `.${nameOf(program)}.`;
  return (reader.list(folder) ?? [])
    .filter(
      (name) => name.startsWith(hidden) && /^(previous|update|locks|new(\.\d+)?)$/.test(name.slice(hidden.length)),
    )
    .map((name) => `${folder}/${name}`);
}
