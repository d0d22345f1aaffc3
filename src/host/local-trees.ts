// The implementation of {@link Trees} for this machine.

import * as fs from "node:fs";
import type { Attributes } from "./host.ts";
import { entryOf, Open } from "./listing.ts";
import { O_PATH, openName, openNoFollow, Parents, placeOf, withTypedPaths } from "./local-beneath.ts";
import { isCompressedOf } from "./local-compressed.ts";
import { blockOf, bufferBytes, files, fill, open } from "./local-files.ts";
import { exchangeNames, type Status, statusAt, syncFileSystem, whyNotRemovable } from "./local-libc.ts";
import { nullIfMissing } from "./local-naming.ts";
import { openBelow, openTyped } from "./local-opened.ts";
import { SecondThread } from "./local-thread.ts";
import { type OpenedEntry, RejectedArchive, type TreeEntry, type Trees } from "./trees.ts";

/** Listing a directory takes as long as reading this many files. */
const filesADir = 8;
/** Compressing a page takes as long as reading this many files. */
const filesACompression = 8;

/**
 * Maximum nesting of directories. The time to open or remove nested directories grows with the square of their number.
 */
const mostNested = 100;

const isTooDeep = (path: string): boolean => path.length > 2 * mostNested && path.split("/").length > mostNested;

/** AT_FDCWD, from <fcntl.h>. */
const currentDir = -100;
/** Write permission of group and others, and the set-ID bits. */
const unwanted = 0o6022;

