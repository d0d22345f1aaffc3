// Writes the tree of a site as a tar that depends on its files alone: names in order, no owners, modes 0644.

import type { Host } from "../../host/host.ts";
import { piecesOf } from "../../host/large-file.ts";
import type { OpenedEntry, TreeEntry, Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { chunkBytes } from "../manifest.ts";
import { blockBytes, endBytes, paddingOf, tarHeader } from "../tar.ts";

export interface SiteTree {
  name: string;
  /** The opened directory. */
  opened: OpenedEntry;
  /** Returns whether an entry is part of the site. Throws a Problem for one that must not be published. */
  includes(entry: TreeEntry): boolean;
}

export interface SiteTar {
  name: string;
  file: string;
  path: string;
  files: number;
  bytes: number;
  /** Unix seconds of the newest file. */
  seconds: number;
}

/** Writes the tar to `file`. `latest`: newer times count as this one, in Unix seconds. */
export async function writeSiteTar(
  host: Host,
  trees: Trees,
  { site, file, latest, pause }: { site: SiteTree; file: string; latest: number; pause: () => void },
): Promise<SiteTar> {
  const { name, opened } = site;
  const made: SiteTar = { name, file, path: `sites/${name}.tar`, files: 0, bytes: 0, seconds: 0 };
  const tar = host.createFile(file, { mode: 0o600 });
  try {
    for (const entry of entriesOf(trees, site)) {
      pause();
      const seconds = Math.min(Math.max(0, Math.floor(entry.modifiedMs / 1000)), latest);
      made.seconds = Math.max(made.seconds, seconds);
      made.files += 1;
      if (entry.type === "link") {
        for (const block of linkBlocks(entry.path, trees.linkTarget(`${opened.path}/${entry.path}`), seconds)) {
          tar.write(block);
        }
        continue;
      }
      const source = trees.openBelow(opened.path, entry.path);
      const content = source && host.openFile(source.path);
      if (source === null || content === null) throw changed(name, entry.path);
      try {
        for (const block of fileBlocks(entry.path, content.size, seconds)) tar.write(block);
        let written = 0;
        for (const piece of piecesOf(content, chunkBytes)) {
          tar.write(piece);
          written += piece.length;
          pause();
        }
        if (written < content.size) throw changed(name, entry.path);
        tar.write(Buffer.alloc(paddingOf(content.size)));
        made.bytes += content.size;
      } finally {
        content.close();
        source.close();
      }
    }
    tar.write(Buffer.alloc(endBytes));
    tar.commit();
    return made;
  } finally {
    tar.abort();
  }
}

/** Returns the files and links of the site, sorted by their bytes. */
function entriesOf(trees: Trees, { name, opened, includes }: SiteTree): TreeEntry[] {
  const omitted: string[] = [];
  const found: TreeEntry[] = [];
  for (const entry of trees.walk(opened.path)) {
    if (entry.path === "" || omitted.some((dir) => entry.path.startsWith(`${dir}/`))) continue;
    if (!includes(entry)) {
      omitted.push(entry.path);
    } else if (entry.type === "file" || entry.type === "link") found.push(entry);
    else if (entry.type === "other") {
      throw new Problem(
        "invalid-source",
        `the site ${name} has ${entry.path}, which is neither a file nor a directory`,
      );
    }
  }
  if (found.length === 0) throw new Problem("invalid-source", `the site ${name} has no files: ${opened.real}`);
  return found.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

function changed(site: string, path: string): Problem {
  return new Problem("concurrent-change", `${path} of the site ${site} changed while it was read`);
}

function fileBlocks(path: string, size: number, seconds: number): Buffer[] {
  return withName(path, (name) => tarHeader(name, size, seconds), []);
}

function linkBlocks(path: string, target: string, seconds: number): Buffer[] {
  const bytes = Buffer.from(target);
  const isLong = bytes.length > linkBytes;
  const header = (name: string): Buffer => {
    const block = tarHeader(name, 0, seconds);
    block.write("2", typeAt, "latin1");
    bytes.copy(block, linkAt, 0, linkBytes);
    return withChecksum(block);
  };
  return withName(path, header, isLong ? [["linkpath", target]] : []);
}

const [typeAt, linkAt, linkBytes, checksumAt] = [156, 157, 100, 148];

/** Returns the header, after an extended one (POSIX pax) for what it cannot hold. */
function withName(path: string, header: (name: string) => Buffer, records: [string, string][]): Buffer[] {
  // Each byte of UTF-8 is one character for the header.
  const name = Buffer.from(path).toString("latin1");
  try {
    const block = header(name);
    return records.length === 0 ? [block] : [...extended(records), block];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [...extended([["path", path], ...records]), header(name.slice(0, blockBytes / 8))];
  }
}

function extended(records: readonly [string, string][]): Buffer[] {
  const content = Buffer.concat(records.map(([key, value]) => record(key, value)));
  const block = tarHeader("PaxHeaders/name", content.length, 0);
  block.write("x", typeAt, "latin1");
  return [withChecksum(block), content, Buffer.alloc(paddingOf(content.length))];
}

/** A record begins with its own length in bytes. */
function record(key: string, value: string): Buffer {
  const body = Buffer.from(` ${key}=${value}\n`);
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function withChecksum(block: Buffer): Buffer {
  block.write("        ", checksumAt, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, checksumAt, "latin1");
  return block;
}
