// Reaches a file through the open descriptor of its directory. A user who owns a directory on the way, and plants links
// or exchanges names in it at the same time, cannot lead this process elsewhere.

import * as fs from "node:fs";
import { nameOf, parentOf } from "../text/path.ts";
import type { OwnFile } from "./host.ts";
import { withPath } from "./local-naming.ts";
import { openTyped } from "./local-opened.ts";
import { readOpened } from "./local-read.ts";
import { statOf } from "./local-stat.ts";

const rootUid = 0;

/** Users whose symbolic links are followed. A link of any other user may lead only to a directory of that user. */
const trusted = [rootUid, process.geteuid?.() ?? rootUid];

/**
 * Calls `act` with a name for the path that no other user can redirect. Throws an Error that names a symbolic link on
 * the way that is not followed. `root`: the directory at which paths begin.
 */
export function inParent<T>(root: string, path: string, act: (name: string) => T): T {
  const parent = parentOf(path) || ".";
  const opened = openTyped(root, parent, trusted);
  if (opened === null) {
    const error = new Error(`ENOENT: no such file or directory, open '${root}${path}'`);
    throw Object.assign(error, { code: "ENOENT" });
  }
  try {
    return withPath(root + path, () => act(`${opened.path}/${nameOf(path)}`));
  } catch (error) {
    if (error instanceof Error) {
      error.message = error.message.replaceAll(`${opened.path}/`, `${root}${parent}/`.replace("//", "/"));
    }
    throw error;
  } finally {
    opened.close();
  }
}

/**
 * Implements {@link HostReader.readOwn}. Another user may have given its file a second name in its own directory, so a
 * file of many names is read only in a directory of a trusted user.
 */
export function readOwn(root: string, path: string): OwnFile | null {
  return inParent(root, path, (name) => {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
    const fd = fs.openSync(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile()) return null;
      const { uid } = fs.statSync(parentOf(name));
      if (stat.nlink > 1 && !trusted.includes(uid)) {
        throw new Error(`${root}${path} is a hard link in a directory of user ${uid}`);
      }
      return { bytes: readOpened(fd, `${root}${path}`), stat: statOf(stat) };
    } finally {
      fs.closeSync(fd);
    }
  });
}

/** Fsyncs the parent directory, because a rename is only durable after that. */
export function syncParent(path: string): void {
  const fd = fs.openSync(parentOf(path) || ".", fs.constants.O_RDONLY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
