// The implementation of {@link Host} for this machine.

import * as fs from "node:fs";
import type { Attributes, Holder, Host, HttpResponse, RequestOptions, Space } from "./host.ts";
import { UnknownStateError } from "./host.ts";
import { start } from "./local-child.ts";
import { createFile, openFile } from "./local-large.ts";
import { mapFile } from "./local-libc.ts";
import { lockFile, lockHolders } from "./local-lock.ts";
import { nullIfMissing, removeFile, temporaryFor, withPath } from "./local-naming.ts";
import { inParent, readOwn, syncParent } from "./local-parent.ts";
import { readHead, readTail, readWhole } from "./local-read.ts";
import { atSignal, catchSignals } from "./local-signal.ts";
import { statOf } from "./local-stat.ts";

/** A probe that takes longer than this is not worth waiting for. */
const probeLimitMs = 10_000;

/** Returns the host that this process runs on. `root` places every path below another directory, for tests. */
export function localHost(root = ""): Host {
  // An inherited umask must not apply: files that apt writes have to be readable by its own user.
  process.umask(0o022);
  const at = (path: string): string => root + path;
  return {
    uid: process.geteuid?.() ?? 0,
    now: () => Date.now(),
    async sleep(ms) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      const forget = atSignal(resolve);
      await promise;
      clearTimeout(timer);
      forget();
    },

    stat: (path) => lookUp(path, () => statOf(fs.lstatSync(at(path)))),
    statTarget: (path) => lookUp(path, () => statOf(fs.statSync(at(path)))),
    readOwn: (path) => lookUp(path, () => readOwn(root, path)),
    read: (path) => lookUp(path, () => readWhole(at(path))),
    head: (path, bytes) => lookUp(path, () => readHead(at(path), bytes)),
    tail: (path, bytes) => lookUp(path, () => readTail(at(path), bytes)),
    map: (path) => lookUp(path, () => mapFile(at(path))),
    openFile: (path) => lookUp(path, () => openFile(at(path))),
    readLink: (path) => lookUp(path, () => linkTarget(at(path))),
    list: (path) => lookUp(path, () => fs.readdirSync(at(path)).sort()),
    space: (path) => lookUp(path, () => spaceOf(at(path))),
    lockHolders: (path) => lookUp(path, () => lockHolders(at(path))) ?? [],
    probe: (argv, options) => start(argv, { limitMs: probeLimitMs, ...options }),
    get: (url, options) => withTypedPath("GET", url, options),
    resolve: (name, { limitMs }) => import("./local-dns.ts").then(({ resolveName }) => resolveName(name, limitMs)),

    writeFile: (path, bytes, attributes) =>
      inParent(root, path, (name) => {
        const temporary = temporaryFor(name);
        const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
        try {
          removeFile(temporary);
          const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
          try {
            for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
            fs.fchownSync(fd, attributes.uid, attributes.gid);
            fs.fchmodSync(fd, attributes.mode);
            fs.fsyncSync(fd);
          } finally {
            fs.closeSync(fd);
          }
          fs.renameSync(temporary, name);
        } catch (error) {
          try {
            removeFile(temporary);
          } catch {
            // The first error is the cause.
          }
          // An error must name the file itself, not the temporary file.
          if (error instanceof Error) error.message = error.message.replaceAll(temporary, name);
          throw error;
        }
        syncParent(name);
      }),

    createFile: (path, attributes) => createFile(root, path, attributes),

    append: (path, text, mode, synced) =>
      withPath(path, () => {
        const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = fs.constants;
        const fd = fs.openSync(at(path), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, mode);
        try {
          // A disk that fills up takes only a part of the text at first, without an error.
          const bytes = Buffer.from(text);
          for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
          if (synced) fs.fsyncSync(fd);
        } finally {
          fs.closeSync(fd);
        }
      }),

    makeDirectory: (path, attributes) =>
      inParent(root, path, (name) => {
        fs.mkdirSync(name, { mode: 0o700 });
        setAttributes(name, attributes);
        syncParent(name);
      }),

    setAttributes: (path, attributes) => inParent(root, path, (name) => setAttributes(name, attributes)),

    makeLink: (path, target) =>
      inParent(root, path, (name) => {
        const temporary = temporaryFor(name);
        removeFile(temporary);
        fs.symlinkSync(target, temporary);
        fs.renameSync(temporary, name);
        syncParent(name);
      }),

    remove: (path) =>
      inParent(root, path, (name) => {
        if (fs.lstatSync(name).isDirectory()) fs.rmdirSync(name);
        else fs.unlinkSync(name);
        syncParent(name);
      }),

    removeTemporary: (path) => void nullIfMissing(() => inParent(root, path, (name) => removeFile(temporaryFor(name)))),

    lock(path): { release(): void } | Holder {
      const fd = lockFile(at(path));
      if (fd !== null) return { release: () => fs.closeSync(fd) };
      return lockHolders(at(path))[0] ?? { pid: 0, command: "another process", sinceMs: Date.now() };
    },

    run: start,
    send: withTypedPath,
    download: (url, path, options) =>
      import("./local-download.ts").then(({ download }) => download(url, at(path), options)),
    catchSignals: catchSignals,
  };
}

/** Imports the client on demand, because few commands send requests. */
async function withTypedPath(method: string, url: string, options: RequestOptions = {}): Promise<HttpResponse> {
  const { request } = await import("./local-fetch.ts");
  return request(method, url, options);
}

/** The path does not exist, has another type than expected, or is a circle of links. */
const absentCodes = ["ENOENT", "ENOTDIR", "EISDIR", "ENXIO", "ELOOP", "ESRCH"];

/**
 * Returns null if the path does not exist, and throws {@link UnknownStateError} if it may not be read. Any other error
 * is a fault that the user must see.
 */
function lookUp<T>(path: string, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (absentCodes.includes(code ?? "")) return null;
    if (code === "EACCES" || code === "EPERM") throw new UnknownStateError(`${path} may only be read by root`);
    throw error;
  }
}

function linkTarget(path: string): string | null {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EINVAL") return null;
    throw error;
  }
}

function spaceOf(path: string): Space {
  const { bsize, blocks, bavail, files, ffree } = fs.statfsSync(path);
  return { bytesFree: bavail * bsize, bytes: blocks * bsize, inodes: files, inodesFree: ffree };
}

/**
 * Sets the mode and owner of a directory, and never follows a link that replaces it at the same time. Sets the owner
 * first, because chown clears set-ID bits.
 */
function setAttributes(path: string, { mode, uid, gid }: Attributes): void {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    fs.fchownSync(fd, uid, gid);
    fs.fchmodSync(fd, mode);
  } finally {
    fs.closeSync(fd);
  }
}
