// Writes a bundle. The same manifest and members give the same bytes.

import type { Host, HostReader, LargeFile, NewFile } from "../host/host.ts";
import { piecesOf } from "../host/large-file.ts";
import { Problem } from "../problem/problem.ts";
import {
  chunkBytes,
  digestLine,
  digestPath,
  type Manifest,
  type Member,
  manifestBytes,
  manifestPath,
  mostManifestBytes,
  signaturePath,
} from "./manifest.ts";
import { partPath } from "./parts.ts";
import { blockBytes, endBytes, paddingOf, tarHeader } from "./tar.ts";

/** The content of a member: bytes, or the path of a file. */
export type Content = Uint8Array | string;

/** Pauses between two pieces, so that a signal can end the work. */
type Pause = () => void | Promise<void>;

/** Returns the member with the digests of this content. Throws an Error if the file does not exist. */
export async function memberOf(reader: HostReader, path: string, content: Content, pause?: Pause): Promise<Member> {
  const file = opened(reader, content);
  try {
    const chunks: string[] = [];
    for (const piece of piecesOf(file, chunkBytes)) {
      chunks.push(new Bun.CryptoHasher("sha256").update(piece).digest("hex"));
      await pause?.();
    }
    return { path, size: file.size, chunks };
  } finally {
    file.close();
  }
}

interface Written {
  manifest: Manifest;
  /** The contents of `manifest.members`, by path. */
  contents: ReadonlyMap<string, Content>;
  /** Returns the signature of the manifest in DER. Without it, the bundle is not signed. */
  sign?: ((manifest: Uint8Array) => Promise<Uint8Array>) | undefined;
  path: string;
  mode: number;
  /** The largest size of a file, in bytes: a larger bundle is cut into parts. */
  partBytes?: number | undefined;
  pause?: Pause | undefined;
}

/**
 * Writes the bundle, and returns the paths of its parts. A file appears under its name only when it is complete. Throws
 * an Error if a content has changed since its member was made, and a Problem if there are more files than a reader takes.
 */
export async function writeBundle(host: Host, written: Written): Promise<string[]> {
  const { manifest, contents, path, mode, partBytes = Number.POSITIVE_INFINITY, pause } = written;
  const head = manifestBytes(manifest);
  if (head.length > mostManifestBytes) {
    throw new Problem("limit-exceeded", `the list of the bundle's files exceeds ${mostManifestBytes} bytes`);
  }
  const signature = (await written.sign?.(head)) ?? null;
  const digest = digestLine(head);
  const own = [head.length, digest.length, ...(signature ? [signature.length] : [])];
  const sizes = [...own, ...manifest.members.map(({ size }) => size)];
  const total = sizes.reduce((sum, size) => sum + blockBytes + size + paddingOf(size), endBytes);
  const count = Math.ceil(total / partBytes);
  const paths = count <= 1 ? [path] : Array.from({ length: count }, (_, index) => partPath(path, index, count));
  const files: NewFile[] = [];
  let room = 0;
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; ) {
      if (room === 0) {
        files.push(host.createFile(paths[files.length] ?? path, { mode }));
        room = partBytes;
      }
      const piece = bytes.subarray(done, Math.min(bytes.length, done + room));
      files.at(-1)?.write(piece);
      done += piece.length;
      room -= piece.length;
    }
  };
  const writeMember = (name: string, bytes: Uint8Array): void => {
    write(tarHeader(name, bytes.length, manifest.serial));
    write(bytes);
    write(Buffer.alloc(paddingOf(bytes.length)));
  };
  try {
    writeMember(manifestPath, head);
    writeMember(digestPath, digest);
    if (signature !== null) writeMember(signaturePath, signature);
    for (const member of manifest.members) {
      write(tarHeader(member.path, member.size, manifest.serial));
      const file = opened(host, contents.get(member.path) ?? "");
      try {
        let index = 0;
        for (const piece of piecesOf(file, chunkBytes)) {
          const digest = new Bun.CryptoHasher("sha256").update(piece).digest("hex");
          if (digest !== member.chunks[index++]) throw new Error(`${member.path} was changed while it was read`);
          write(piece);
          await pause?.();
        }
      } finally {
        file.close();
      }
      write(Buffer.alloc(paddingOf(member.size)));
    }
    write(Buffer.alloc(endBytes));
    for (const file of files) file.commit();
    return paths;
  } finally {
    for (const file of files) file.abort();
  }
}

function opened(reader: HostReader, content: Content): LargeFile {
  if (typeof content !== "string") {
    return { size: content.length, read: (at, length) => content.subarray(at, at + length), close: () => undefined };
  }
  const file = reader.openFile(content);
  if (file === null) throw new Error(`${content} is no file`);
  return file;
}
