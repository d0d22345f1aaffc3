// Applies changes in order, or none of them. Rollback is implemented only here.

import { installPackages } from "../apt/apt.ts";
import { unpackedPackage } from "../apt/dpkg.ts";
import type { Host, HostReader, Stat } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { hintToShow } from "../problem/show-file.ts";
import { throwIfInterrupted } from "../problem/wait.ts";
import { linesOf, shellLine } from "../text/lines.ts";
import { type Change, Text } from "./change.ts";
import type { Options } from "./converge.ts";

/**
 * A child that has not ended after ten minutes hangs. apt has no such limit, because the SD card of a Pi can be slow.
 */
const commandLimitMs = 600_000;

/**
 * Applies the changes in order, then calls `verify`. If one of them throws, the earlier changes are rolled back in
 * reverse order, byte by byte, and the commands marked `again` run once more. Unpacked packages stay, and so do all
 * changes before them: apt can repair and update packages only from their source. A signal is handled between two
 * changes. Returns warnings.
 */
export async function transact(
  changes: readonly Change[],
  host: Host,
  verify: () => Promise<void>,
  { stop = () => null, watch, again }: Options = {},
): Promise<string[]> {
  const undo: (() => void)[] = [];
  const warnings: string[] = [];
  try {
    for (const change of mergePackages(changes)) {
      throwIfInterrupted(stop);
      if (change.kind === "packages") {
        try {
          warnings.push(...(await installPackages(change, host, stop, watch)));
        } finally {
          if (change.names.some((name) => unpackedPackage(host, name))) undo.length = 0;
        }
      } else if (change.kind === "command") warnings.push(...(await command(change, host)));
      else {
        undo.push(undoOf(change, host));
        apply(change, host);
      }
    }
    throwIfInterrupted(stop);
    await verify();
    return warnings;
  } catch (error) {
    if (undo.length === 0) throw error;
    const problem = await rollBack(error as Error, undo.reverse(), changes, host);
    // The rollback removed apt's source, and no other source has these packages.
    const isApt = problem.hint?.includes("apt-get") === true && again !== undefined;
    throw isApt ? problem.with({ hint: again }) : problem;
  }
}

function mergePackages(changes: readonly Change[]): Change[] {
  const merged: Change[] = [];
  for (const change of changes) {
    const last = merged.at(-1);
    if (change.kind === "packages" && last?.kind === "packages") {
      const remove = [...(last.remove ?? []), ...(change.remove ?? [])];
      const names = [...last.names, ...change.names];
      const purge = (last.purge ?? change.purge) && { purge: true as const };
      merged[merged.length - 1] = { kind: "packages", names, ...(remove.length > 0 && { remove }), ...purge };
    } else merged.push(change);
  }
  return merged;
}

async function command(
  { argv, mayFail, logs = [], code: failure = "command-failed", hintFor }: Extract<Change, { kind: "command" }>,
  host: Host,
): Promise<string[]> {
  const { code, stderr } = await host.run(argv, { limitMs: commandLimitMs });
  if (code === 0) return [];
  const logged = await firstOutput(logs, host);
  const named = /\/etc\/[\w./@+-]*\w/g;
  const file = [...`${stderr}${logged}`.matchAll(named)].map(([path]) => path).find((path) => isFile(host, path));
  if (mayFail !== undefined) return [[mayFail, ...linesOf(logged)].join("; ")];
  throw new Problem(failure, `${shellLine(argv)} failed`, {
    returncode: code,
    stderr: stderr + logged,
    // A service that refused one of its own files fails the same way on the next start, so the hint shows that file.
    hint: hintFor?.(stderr) ?? (logs.length > 0 && file !== undefined ? hintToShow(file) : ["sudo", ...argv]),
  });
}

function isFile(reader: HostReader, path: string): boolean {
  return reader.statTarget(path)?.type === "file";
}

/**
 * Returns the output of the first of these commands that prints anything. The commands print the newest line first; the
 * result has the oldest first.
 */
export async function firstOutput(commands: readonly string[][], reader: HostReader): Promise<string> {
  for (const argv of commands) {
    const { stdout } = await reader.probe(argv);
    if (stdout.trim() !== "") return `${stdout.trimEnd().split("\n").reverse().join("\n")}\n`;
  }
  return "";
}

type FileChange = Exclude<Change, { kind: "packages" | "command" }>;

function apply(change: FileChange, host: Host): void {
  if (change.kind === "file") host.writeFile(change.path, change.after.bytes, change);
  else if (change.kind === "removal") host.remove(change.path);
  else if (change.kind === "link" && change.after === null) host.remove(change.path);
  else if (change.kind === "link" && change.after !== null) host.makeLink(change.path, change.after);
  else if (change.kind === "directory" && change.before === null) host.makeDirectory(change.path, change);
  else if (change.kind === "directory") host.setAttributes(change.path, change);
}

/**
 * Records the current state and returns a function that restores it. An unchanged state is not written again, because a
 * full disk may refuse that.
 */
function undoOf({ path }: FileChange, host: Host): () => void {
  const stat = host.stat(path);
  if (stat === null) return () => host.stat(path) !== null && host.remove(path);
  if (stat.type === "directory") return () => isSame(stat, host.stat(path)) || host.setAttributes(path, stat);
  if (stat.type === "link") {
    const target = host.readLink(path) ?? "";
    return () => host.readLink(path) === target || host.makeLink(path, target);
  }
  // Another user may own the directory: content of a file elsewhere must not come back in this one.
  const own = host.readOwn(path);
  const [bytes, attributes] = [own?.bytes ?? none, own?.stat ?? stat];
  const isThere = (): boolean => {
    const now = host.readOwn(path);
    return isSame(attributes, now?.stat ?? null) && new Text(bytes).equals(new Text(now?.bytes ?? none));
  };
  return () => isThere() || host.writeFile(path, bytes, attributes);
}

const none = new Uint8Array();

function isSame(one: Stat, other: Stat | null): boolean {
  return one.type === other?.type && one.mode === other.mode && one.uid === other.uid && one.gid === other.gid;
}

async function rollBack(error: Error, undo: (() => void)[], changes: readonly Change[], host: Host): Promise<Problem> {
  const notes: string[] = [];
  for (const back of undo) {
    try {
      back();
    } catch (cause) {
      notes.push(`not put back: ${Problem.of(cause).message}`);
    }
  }
  const complete = notes.length === 0;
  for (const change of changes) {
    if (change.kind !== "command" || !change.again) continue;
    const { code } = await host.run(change.argv, { limitMs: commandLimitMs });
    if (code === 0) continue;
    notes.push(
      `${shellLine(change.argv)} fails ${complete ? "without our files too: it was broken before this run" : "as well"}`,
    );
    break;
  }
  const problem = Problem.of(error);
  const message = [problem.message, ...(complete ? ["the files were put back"] : []), ...notes].join("; ");
  return problem.with({ message });
}
