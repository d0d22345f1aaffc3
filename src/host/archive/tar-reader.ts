// Streaming reader for the entries of a tar: v7, ustar, GNU and pax, with sparse files. Rejects anything that could be
// misread.

import { RejectedArchive, type UnpackLimits } from "../trees.ts";
import type { EntrySink } from "./archive-entry.ts";
import { quotedBytes, quotedName, utf8 } from "./entry-name.ts";
import { type PaxRecord, paxNumber, paxRecords } from "./pax.ts";
import { blockBytes, isZero, noArchive, type TarHeader, tarHeader, text } from "./tar-header.ts";
import { type Body, OldMap, paxSparse, type Sparse, SparseBody } from "./tar-sparse.ts";

/**
 * Names have at most 4,096 bytes, and the attributes of a file 64 KiB. The headers before one entry are far smaller
 * than this.
 */
const extendedBytes = 1024 * 1024;
/**
 * Maximum number of zeros after the end. Programs pad their last record, which has 10 KiB by default, or as much as a
 * tape requires.
 */
const paddingBytes = 16 * 1024 * 1024;
/** Number of zero blocks that end a tar. */
const endBlocks = 2;

const devices: Record<string, string> = {
  "3": "a character device",
  "4": "a block device",
  "6": "a named pipe (FIFO)",
};

/** The extended headers that apply to the next entry. */
class Extended {
  records: PaxRecord[] = [];
  longName: Uint8Array | null = null;
  longLink: Uint8Array | null = null;
  bytes = 0;
}

export class TarReader {
  private readonly block = Buffer.alloc(blockBytes);
  private filled = 0;
  /** The content that is currently read, and how many bytes of it are left. */
  private body: Body | null = null;
  private left = 0;
  private padding = 0;
  private offset = 0;
  private zeroBlocks = 0;
  private zeroBytes = 0;
  private headerBytes = 0;
  private extended = new Extended();
  private charset: Uint8Array | null = null;
  private map: { header: TarHeader; old: OldMap } | null = null;

