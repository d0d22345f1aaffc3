// Unpacks the program of a bundle.

import type { Host } from "../host/host.ts";
import { writePieces } from "../host/large-file.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { type BundledRelease, bundledPath, demandBundled } from "./published.ts";

interface BundledProgram {
  bundle: BundledRelease;
  /** The compressed program. */
  asset: string;
  /** Its SHA-256 checksum in hexadecimal digits, from the signed checksums. */
  expected: string | undefined;
  /** The path of the unpacked program. */
  fresh: string;
  /** The largest size of the unpacked program, in bytes. */
  mostBytes: number;
  stop: Stop;
}

/**
 * Unpacks the program. Nothing is decompressed before the whole asset has the signed checksum. Throws a Problem if it
 * has not.
 */
export async function unpackBundled(
  host: Host,
  { bundle, asset, expected, fresh, mostBytes, stop }: BundledProgram,
): Promise<void> {
  demandBundled(bundle, asset);
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const piece of bundle.chunks(bundledPath(asset))) hasher.update(piece);
  const found = hasher.digest("hex");
  if (found !== expected) {
    const message = `${asset} in ${bundle.path} does not have the signed checksum: expected ${expected}, got ${found}`;
    throw new Problem("checksum-mismatch", message);
  }
  await writePieces(host, fresh, { mode: 0o755 }, unpacked());

  async function* unpacked(): AsyncGenerator<Uint8Array> {
    const packed = streamOf(bundle.chunks(bundledPath(asset)));
    let left = mostBytes;
    for await (const piece of packed.pipeThrough(new DecompressionStream("gzip"))) {
      throwIfInterrupted(stop);
      left -= piece.length;
      if (left < 0)
        throw new Problem("limit-exceeded", `${asset} in ${bundle.path} unpacks to more than ${mostBytes} bytes`);
      yield piece;
    }
  }
}

function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
  });
}
