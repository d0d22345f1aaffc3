// Streaming decompression of gzip, zstd and deflate. The output of each piece is consumed before the next piece goes
// in.

import { finished } from "node:stream/promises";
import * as zlib from "node:zlib";

type Packing = "gzip" | "zstd" | "deflate";

const pieceBytes = 64 * 1024;
const make = {
  gzip: () => zlib.createGunzip({ chunkSize: pieceBytes }),
  zstd: () => zlib.createZstdDecompress({ chunkSize: pieceBytes }),
  deflate: () => zlib.createInflateRaw({ chunkSize: pieceBytes }),
};

/**
 * Passes decompressed pieces to `take`. An error that `take` throws stops the decompression; {@link push} and {@link
 * end} rethrow it.
 */
export class Decompression {
  private readonly stream: ReturnType<(typeof make)[Packing]>;
  private failure: Error | null = null;
  /** Resolves a pending write, because the callback of a failed write may never be called. */
  private wake = (): void => undefined;

  constructor(packing: Packing, take: (piece: Uint8Array) => void) {
    this.stream = make[packing]();
    this.stream.on("error", (error) => {
      this.failure ??= error;
      this.wake();
    });
    this.stream.on("data", (piece: Uint8Array) => {
      if (this.failure !== null) return;
      try {
        take(piece);
      } catch (error) {
        this.failure = error as Error;
        this.stream.destroy();
        this.wake();
      }
    });
  }

  async push(piece: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.wake = resolve;
    this.stream.write(piece, () => resolve());
    await promise;
    if (this.failure !== null) throw this.failure;
  }

  /** Ends the input. Throws if the data is truncated. */
  async end(): Promise<void> {
    const ended = finished(this.stream).catch((error: Error) => {
      this.failure ??= error;
    });
    this.stream.end();
    await ended;
    if (this.failure !== null) throw this.failure;
  }

  destroy(): void {
    this.stream.destroy();
  }
}