  constructor(
    private readonly sink: EntrySink,
    private readonly limits: Pick<UnpackLimits, "headerBytes">,
  ) {}

  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const taken = this.take(piece.subarray(at));
      this.offset += taken;
      at += taken;
    }
  }

  /** Throws if the archive is incomplete: without its two end blocks it may have been cut off between two files. */
  finish(): void {
    if (this.offset > 0 && this.offset < blockBytes) throw new RejectedArchive(noArchive);
    if (this.zeroBlocks < endBlocks) throw new RejectedArchive("it is cut off: the end of the tar is missing");
  }

  /** Returns how many of the bytes were consumed. */
  private take(bytes: Uint8Array): number {
    if (this.body !== null) {
      const part = bytes.subarray(0, this.left);
      this.body.write(part);
      this.left -= part.length;
      if (this.left === 0) this.endBody();
      return part.length;
    }
    if (this.padding > 0) {
      const part = Math.min(bytes.length, this.padding);
      this.padding -= part;
      return part;
    }
    if (this.zeroBlocks >= endBlocks) return this.afterEnd(bytes);
    const start = this.offset - this.filled;
    const part = bytes.subarray(0, blockBytes - this.filled);
    this.block.set(part, this.filled);
    this.filled += part.length;
    if (this.filled === blockBytes) {
      this.filled = 0;
      this.takeBlock(this.block, start);
    }
    return part.length;
  }

  private afterEnd(bytes: Uint8Array): number {
    if (!isZero(bytes))
      throw new RejectedArchive("data follows the end of the tar: pack one archive, do not join several");
    this.zeroBytes += bytes.length;
    if (this.zeroBytes > paddingBytes) {
      throw new RejectedArchive(`limit reached: more than ${paddingBytes} bytes of zeros follow the end of the tar`);
    }
    return bytes.length;
  }

  private takeBlock(block: Buffer, start: number): void {
    if (this.map !== null) {
      this.map.old.take(block);
      if (!this.map.old.more) this.beginOldSparse(this.map.header, this.map.old);
      return;
    }
    const header = tarHeader(block, start);
    if (header === null) {
      this.zeroBlocks += 1;
      return;
    }
    if (this.zeroBlocks > 0)
      throw new RejectedArchive("data follows the end of the tar: pack one archive, do not join several");
    this.takeHeader(header, block);
  }

  private takeHeader(header: TarHeader, block: Buffer): void {
    const { type, size } = header;
    if ("xXgLK".includes(type)) this.collect(type, size);
    // The name of the whole volume, which is not a file.
    else if (type === "V") this.ignore(size);
    else if (type === "S") {
      const old = new OldMap(block);
      if (old.more) this.map = { header, old };
      else this.beginOldSparse(header, old);
    } else this.takeEntry(header, null);
  }

  private beginOldSparse(header: TarHeader, { realSize, segments }: OldMap): void {
    this.map = null;
    this.takeEntry({ ...header, type: "0" }, { realSize, segments });
  }

  /** Collects the content of an extended header for the next entry. */
  private collect(type: string, size: number): void {
    this.countHeader(size);
    const bytes = Buffer.alloc(size);
    let filled = 0;
    this.begin(size, {
      write: (piece) => {
        bytes.set(piece, filled);
        filled += piece.length;
      },
      end: () => this.extend(type, bytes),
    });
  }

  private ignore(size: number): void {
    this.countHeader(size);
    this.begin(size, nothing);
  }

  private countHeader(size: number): void {
    this.extended.bytes += blockBytes + size;
    this.headerBytes += blockBytes + size;
    if (this.extended.bytes > extendedBytes) {
      throw new RejectedArchive(
        `limit reached: more than ${extendedBytes} bytes of extended headers for one entry of the tar`,
      );
    }
    if (this.headerBytes > this.limits.headerBytes) {
      throw new RejectedArchive(
        `limit reached: more than ${this.limits.headerBytes} bytes of extended headers`,
        "headerBytes",
      );
    }
  }

  private extend(type: string, bytes: Buffer): void {
    if (type === "L") this.extended.longName = text(bytes, 0, bytes.length);
    else if (type === "K") this.extended.longLink = text(bytes, 0, bytes.length);
    else if (type === "g") {
      for (const [key, value] of paxRecords(bytes)) {
        if (key !== "hdrcharset") throw new RejectedArchive(`a global header of the tar sets ${key} for all entries`);
        this.charset = value;
      }
    } else this.extended.records = [...this.extended.records, ...paxRecords(bytes)];
  }

  private takeEntry(header: TarHeader, old: Sparse | null): void {
    const { records, longName, longLink } = this.extended;
    this.extended = new Extended();
    const pax = new Map(records.filter(([, value]) => value.length > 0));
    const charset = pax.get("hdrcharset") ?? this.charset;
    const sparseName = pax.get("GNU.sparse.name");
    const name = decodeName(sparseName ?? pax.get("path") ?? longName ?? header.name, charset);
    const foreign = ["SCHILY.realsize", "SUN.holesdata"].find((key) => pax.has(key));
    if (foreign)
      throw new RejectedArchive(
        `${quotedName(name)} is a sparse file of an unknown form (${foreign}): pack it without holes`,
      );
    const paxSize = pax.get("size");
    const size = paxSize === undefined ? header.size : paxNumber(paxSize);
    const { type } = header;
    const isMultiVolume = type === "M" || records.some(([key]) => key.startsWith("GNU.volume."));
    if (isMultiVolume)
      throw new RejectedArchive(`${quotedName(name)} continues from another volume: pack a single archive, without -M`);
    if (type === "0" || type === "7") {
      const isDirectory = name.endsWith("/");
      const sparse = old ?? paxSparse(records);
      if (!isDirectory) this.beginFile(name, header.mode, size, sparse);
      else this.withoutContent(name, size, "a directory", () => this.sink.directory(name));
    } else if (type === "5") this.withoutContent(name, size, "a directory", () => this.sink.directory(name));
    else if (type === "D") {
      // A directory of a GNU incremental backup is followed by a list of its content.
      this.sink.directory(name);
      this.ignore(size);
    } else if (type === "1" || type === "2") {
      const target = decodeName(pax.get("linkpath") ?? longLink ?? header.linkName, charset);
      if (type === "1") this.withoutContent(name, size, "a hard link", () => this.sink.copy(name, target));
      else this.withoutContent(name, size, "a symbolic link", () => this.sink.link(name, target));
    } else
      throw new RejectedArchive(`${quotedName(name)} is ${devices[type] ?? `of the unknown type ${quotedName(type)}`}`);
  }

  /** Rejects content, because programs disagree on whether it is present for such an entry. */
  private withoutContent(name: string, size: number, what: string, make: () => void): void {
    if (size > 0) throw new RejectedArchive(`${quotedName(name)} is ${what} with a size of ${size} bytes`);
    make();
  }

  private beginFile(name: string, mode: number, size: number, sparse: Sparse | null): void {
    this.sink.open(name, mode);
    const body = sparse === null ? null : new SparseBody(this.sink, sparse, size);
    this.begin(size, {
      write: (piece) => (body ?? this.sink).write(piece),
      end: () => {
        body?.end();
        this.sink.close();
      },
    });
  }

  private begin(size: number, body: Body): void {
    this.left = size;
    this.padding = (blockBytes - (size % blockBytes)) % blockBytes;
    this.body = body;
    if (size === 0) this.endBody();
  }

  private endBody(): void {
    const body = this.body;
    this.body = null;
    body?.end();
  }
}

const nothing: Body = { write: () => undefined, end: () => undefined };

/** Decodes a name. Throws if it is not UTF-8, because a tar does not declare any other encoding. */
function decodeName(bytes: Uint8Array, charset: Uint8Array | null): string {
  const set = charset === null ? "BINARY" : Buffer.from(charset).toString("latin1");
  if (set !== "BINARY" && !/utf-?8$/i.test(set))
    throw new RejectedArchive(`the names of the tar are in ${quotedName(set)}, not in UTF-8`);
  const name = utf8(bytes);
  if (name === null)
    throw new RejectedArchive(`the name ${quotedBytes(bytes)} is not UTF-8: rename the file and pack it again`);
  return name;
}
