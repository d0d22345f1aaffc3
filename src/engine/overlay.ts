// Simulates a host after planned changes, for resources that depend on files that are about to change.

import type { HostReader, Stat } from "../host/host.ts";
import { parentOf } from "../text/path.ts";
import type { Change } from "./change.ts";

type PlacedChange = Extract<Change, { kind: "file" | "removal" | "link" }>;

/**
 * Returns a view of the host after these changes. Only files and links are simulated, and only in read,
 * readOwn, stat, statTarget, readLink and list.
 */
export function overlay(reader: HostReader, ahead: readonly Change[]): HostReader {
  const changes = new Map(ahead.filter(isPlaced).map((change) => [change.path, change]));
  if (changes.size === 0) return reader;
  const stat = (path: string): Stat | null => {
    const change = changes.get(path);
    if (change === undefined) return reader.stat(path);
    if (change.kind === "removal" || change.after === null) return null;
    const link = change.kind === "link";
    const attributes = link ? { mode: 0o777, uid: 0, gid: 0 } : { mode: change.mode, uid: change.uid, gid: change.gid };
    const size = link ? 0 : change.after.bytes.length;
    return { type: link ? "link" : "file", ...attributes, size, changedMs: reader.now() };
  };
  const statTarget = (path: string): Stat | null => {
    const change = changes.get(path);
    const target = change === undefined ? reader.readLink(path) : change.kind === "link" ? change.after : null;
    if (change !== undefined) return target === null ? stat(path) : statTarget(target);
    // Links of this program are absolute. A relative link never leads to a changed file.
    return target !== null && changes.has(target) ? statTarget(target) : reader.statTarget(path);
  };
  const read = (path: string): Uint8Array | null => {
    const change = changes.get(path);
    if (change === undefined) {
      const target = reader.readLink(path);
      return target !== null && changes.has(target) ? read(target) : reader.read(path);
    }
    if (change.kind === "link") return change.after === null ? null : read(change.after);
    return change.kind === "file" ? change.after.bytes : null;
  };
  return {
    ...reader,
    stat,
    statTarget,
    read,
    readOwn(path) {
      const [change, found] = [changes.get(path), stat(path)];
      if (change === undefined) return reader.readOwn(path);
      return change.kind === "file" && found !== null ? { bytes: change.after.bytes, stat: found } : null;
    },
    readLink(path) {
      const change = changes.get(path);
      return change?.kind === "link" ? change.after : reader.readLink(path);
    },
    list(path) {
      const before = reader.list(path);
      const names = new Set(before);
      for (const each of changes.keys()) {
        if (parentOf(each) !== path) continue;
        const name = each.slice(path.length + 1);
        if (stat(each) === null) names.delete(name);
        else names.add(name);
      }
      return before === null && names.size === 0 ? null : [...names].sort();
    },
  };
}

function isPlaced(change: Change): change is PlacedChange {
  return change.kind === "file" || change.kind === "removal" || change.kind === "link";
}
