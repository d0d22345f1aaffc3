// Trees of this machine.

import * as fs from "node:fs";
import { entryOf, Open } from "./listing.ts";
import { blockOf, bufferBytes, files, fill, missing, open } from "./local-files.ts";
import { exchangeNames, syncFileSystem } from "./local-libc.ts";
import { SecondThread } from "./local-thread.ts";
import type { Entry, Trees } from "./trees.ts";

/** What the kernel calls the open files of this process: a name that nobody else can change. */
const heldDir = "/proc/self/fd/";

/** To look at a directory and what is in it takes as long as to read so many files. */
const filesADir = 8;

/** `root` puts every path below another directory, for tests. */
export function localTrees(root = ""): Trees {
  const at = (path: string): string => (path.startsWith(heldDir) ? path : root + path);
  const one = Buffer.allocUnsafe(bufferBytes);
  const two = Buffer.allocUnsafe(bufferBytes);
  const thread = new SecondThread();

  function* walk(dir: string): Generator<Entry> {
    const top = entryOf("", fs.lstatSync(at(dir)));
    yield top;
    if (top.type === "directory") yield* below(at(dir), "");
  }

  function* below(top: string, dir: string): Generator<Entry> {
    const within = new Open(dir, blockOf(dir === "" ? top : `${top}/${dir}`));
    while (within.name !== undefined) {
      const found = within.take();
      yield found;
      if (found.type === "directory") yield* below(top, found.path);
    }
  }

  return {
    walk,

    blocks: (dir, paths) => {
      const dirs = paths.map((path) => (path === "" ? at(dir) : `${at(dir)}/${path}`)).join("\0");
      return thread.run("blocks", paths.length * filesADir, dirs);
    },

    entry: (path) => missing(() => entryOf("", fs.lstatSync(at(path)))),
    hold(dir) {
      const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
      const fd = fs.openSync(at(dir), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (fs.readlinkSync(`${heldDir}${fd}`) !== fs.realpathSync(root || "/").replace(/\/$/, "") + dir) {
        fs.closeSync(fd);
        throw new Error(`${dir} was changed while it was looked for`);
      }
      return { dir: `${heldDir}${fd}/.`, letGo: () => fs.closeSync(fd) };
    },
    real: (path) => missing(() => fs.realpathSync(at(path)).slice(root.length) || "/"),
    linkTarget: (path) => fs.readlinkSync(at(path)),

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

    copies: (all, made) => {
      const [from, to] = [all.map(([from]) => at(from)).join("\0"), all.map(([, to]) => at(to)).join("\0")];
      return thread.run(
        "copies",
        all.length,
        from,
        to,
        Float64Array.from(all, ([, , size]) => size),
        made,
      );
    },

    copy(from, to, made, size) {
      files.copies(at(from), at(to), Float64Array.of(size), made);
      if (fs.lstatSync(at(from)).size !== size) throw new Error(`${from} was changed while it was copied`);
    },

    makeDirectory(path, { mode, uid, gid }) {
      fs.mkdirSync(at(path), { mode: 0o700 });
      fs.lchownSync(at(path), uid, gid);
      fs.chmodSync(at(path), mode);
    },

    makeLink(path, target, { uid, gid, modifiedSeconds }) {
      fs.symlinkSync(target, at(path));
      fs.lchownSync(at(path), uid, gid);
      fs.lutimesSync(at(path), modifiedSeconds, modifiedSeconds);
    },

    share(from, to) {
      try {
        fs.linkSync(at(from), at(to));
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

    move: (from, to) => fs.renameSync(at(from), at(to)),
    exchange: (a, b) => exchangeNames(at(a), at(b)),
    sync: (path) => syncFileSystem(at(path)),
    remove: (path) => fs.rmSync(at(path), { recursive: true, force: true }),

    async unpack(from, into, made, limits) {
      const { unpack } = await import("./local-archive.ts");
      return unpack(from === "-" ? from : at(from), at(into), made, limits);
    },

    room(path) {
      const { bavail, bsize, files, ffree } = fs.statfsSync(at(path));
      return { bytes: bavail * bsize, inodes: files === 0 ? Number.POSITIVE_INFINITY : ffree, block: bsize };
    },
  };
}
