// Compresses files beside themselves, so that nginx sends the compressed bytes without computing them again.

import * as fs from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";
import type { Attributes } from "./host.ts";
import { openNoFollow } from "./local-beneath.ts";
import { withPath } from "./local-naming.ts";
import type { Encoding } from "./trees.ts";

/**
 * The levels are measured with pages of 30 kB. libdeflate 6 takes 2.3 times as long as level 1 for a tenth fewer bytes,
 * and level 9 more than three times as long again for one percent. Brotli 5 takes twice as long as libdeflate 6 for a
 * tenth fewer bytes; below it there is no gain, and 11 takes 26 times as long.
 */
const encoders: Record<Encoding, (bytes: Buffer<ArrayBuffer>) => Uint8Array> = {
  ".gz": (bytes) => Bun.gzipSync(bytes, { level: 6, library: "libdeflate" }),
  ".br": (bytes) =>
    brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
};

/** Implements {@link Trees.compress}. Targets of one file follow each other. */
export function compress(targets: readonly string[], attributes: Attributes): void {
  let last: Content = { path: "", bytes: Buffer.alloc(0), seconds: 0 };
  for (const target of targets) {
    const ending = target.endsWith(".br") ? ".br" : ".gz";
    const path = target.slice(0, -ending.length);
    if (path !== last.path) last = withPath(path, () => contentOf(path));
    const encoded = encoders[ending](last.bytes);
    // All encodings of a file have its time. nginx makes the ETag of time and size, so their sizes have to differ.
    const other = ending === ".gz" ? undefined : fs.lstatSync(`${path}.gz`, { throwIfNoEntry: false });
    if (encoded.length < Math.min(last.bytes.length, other?.size ?? last.bytes.length))
      withPath(target, () => write(target, encoded, attributes, last.seconds));
  }
}

interface Content {
  path: string;
  bytes: Buffer<ArrayBuffer>;
  /** The modification time in whole Unix seconds, as nginx sends it. */
  seconds: number;
}

function contentOf(path: string): Content {
  const fd = openNoFollow(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const seconds = Math.floor(fs.fstatSync(fd).mtimeMs / 1000);
    return { path, bytes: fs.readFileSync(fd), seconds };
  } finally {
    fs.closeSync(fd);
  }
}

function write(path: string, bytes: Uint8Array, { mode, uid, gid }: Attributes, seconds: number): void {
  const fd = fs.openSync(path, "wx", 0o600);
  try {
    for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
    fs.fchownSync(fd, uid, gid);
    fs.fchmodSync(fd, mode);
    fs.futimesSync(fd, seconds, seconds);
  } finally {
    fs.closeSync(fd);
  }
}
