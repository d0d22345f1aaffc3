import type * as fs from "node:fs";
import type { Stat } from "./host.ts";

/** Converts the runtime's result of stat or lstat. */
export function statOf(stat: fs.Stats): Stat {
  const type = stat.isFile() ? "file" : stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "link" : "other";
  return {
    type,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    size: stat.size,
    changedMs: stat.ctimeMs,
  };
}
