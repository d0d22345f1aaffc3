// The executable that runs, where it lies on a host.

import { installedPackage } from "../engine/dpkg.ts";
import { Problem } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { changeablePart } from "../host/ownership.ts";
import { programLockPath } from "../recipes/paths.ts";

/** Where the Debian package has it. */
const packagedPath = "/usr/bin/edox-ops";

/** Whether dpkg owns it: then apt replaces it and takes it away. */
export function isPackaged(see: HostReader, program: string): boolean {
  return program === packagedPath && installedPackage(see, "edox-ops") !== null;
}

/** Throws a Problem where it does: what it is asked for instead, and where that comes from. */
export function demandUnpackaged(see: HostReader, program: string, hint: string[], from = ""): void {
  if (isPackaged(see, program)) throw new Problem("blocked", `apt owns ${program}${from}`, { hint });
}

/** Throws a Problem where this process is of a file that is gone: its path is another's by now, or nobody's. */
export function demandThere(see: HostReader, program: string): void {
  if (see.stat(program)?.type === "file") return;
  throw new Problem("blocked", `this program is not at ${program} any more`, { hint: ["command", "-v", "edox-ops"] });
}

/**
 * Throws a Problem where root would run a file that another user could change or exchange: by the file itself, its
 * directory, or one above it.
 */
export function demandRootsAlone(see: HostReader, path: string): void {
  const part = see.uid === 0 ? changeablePart(see.stat, path) : null;
  if (part === null) return;
  const { uid = 0, mode = 0 } = see.stat(part) ?? {};
  const why = uid === 0 ? `its mode is ${mode.toString(8)}` : `user ${uid} owns it`;
  const hint = uid === 0 ? ["sudo", "chmod", "go-w", part] : ["sudo", "chown", "root:root", part];
  const what = part === path ? part : `${path} is below ${part}, which`;
  throw new Problem("blocked", `${what} can be changed by others than root (${why}): root does not run it`, { hint });
}

/** Whether this user may replace it: root, or who has it in a folder of their own. */
export function isOwn(see: HostReader, program: string): boolean {
  return see.uid === 0 || [program, folderOf(program)].every((path) => see.stat(path)?.uid === see.uid);
}

export function folderOf(program: string): string {
  return program.slice(0, program.lastIndexOf("/")) || "/";
}

/** The lock that the installer takes as well. A user's own program has it beside it, in a directory of theirs alone. */
export function lockOf(see: HostReader, program: string): string {
  return see.uid === 0 ? programLockPath : `${beside(program).locks}/program.lock`;
}

/** What lies beside it, hidden: the one that was replaced last, where a new one is unpacked, and the locks of a user. */
export function beside(program: string): { previous: string; work: string; locks: string } {
  const hidden = `${folderOf(program)}/.${program.slice(program.lastIndexOf("/") + 1)}`;
  return { previous: `${hidden}.previous`, work: `${hidden}.update`, locks: `${hidden}.locks` };
}

/** All of these that are there, and what an installer left that was killed. */
export function leftBeside(see: HostReader, program: string): string[] {
  const folder = folderOf(program);
  const hidden = `.${program.slice(program.lastIndexOf("/") + 1)}.`;
  return (see.list(folder) ?? [])
    .filter(
      (name) => name.startsWith(hidden) && /^(previous|update|locks|new(\.\d+)?)$/.test(name.slice(hidden.length)),
    )
    .map((name) => `${folder}/${name}`);
}
