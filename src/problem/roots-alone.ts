import type { HostReader } from "../host/host.ts";
import { changeablePart } from "../host/ownership.ts";
import { Problem } from "./problem.ts";

const installedPath = "/usr/local/bin/edox-ops";

/**
 * Throws a Problem if root would run a file that another user could change or replace: the file itself, its directory,
 * or a directory above it.
 */
export function demandRootsAlone(reader: HostReader, path: string): void {
  const part = reader.uid === 0 ? changeablePart(reader.stat, path) : null;
  if (part === null) return;
  const { uid = 0, mode = 0 } = reader.stat(part) ?? {};
  const why = uid === 0 ? `its mode is ${mode.toString(8)}` : `user ${uid} owns it`;
  const mend = uid === 0 ? ["sudo", "chmod", "go-w", part] : ["sudo", "chown", "root:root", part];
  // A directory for everyone, such as /tmp, and the home of a user stay as they are.
  const isTheirs = part !== path && (uid !== 0 || (mode & 0o1000) !== 0);
  const what = part === path ? part : `${path} is below ${part}, which`;
  throw new Problem(
    "precondition-failed",
    `${what} can be changed by others than root (${why}): root does not run it`,
    { hint: isTheirs ? installHint(path) : mend },
  );
}

/**
 * Throws a Problem if systemd cannot run the program later, because it is gone after a boot or its path is not plain, or
 * must not, because another user could replace it. `consequence`: what would not happen then.
 */
export function demandPermanent(reader: HostReader, program: string, consequence: string): void {
  // First, because a directory that a boot empties is often one that others may change.
  if (/^\/(run|tmp|var\/tmp|dev)\/|[\s"'\\]/.test(program)) {
    const message = `systemd cannot run ${program} after a boot: ${consequence}`;
    throw new Problem("precondition-failed", message, { hint: installHint(program) });
  }
  demandRootsAlone(reader, program);
}

function installHint(program: string): string[] {
  return ["sudo", "install", "-m", "0755", program, installedPath];
}
