import type { HostReader } from "../host/host.ts";
import { changeablePart } from "../host/ownership.ts";
import { Problem } from "./problem.ts";

/**
 * Throws a Problem if root would run a file that another user could change or replace: the file itself, its directory,
 * or a directory above it.
 */
export function demandRootsAlone(reader: HostReader, path: string): void {
  const part = reader.uid === 0 ? changeablePart(reader.stat, path) : null;
  if (part === null) return;
  const { uid = 0, mode = 0 } = reader.stat(part) ?? {};
  const why = uid === 0 ? `its mode is ${mode.toString(8)}` : `user ${uid} owns it`;
  const hint = uid === 0 ? ["sudo", "chmod", "go-w", part] : ["sudo", "chown", "root:root", part];
  const what = part === path ? part : `${path} is below ${part}, which`;
  throw new Problem(
    "precondition-failed",
    `${what} can be changed by others than root (${why}): root does not run it`,
    { hint },
  );
}
