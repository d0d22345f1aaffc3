// Reads files into memory, up to a size limit.

import * as fs from "node:fs";
import { withPath } from "./local-naming.ts";

/**
 * No file that is read as a whole comes near this: the largest is the record of a deploy, 40 bytes for each file of a
 * site.
 */
const mostBytes = 256 * 1024 * 1024;

/** Initial buffer size for files that report no size: pipes, devices, and the virtual files in /proc. */
const firstPiece = 64 * 1024;

/** Returns the content of a file. Throws an Error that names the file if it is larger than 256 MiB or never ends. */
export function readWhole(path: string): Uint8Array {
  return openForReading(path, (fd) => readOpened(fd, path));
}

/** Returns the content of an open file. Throws the same Error. */
export function readOpened(fd: number, path: string): Uint8Array {
  const { size } = fs.fstatSync(fd);
  const bytes = size > mostBytes ? null : beginning(fd, size || firstPiece, mostBytes + 1);
  if (bytes !== null && bytes.length <= mostBytes) return bytes;
  throw new Error(`${path} is larger than ${mostBytes / 1024 / 1024} MiB`);
}

/** Returns at most `most` bytes from the start of a file. */
export function readHead(path: string, most: number): Uint8Array {
  return openForReading(path, (fd) => beginning(fd, most, most));
}

/** Returns at most `most` bytes from the end of a file. */
export function readTail(path: string, most: number): Uint8Array {
  return openForReading(path, (fd) => {
    const tail = new Uint8Array(most);
    return tail.subarray(0, fs.readSync(fd, tail, 0, most, Math.max(0, fs.fstatSync(fd).size - most)));
  });
}

/** The pipes that a shell passes, as in <(…), have a writer. */
const passedPipe = /^\/(?:dev\/fd\/|dev\/stdin$|proc\/)/;

/** An open of a named pipe waits for a writer, which may never come: it fails as that of a socket does. */
function openForReading<T>(path: string, read: (fd: number) => T): T {
  if (fs.statSync(path).isFIFO() && !passedPipe.test(path)) {
    throw Object.assign(new Error(`ENXIO: no such device or address, open '${path}'`), { code: "ENXIO" });
  }
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    return withPath(path, () => read(fd));
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Returns up to `most` bytes from the current position. The buffer has room for `expected` bytes and one more, to
 * detect the end.
 */
function beginning(fd: number, expected: number, most: number): Uint8Array {
  let bytes = new Uint8Array(Math.min(expected + 1, most));
  let done = 0;
  for (;;) {
    const count = fs.readSync(fd, bytes, done, bytes.length - done, null);
    done += count;
    if (count === 0 || done === most) return bytes.subarray(0, done);
    if (done < bytes.length) continue;
    const larger = new Uint8Array(Math.min(bytes.length * 2, most));
    larger.set(bytes);
    bytes = larger;
  }
}