/** Returns the trees of this machine. `root` places every path below another directory, for tests. */
export function localTrees(root = ""): Trees {
  const parents = new Parents();
  const at = (path: string): string => (placeOf(path) === null ? root + path : path);
  /** Returns a name for calls that do not support paths below an open directory. */
  const name = (path: string): string => parents.safeName(at(path));
  const one = Buffer.allocUnsafe(bufferBytes);
  const two = Buffer.allocUnsafe(bufferBytes);
  const thread = new SecondThread();

  /**
   * Runs an operation that changes names. The cached directories are closed, because they may belong to other paths
   * afterwards.
   */
  const renaming = <T>(withPaths: () => T): T => {
    parents.close();
    try {
      return withPaths();
    } catch (error) {
      // The descriptors named in the message are still open here.
      throw withTypedPaths(error);
    } finally {
      parents.close();
    }
  };

  /**
   * Closes the cached directories too, because the number of a closed descriptor is soon used for another directory.
   */
  const keepOpen = (opened: OpenedEntry | null): OpenedEntry | null => {
    if (opened === null) return null;
    const close = (): void => {
      parents.close();
      opened.close();
    };
    return { ...opened, close };
  };

  function* walk(dir: string): Generator<TreeEntry> {
    const top = entryOf("", statusOf(at(dir)));
    yield top;
    if (top.type === "directory") yield* below(at(dir), "");
  }

  function* below(top: string, dir: string): Generator<TreeEntry> {
    const within = new Open(dir, blockOf(dir === "" ? top : `${top}/${dir}`));
    while (within.name !== undefined) {
      const found = within.take();
      yield found;
      if (found.type === "directory") yield* below(top, found.path);
    }
  }

  return withNames({
    walk,

    blocks: (dir, paths) => {
      const deep = paths.find(isTooDeep);
      if (deep !== undefined) {
        const start = deep.split("/").slice(0, 3).join("/");
        throw new RejectedArchive(
          `${at(dir)}/${start} has more than ${mostNested} directories in each other: move it away`,
        );
      }
      const dirs = paths.map((path) => (path === "" ? at(dir) : `${at(dir)}/${path}`)).join("\0");
      return thread.run("blocks", paths.length * filesADir, dirs);
    },

    entry: (path) => nullIfMissing(() => entryOf("", statusOf(at(path)))),
    open: (path, trusted, readerUid) => keepOpen(openTyped(root, path, trusted, readerUid)),
    openBelow: (dir, path) => keepOpen(openBelow(at(dir), path, root)),
    adopt: (path, owner) => adopt(at(path), owner),
    pinned: (path) => whyNotRemovable(at(path)),
    linkTarget: (path) => fs.readlinkSync(name(path)),

    areOnOneFileSystem(a, b) {
      const [one, two] = [a, b].map((path) => nullIfMissing(() => fs.lstatSync(name(path), { bigint: true }).dev));
      return one !== null && one === two;
    },

    *pieces(path) {
      const file = open(at(path));
      // Another reader may use the shared buffers between two pieces.
      const piece = Buffer.allocUnsafe(Math.min(bufferBytes, fs.fstatSync(file).size + 1));
      try {
        for (;;) {
          const count = fill(file, piece, piece.length);
          if (count > 0) yield piece.subarray(0, count);
          if (count < piece.length) return;
        }
      } finally {
        fs.closeSync(file);
      }
    },

    same(a, b) {
      const first = open(at(a));
      let second = -1;
      try {
        second = open(at(b));
        for (;;) {
          const count = fs.readSync(first, one, 0, bufferBytes, null);
          if (fill(second, two, count) !== count) return false;
          if (count === 0) return fs.readSync(second, two, 0, 1, null) === 0;
          if (one.compare(two, 0, count, 0, count) !== 0) return false;
        }
      } finally {
        fs.closeSync(first);
        if (second >= 0) fs.closeSync(second);
      }
    },

    isCompressedOf: (packed, file, encoding) => isCompressedOf(at(packed), at(file), encoding),

    digests: (all, seeds) => {
      const paths = all.map(([path]) => at(path)).join("\0");
      return thread.run(
        "digests",
        all.length,
        paths,
        Float64Array.from(all, ([, size]) => size),
        seeds,
      );
    },

    search: (all, search, limits) => thread.run("search", all.length, all.map(at).join("\0"), search, limits),

    copies: (all, attributes, search) => {
      const [from, to] = [all.map(([from]) => at(from)).join("\0"), all.map(([, to]) => at(to)).join("\0")];
      return thread.run(
        "copies",
        all.length,
        from,
        to,
        Float64Array.from(all, ([, , size]) => size),
        attributes,
        search && { ...search, of: Int8Array.from(all, ([, , , search = -1]) => search) },
      );
    },

    compress: (targets, attributes) =>
      thread.run("compress", targets.length * filesACompression, targets.map(at).join("\0"), attributes),

    copy(from, to, attributes, size) {
      files.copies(at(from), name(to), Float64Array.of(size), attributes);
      if (statusOf(at(from)).size !== size)
        throw new RejectedArchive(`${from} was changed while it was copied`, "unchanged");
    },

    makeDirectory(path, { mode, uid, gid }) {
      const created = name(path);
      fs.mkdirSync(created, { mode: 0o700 });
      fs.lchownSync(created, uid, gid);
      fs.chmodSync(created, mode);
    },

    makeLink(path, target, { uid, gid, modifiedSeconds }) {
      const created = name(path);
      fs.symlinkSync(target, created);
      fs.lchownSync(created, uid, gid);
      fs.lutimesSync(created, modifiedSeconds, modifiedSeconds);
    },

    share(from, to) {
      try {
        fs.linkSync(name(from), at(to));
        return true;
      } catch (error) {
        if (["EMLINK", "EXDEV", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
        throw error;
      }
    },

    setAttributes(path, { mode, uid, gid, modifiedSeconds }) {
      fs.lchownSync(at(path), uid, gid);
      fs.chmodSync(at(path), mode);
      fs.utimesSync(at(path), modifiedSeconds, modifiedSeconds);
    },

    move: (from, to) => renaming(() => fs.renameSync(name(from), name(to))),
    exchange: (a, b) => renaming(() => exchangeNames(name(a), name(b))),
    sync: (path) => syncFileSystem(at(path)),
    remove: (path) => renaming(() => fs.rmSync(name(path), { recursive: true, force: true })),

    async unpack(from, into, attributes, limits) {
      const { unpack } = await import("./archive/local-archive.ts");
      const opened = typeof from === "object" && "path" in from ? (placeOf(from.path)?.top ?? -1) : from;
      return unpack(opened, at(into), attributes, limits);
    },

    room(path) {
      const { bavail, blocks, bsize, files, ffree } = fs.statfsSync(at(path));
      const inodes = files === 0 ? Number.POSITIVE_INFINITY : ffree;
      return { bytes: bavail * bsize, inodes, size: blocks * bsize, block: bsize };
    },
  });
}

/** Returns the status of a path. Throws the system's error if it does not exist. */
function statusOf(path: string): Status {
  const place = placeOf(path);
  // An absolute path ignores the directory that it is relative to.
  if (place === null) return requireEntry(statusAt(currentDir, path), path);
  if (place.below === "") return requireEntry(statusAt(place.top, ""), path);
  const fd = openNoFollow(path, O_PATH);
  try {
    return requireEntry(statusAt(fd, ""), path);
  } finally {
    fs.closeSync(fd);
  }
}

function requireEntry(status: Status | null, path: string): Status {
  if (status !== null) return status;
  fs.lstatSync(path);
  throw new Error(`the status of ${path} cannot be read`);
}

/** Implements {@link Trees.adopt}. Changes the owner of a directory before it reads its entries. */
function adopt(top: string, owner: Pick<Attributes, "uid" | "gid">): void {
  const dirs = [top];
  for (let dir = dirs.pop(); dir !== undefined; dir = dirs.pop()) {
    const fd = openNoFollow(dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      const status = requireEntry(statusAt(fd, ""), dir);
      if (status.isMount && dir !== top) continue;
      adoptOne(`${openName(fd)}/.`, entryOf("", status), owner);
      const within = new Open("", blockOf(openName(fd)));
      while (within.name !== undefined) {
        const entry = within.take();
        if (entry.type === "directory") dirs.push(`${dir}/${entry.path}`);
        else adoptOne(`${openName(fd)}/${entry.path}`, entry, owner);
      }
    } finally {
      fs.closeSync(fd);
    }
  }
}

function adoptOne(path: string, entry: TreeEntry, { uid, gid }: Pick<Attributes, "uid" | "gid">): void {
  const mode = entry.type === "link" ? entry.mode : entry.mode & ~unwanted;
  if (entry.uid === uid && entry.mode === mode) return;
  if (entry.type === "file" && entry.names > 1) {
    // Its other links may be outside of the tree.
    const fresh = path.replace(/[^/]*$/, `.${crypto.randomUUID()}`);
    files.copies(path, fresh, Float64Array.of(entry.size), {
      mode,
      uid,
      gid,
      modifiedSeconds: entry.modifiedMs / 1000,
    });
    fs.renameSync(fresh, path);
    return;
  }
  fs.lchownSync(path, uid, gid);
  if (entry.mode !== mode) fs.chmodSync(path, mode);
}

/** Returns the same methods, whose errors name the original paths instead of descriptors. */
function withNames(trees: Trees): Trees {
  const methods = Object.entries(trees).map(([key, method]: [string, (...given: never[]) => unknown]) => {
    const act = (...given: never[]): unknown => {
      try {
        const done = method(...given);
        // This changes the error before any other handler sees it. A new promise would resolve one turn later, so the
        // original one is returned.
        if (done instanceof Promise) done.catch(withTypedPaths);
        return done;
      } catch (error) {
        throw withTypedPaths(error);
      }
    };
    return [key, act];
  });
  return Object.fromEntries(methods);
}
