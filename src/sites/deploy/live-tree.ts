// The live tree of a project, as lists describe it.

import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { secondsOf, stampOf } from "./releases.ts";

export interface LiveTree {
  /** When the tree was deployed, in Unix milliseconds; null if another program made it. */
  deployedMs: number | null;
  files: number;
  /** Size of the files. */
  bytes: number;
  /** Whether all files are counted. */
  isWhole: boolean;
}

/** The time is compared once for this many entries. */
const entriesACheck = 256;

/**
 * Returns the live tree, or null if it has no file. The count ends after `limitMs` milliseconds, because a list must
 * not take as long as its largest site. Throws the system's error for a tree that this user may not read.
 */
export function measureLive(reader: HostReader, trees: Trees, dir: string, limitMs: number): LiveTree | null {
  if (trees.entry(dir)?.type !== "directory") return null;
  const stamp = stampOf(trees, dir);
  const end = reader.now() + limitMs;
  const live: LiveTree = {
    deployedMs: stamp === null ? null : secondsOf(stamp) * 1000,
    files: 0,
    bytes: 0,
    isWhole: true,
  };
  let entries = 0;
  for (const { type, size } of trees.walk(dir)) {
    if (type !== "directory") live.files += 1;
    if (type === "file") live.bytes += size;
    entries += 1;
    if (entries % entriesACheck === 0 && reader.now() >= end) return { ...live, isWhole: false };
  }
  return live.files === 0 ? null : live;
}
