// Files that may exceed the memory, in pieces.

import type { Attributes, Host, HostReader, LargeFile } from "./host.ts";

const digestPieceBytes = 1024 * 1024;

/**
 * Yields the content of an open file in pieces of this many bytes; the last one may be shorter. All are in the same
 * memory: the next piece replaces the one before.
 */
export function* piecesOf(file: LargeFile, pieceBytes: number): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, file.size));
  for (let at = 0; at < file.size; at += pieceBytes) yield file.read(at, Math.min(pieceBytes, file.size - at), buffer);
}

/** Returns the SHA-256 of a regular file in hex, or null if there is none. */
export function digestOf(reader: HostReader, path: string): string | null {
  const file = reader.openFile(path);
  if (file === null) return null;
  try {
    const hasher = new Bun.CryptoHasher("sha256");
    for (const piece of piecesOf(file, digestPieceBytes)) hasher.update(piece);
    return hasher.digest("hex");
  } finally {
    file.close();
  }
}

/**
 * Writes a file from pieces, and gives it its name when all of them are written. An error of the pieces is thrown, and
 * leaves no file.
 */
export async function writePieces(
  host: Host,
  path: string,
  attributes: Pick<Attributes, "mode"> & Partial<Attributes>,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const file = host.createFile(path, attributes);
  try {
    for await (const piece of pieces) file.write(piece);
    file.commit();
  } finally {
    file.abort();
  }
}
