// What undoes a change, as data. The rollback of a failed step and the journal on disk are both derived from it.

import { unpackedPackage } from "../apt/dpkg.ts";
import { type Attributes, type Host, type HostReader, hasAttributes, type Stat } from "../host/host.ts";
import { systemCode } from "../host/system-error.ts";
import { Problem } from "../problem/problem.ts";
import { applyFile, commandLimitMs, type FileChange, runOrThrow } from "./apply.ts";
import { type Change, Text } from "./change.ts";
import { accountRemoval, isUnused, type NewAccount } from "./new-account.ts";

/**
 * The state of a path before a change, or what undoes a change that has no path. `added` is the line that the change added:
 * if others have written to the file since, that line alone is removed.
 */
export type Inverse =
  | { kind: "absent"; path: string; added?: string }
  | ({ kind: "file"; path: string; bytes: Uint8Array; added?: string } & Attributes)
  | ({ kind: "directory"; path: string } & Attributes)
  | { kind: "link"; path: string; target: string }
  /**
   * Without the path of `ifExists`, or with that of `ifMissing`, the command has nothing to undo: it need not be idempotent
   * then. One that `mayFail` fails where there is nothing to undo.
   */
  | { kind: "command"; argv: string[]; ifExists?: string; ifMissing?: string; mayFail?: true }
  /** A line that a step adds for its own duration. Each such line is removed, regardless of later edits of the file. */
  | { kind: "line"; path: string; line: string }
  | NewAccount
  /** Packages are never removed. They end the rollback if dpkg has unpacked one of them: see {@link toUndo}. */
  | { kind: "packages"; names: string[] };

/**
 * Returns what undoes the change on this host; the last one is applied first. They are valid whether or not the change
 * is applied afterwards. Throws if a path is a device, a pipe or a socket, because nothing could restore it, if a
 * command would change a file through a link, and if a path changes meanwhile.
 */
export function inversesOf(reader: HostReader, change: Change): Inverse[] {
  if (change.kind === "packages") return [{ kind: "packages", names: change.names }];
  if (change.kind !== "command") {
    const state = stateOf(reader, change.path);
    const added = change.kind === "file" ? change.adds : undefined;
    const isFile = state.kind === "absent" || state.kind === "file";
    return [isFile && added !== undefined ? { ...state, added } : state];
  }
  const { touches = [], undo } = change;
  return [
    ...touches.map((path) => touchedState(reader, path)),
    ...(undo ? [{ kind: "command" as const, argv: undo }] : []),
  ];
}

/** The command may write through a link. */
function touchedState(reader: HostReader, path: string): Inverse {
  const state = stateOf(reader, path);
  if (state.kind !== "link") return state;
  const message = `${path} is a link to ${state.target}: a rollback could not restore that file`;
  throw new Problem("conflict", message, { hint: ["ls", "-l", path] });
}

function stateOf(reader: HostReader, path: string): Inverse {
  const stat = reader.stat(path);
  if (stat === null) return { kind: "absent", path };
  const { type, mode, uid, gid } = stat;
  if (type === "directory") return { kind: "directory", path, mode, uid, gid };
  if (type === "link") return { kind: "link", path, target: reader.readLink(path) ?? changed(path) };
  if (type === "file") {
    // Another user may own the directory: content of a file elsewhere must not come back in this one.
    const own = reader.readOwn(path) ?? changed(path);
    const { mode, uid, gid } = own.stat;
    return { kind: "file", path, bytes: own.bytes, mode, uid, gid };
  }
  throw new Problem("conflict", `${path} is not a file, a directory or a link: a rollback could not restore it`);
}

/** Throws the Problem of a path that its owner exchanges at the same time. */
function changed(path: string): never {
  const message = `${path} was changed by another program: its rollback could not be recorded`;
  throw new Problem("concurrent-change", message);
}

/**
 * Returns the inverses to apply, in order: the latest change is undone first. Unpacked packages stay, and so do all
 * changes before them, because apt can repair and update packages only from their source. An account that was used stays.
 */
export function toUndo(reader: HostReader, inverses: readonly Inverse[]): Inverse[] {
  const last = inverses.findLastIndex(
    (each) => each.kind === "packages" && each.names.some((name) => unpackedPackage(reader, name)),
  );
  // It is asked first, because the rollback removes the file of keys, which may be all that shows a use.
  const stays = (each: Inverse): boolean => each.kind === "account" && !isUnused(reader, each);
  return inverses
    .slice(last + 1)
    .filter((each) => each.kind !== "packages" && !stays(each))
    .reverse();
}

/**
 * Returns the change that an inverse still has to make, or null if the state is as before: it is not written again,
 * because a full disk may refuse that. Contents are secret, because the file may have been.
 */
