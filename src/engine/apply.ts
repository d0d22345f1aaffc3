// Applies one change to the host.

import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { shellLine } from "../text/lines.ts";
import type { Change } from "./change.ts";

/**
 * A child that has not ended after ten minutes hangs. apt has no such limit, because the SD card of a Pi can be slow.
 */
export const commandLimitMs = 600_000;

/** A change of the file system. */
export type FileChange = Exclude<Change, { kind: "packages" | "command" }>;

export function applyFile(host: Host, change: FileChange): void {
  if (change.kind === "file") host.writeFile(change.path, change.after.bytes, change);
  else if (change.kind === "removal") host.remove(change.path);
  else if (change.kind === "link" && change.after === null) host.remove(change.path);
  else if (change.kind === "link" && change.after !== null) host.makeLink(change.path, change.after);
  else if (change.kind === "directory" && change.before === null) host.makeDirectory(change.path, change);
  else if (change.kind === "directory") host.setAttributes(change.path, change);
}

/** Runs a command. Throws a Problem if it fails. */
export async function runOrThrow(host: Host, argv: readonly string[]): Promise<void> {
  const { code, stderr } = await host.run(argv, { limitMs: commandLimitMs });
  if (code !== 0) throw new Problem("command-failed", `${shellLine(argv)} failed`, { returncode: code, stderr });
}
