// Reads a bundle. Every byte is verified before it is returned, and memory does not grow with the size of the bundle.

import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import {
  chunkBytes,
  digestLine,
  digestPath,
  invalidBundle,
  type Manifest,
  type Member,
  manifestId,
  manifestPath,
  mostManifestBytes,
  mostSignatureBytes,
  parseManifest,
  signaturePath,
} from "./manifest.ts";
import { openParts } from "./parts.ts";
import { blockBytes, endBytes, paddingOf, tarHeader } from "./tar.ts";

export interface Bundle {
  /** The path that was given. */
  path: string;
  /** The SHA-256 in hex of the manifest, which identifies the bundle. */
  id: string;
  manifest: Manifest;
  manifestBytes: Uint8Array;
  /** In DER, or null if the bundle is not signed. It is not verified yet. */
  signature: Uint8Array | null;
  /** The size in bytes of the whole tar. */
  size: number;
  /**
   * Verifies every byte of the file. Throws a Problem that names the first wrong member. `step` is called after each
   * chunk with the number of verified bytes; an error that it throws ends the verification.
   */
  verify(step?: (bytes: number) => void | Promise<void>): Promise<void>;
  /** Yields the content of a member in verified pieces. Throws a Problem at the first wrong one, or without a member. */
  chunks(path: string): AsyncGenerator<Uint8Array>;
  /** Returns the whole content of a member. Throws as {@link chunks} does, and for more than {@link mostHeldBytes}. */
  bytes(path: string): Promise<Uint8Array>;
  close(): void;
}

/** The largest member that is held in memory. A list of packages or a bill of materials has some MB. */
const mostHeldBytes = 64 * 1024 * 1024;

/** A member with the position of its header in the tar. */
interface Place {
  member: Member;
  offset: number;
}

/** Opens a bundle and reads its manifest. Throws a Problem if there is none, or if it is invalid. */
export function openBundle(reader: HostReader, path: string): Bundle {
  const file = openParts(reader, path);
  try {
    return bundleIn(path, file);
  } catch (error) {
    file.close();
    throw error;
  }
}

function bundleIn(path: string, file: ReturnType<typeof openParts>): Bundle {
  const head = file.read(0, blockBytes);
  const size = Number.parseInt(octalField(head, 124, 11), 8);
  const seconds = Number.parseInt(octalField(head, 136, 11), 8);
  if (!isHeader(head, manifestPath, size, seconds)) throw new Problem("invalid-bundle", `${path} is not a bundle`);
  if (size > mostManifestBytes) throw invalidBundle(`has a manifest of more than ${mostManifestBytes} bytes`);
  const manifestBytes = file.read(blockBytes, size);
  if (manifestBytes.length < size) throw cutOff();
  const manifest = parseManifest(manifestBytes);
  if (manifest.serial !== seconds) throw invalidBundle("has a time in its header that is not its serial");
  const digest = digestLine(manifestBytes);
  const digestAt = blockBytes + size + paddingOf(size);
  const expected = Buffer.concat([tarHeader(digestPath, digest.length, seconds), digest]);
  if (Buffer.compare(file.read(digestAt, expected.length), expected) !== 0) throw damaged(manifestPath);
  const { signature, offset } = signatureAt(digestAt + expected.length + paddingOf(digest.length));

  const places = new Map<string, Place>();
  let end = offset;
  for (const member of manifest.members) {
    places.set(member.path, { member, offset: end });
    end += blockBytes + member.size + paddingOf(member.size);
  }
  const total = end + endBytes;

  return {
    path,
    id: manifestId(manifestBytes),
    manifest,
    manifestBytes,
    signature,
    size: total,
    async verify(step) {
      expectZeros(blockBytes + size, paddingOf(size), manifestPath);
      expectZeros(digestAt + expected.length, paddingOf(digest.length), digestPath);
      await step?.(offset);
      const buffer = Buffer.allocUnsafe(chunkBytes);
      for (const { member, offset: at } of places.values()) {
        for (const [done] of pieces({ member, offset: at }, buffer)) await step?.(done);
      }
      expectZeros(end, endBytes, "its end");
      if (file.size > total) throw invalidBundle("has data after its end");
      await step?.(total);
    },
    async *chunks(wanted) {
      const place = places.get(wanted);
      if (place === undefined) throw invalidBundle(`does not contain ${wanted}`);
      for (const [, piece] of pieces(place)) yield piece;
    },
    async bytes(wanted) {
      const place = places.get(wanted);
      if (place === undefined) throw invalidBundle(`does not contain ${wanted}`);
      if (place.member.size > mostHeldBytes) throw invalidBundle(`has ${wanted} with more than ${mostHeldBytes} bytes`);
      return Buffer.concat([...pieces(place)].map(([, piece]) => piece));
    },
    close: () => file.close(),
  };

  /**
   * Yields each verified piece of a member, with the position of its end. Verifies the header and the padding too. With
   * a buffer, the next piece replaces the last one.
   */
  function* pieces({ member, offset }: Place, buffer?: Uint8Array): Generator<[end: number, piece: Uint8Array]> {
    const { path, size, chunks } = member;
    const head = file.read(offset, blockBytes);
    if (head.length < blockBytes) throw cutOff();
    if (!isHeader(head, path, size, manifest.serial)) throw damaged(path);
    let at = offset + blockBytes;
    const contentEnd = at + size;
    for (const digest of chunks) {
      const length = Math.min(chunkBytes, contentEnd - at);
      const piece = file.read(at, length, buffer);
      if (piece.length < length) throw cutOff();
      if (new Bun.CryptoHasher("sha256").update(piece).digest("hex") !== digest) throw damaged(path);
      at += length;
      yield [at, piece];
    }
    expectZeros(contentEnd, paddingOf(size), path);
  }

  function signatureAt(offset: number): { signature: Uint8Array | null; offset: number } {
    const head = file.read(offset, blockBytes);
    const size = Number.parseInt(octalField(head, 124, 11), 8);
    if (!(size <= mostSignatureBytes) || !isHeader(head, signaturePath, size, manifest.serial)) {
      return { signature: null, offset };
    }
    const signature = file.read(offset + blockBytes, size);
    expectZeros(offset + blockBytes + size, paddingOf(size), signaturePath);
    return { signature, offset: offset + blockBytes + size + paddingOf(size) };
  }

  function expectZeros(offset: number, length: number, where: string): void {
    const bytes = file.read(offset, length);
    if (bytes.length < length) throw cutOff();
    if (bytes.some((byte) => byte !== 0)) throw damaged(where);
  }
}

/** Returns the text of a number field, or "" if it has anything but digits. */
function octalField(block: Uint8Array, at: number, digits: number): string {
  const text = Buffer.from(block.subarray(at, at + digits)).toString("latin1");
  return /^[0-7]+$/.test(text) ? text : "";
}

function isHeader(block: Uint8Array, path: string, size: number, seconds: number): boolean {
  if (Number.isNaN(size) || Number.isNaN(seconds)) return false;
  return Buffer.compare(tarHeader(path, size, seconds), block) === 0;
}

function cutOff() {
  return invalidBundle("is incomplete: it ends too early");
}

function damaged(where: string) {
  return invalidBundle(`is damaged: ${where} differs from its digest`);
}