export function restoration(reader: HostReader, inverse: Inverse): Change | null {
  if (inverse.kind === "packages") return null;
  if (inverse.kind === "account") return accountRemoval(reader, inverse);
  if (inverse.kind === "command") {
    const { kind, argv, ifExists, ifMissing } = inverse;
    if (ifExists !== undefined && reader.stat(ifExists) === null) return null;
    if (ifMissing !== undefined && reader.stat(ifMissing) !== null) return null;
    return { kind, argv, reason: "an interrupted run may have run its counterpart" };
  }
  const { path } = inverse;
  const stat = reader.stat(path);
  if (inverse.kind === "line") return stat?.type === "file" ? lineRemoval(reader, inverse) : null;
  if (stat?.type === "file" && hasOthers(reader, inverse)) return lineRemoval(reader, { path, line: inverse.added });
  if (inverse.kind === "absent") return stat && removal(path, reader.readLink(path));
  if (inverse.kind === "link") {
    const before = reader.readLink(path);
    return before === inverse.target ? null : { kind: "link", path, before, after: inverse.target };
  }
  const { mode, uid, gid } = inverse;
  const isSame = (now: Stat | undefined): boolean => now?.type === inverse.kind && hasAttributes(now, inverse);
  if (inverse.kind === "directory") {
    return isSame(stat ?? undefined) ? null : { kind: "directory", path, before: stat, mode, uid, gid };
  }
  const own = reader.readOwn(path);
  const before = own && new Text(own.bytes, true);
  const after = new Text(inverse.bytes, true);
  return isSame(own?.stat) && before?.equals(after) ? null : { kind: "file", path, before, after, mode, uid, gid };
}

/**
 * Applies the inverses in this order, and continues after a failure. Returns the changes that it made, and each failure
 * once: a step may change a path twice.
 */
export async function undo(
  host: Host,
  inverses: readonly Inverse[],
): Promise<{ changes: Change[]; failures: Problem[] }> {
  const changes: Change[] = [];
  const failures = new Map<string, Problem>();
  for (const each of inverses) {
    try {
      if ("path" in each && each.kind !== "directory") host.removeTemporary(each.path);
      const change = restoration(host, each);
      if (change === null) continue;
      if ("mayFail" in each) await host.run(each.argv, { limitMs: commandLimitMs });
      else if (change.kind === "command") await runOrThrow(host, change.argv);
      else applyFile(host, change as FileChange);
      changes.push(change);
    } catch (error) {
      if (each.kind === "line" && isOwnersDoing(error)) continue;
      // Somebody has put another file in a directory that the step has made.
      if (each.kind === "absent" && systemCode(error) === "ENOTEMPTY") continue;
      const problem = Problem.of(error);
      failures.set(problem.message, problem);
    }
  }
  return { changes, failures: [...failures.values()] };
}

/**
 * Returns whether the owner of a directory can cause this error: by a link, which has no code of the system, or by a
 * file system of their own. Such a user keeps a line in their own file, but must not keep a rollback from its end.
 */
function isOwnersDoing(error: unknown): boolean {
  return ["", "EACCES", "ELOOP", "ENOENT", "ENOTDIR"].includes(systemCode(error));
}

/**
 * Runs the commands, so that services get their old files back. Returns the first that fails, and runs none after it.
 */
export async function firstFailing(host: Host, commands: readonly string[][]): Promise<string[] | null> {
  const runs = async (argv: string[]) => (await host.run(argv, { limitMs: commandLimitMs })).code === 0;
  for (const argv of commands) {
    if (await runs(argv)) continue;
    // systemd refuses a unit that was started too often, such as one that ended with the new files again and again.
    const [program, verb = "", unit = ""] = argv;
    const isStart = program === "systemctl" && /start$/.test(verb);
    if (!isStart || !(await runs(["systemctl", "reset-failed", unit])) || !(await runs(argv))) return argv;
  }
  return null;
}

const none = new Uint8Array();
const [lineEnd, carriageReturn] = [0x0a, 0x0d];

function removal(path: string, target: string | null): Change {
  if (target !== null) return { kind: "link", path, before: target, after: null };
  return { kind: "removal", path, before: new Text(none, true) };
}

/** Returns whether others have written to the file since a change added its line, or before the change was made. */
function hasOthers(reader: HostReader, inverse: Inverse): inverse is Inverse & { added: string } {
  if (!("added" in inverse) || inverse.added === undefined) return false;
  const rest = withoutLine(Buffer.from(reader.readOwn(inverse.path)?.bytes ?? none), Buffer.from(inverse.added));
  const former = Buffer.from(inverse.kind === "file" ? inverse.bytes : none);
  // The change has ended the last line.
  return !rest.equals(former) && !rest.equals(Buffer.concat([former, Buffer.of(lineEnd)]));
}

/** Every other byte stays, and so do the mode and the owner. */
function lineRemoval(reader: HostReader, { path, line }: { path: string; line: string }): Change | null {
  const own = reader.readOwn(path);
  if (own === null) return null;
  const after = new Text(withoutLine(Buffer.from(own.bytes), Buffer.from(line)), true);
  const { mode, uid, gid } = own.stat;
  const before = new Text(own.bytes, true);
  return before.equals(after) ? null : { kind: "file", path, before, after, mode, uid, gid };
}

/** The owner of the file may have filled it with millions of lines, so that none of them becomes a string. */
function withoutLine(bytes: Buffer, line: Buffer): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(line); at >= 0; at = bytes.indexOf(line, at + 1)) {
    let next = at + line.length;
    if (bytes[next] === carriageReturn) next += 1;
    if ((at > 0 && bytes[at - 1] !== lineEnd) || (next < bytes.length && bytes[next] !== lineEnd)) continue;
    kept.push(bytes.subarray(from, at));
    from = next + 1;
  }
  return from === 0 ? bytes : Buffer.concat([...kept, bytes.subarray(from)]);
}
