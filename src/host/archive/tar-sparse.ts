// Sparse files in a tar: the old GNU form, and GNU.sparse 0.0, 0.1 and 1.0 in pax headers, as libarchive also writes
// them.

import { RejectedArchive } from "../trees.ts";
import type { EntrySink } from "./archive-entry.ts";
import { type PaxRecord, paxNumber } from "./pax.ts";
import { blockBytes, octal } from "./tar-header.ts";

/** Offset and size of data in the file. All other bytes are zeros. */
type Segment = [offset: number, bytes: number];

export interface Sparse {
  realSize: number;
  /** null if the map is at the beginning of the content (1.0). */
  segments: Segment[] | null;
}

/** Receives the content of an entry, piece by piece. */
export interface Body {
  write(piece: Uint8Array): void;
  end(): void;
}

const segmentBytes = 24;
/** Room for about 10,000 holes. */
const longestMap = 256 * 1024;
const newline = 0x0a;

/** Returns the sparse file that pax records describe, or null if they describe none. */
export function paxSparse(records: readonly PaxRecord[]): Sparse | null {
  const values = new Map(records.filter(([key]) => key.startsWith("GNU.sparse.")));
  if (values.size === 0) return null;
  const number = (key: string): number => paxNumber(values.get(`GNU.sparse.${key}`) ?? "");
  const major = values.has("GNU.sparse.major") ? number("major") : 0;
  if (major === 1 && number("minor") === 0) return { realSize: number("realsize"), segments: null };
  if (major !== 0) throw new RejectedArchive(`it has a sparse file of an unknown form (GNU.sparse.${major})`);
  let numbers: number[] = [];
  for (const [key, value] of records) {
    if (key === "GNU.sparse.map") numbers = Buffer.from(value).toString("latin1").split(",").map(paxNumber);
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") numbers.push(paxNumber(value));
  }
  return { realSize: number("size"), segments: pairs(numbers) };
}

function pairs(numbers: readonly number[]): Segment[] {
  if (numbers.length % 2 !== 0) throw malformedMap();
  return numbers.flatMap((offset, at) => (at % 2 === 0 ? [[offset, numbers[at + 1] as number] as Segment] : []));
}

/** The map of the old GNU form, which may continue in extra blocks after the header. */
export class OldMap {
  readonly realSize: number;
  readonly segments: Segment[] = [];
  /** Whether the next block belongs to the map. */
  more: boolean;

  constructor(header: Uint8Array) {
    this.realSize = octal(header, 483, 12);
    this.add(header, 386, 4);
    this.more = header[482] !== 0;
  }

  take(block: Uint8Array): void {
    this.add(block, 0, 21);
    this.more = block[504] !== 0;
    if (this.segments.length * segmentBytes > longestMap) throw tooLong();
  }

  private add(block: Uint8Array, from: number, most: number): void {
    for (let at = from; at < from + most * segmentBytes && block[at + 12] !== 0; at += segmentBytes) {
      this.segments.push([octal(block, at, 12), octal(block, at + 12, 12)]);
    }
  }
}

/** Writes the data of a sparse entry at its offsets. `stored`: size of the entry in the archive in bytes. */
export class SparseBody implements Body {
  private segments: readonly Segment[] | null = null;
  private map: Buffer | null = null;
  private mapped = 0;
  private segment = 0;
  /** The positions in the file and in the current segment. */
  private position = 0;
  private done = 0;

  constructor(
    private readonly sink: EntrySink,
    private readonly sparse: Sparse,
    private readonly stored: number,
  ) {
    if (sparse.segments) this.begin(sparse.segments, stored);
  }

  write(piece: Uint8Array): void {
    for (let at = this.readMap(piece); this.segments !== null && at < piece.length; ) {
      const [offset, bytes] = this.segments[this.segment] ?? [0, Number.POSITIVE_INFINITY];
      if (this.done === 0) this.moveTo(offset);
      const part = piece.subarray(at, at + bytes - this.done);
      this.sink.write(part);
      this.position += part.length;
      this.done += part.length;
      at += part.length;
      if (this.done === bytes) this.next();
    }
  }

  end(): void {
    if (this.segments === null) throw malformedMap();
    this.moveTo(this.sparse.realSize);
  }

  private begin(segments: readonly Segment[], data: number): void {
    let [end, sum] = [0, 0];
    for (const [offset, bytes] of segments) {
      if (!(offset >= end && bytes >= 0)) throw malformedMap();
      end = offset + bytes;
      sum += bytes;
    }
    if (!(end <= this.sparse.realSize && sum === data)) throw malformedMap();
    this.segments = segments.filter(([, bytes]) => bytes > 0);
  }

  /** Consumes whole blocks of the map from the beginning of a piece. Returns the number of bytes consumed. */
  private readMap(piece: Uint8Array): number {
    this.map ??= this.segments === null ? Buffer.alloc(longestMap) : null;
    let at = 0;
    while (this.segments === null && this.map !== null && at < piece.length) {
      if (this.mapped === longestMap) throw tooLong();
      const part = piece.subarray(at, at + blockBytes - (this.mapped % blockBytes));
      this.map.set(part, this.mapped);
      this.mapped += part.length;
      at += part.length;
      if (this.mapped % blockBytes !== 0) continue;
      const segments = mapIn(this.map.subarray(0, this.mapped));
      if (segments !== null) this.begin(segments, this.stored - this.mapped);
    }
    return at;
  }

  private next(): void {
    this.segment += 1;
    this.done = 0;
  }

  private moveTo(offset: number): void {
    if (offset > this.position) this.sink.skip(offset - this.position);
    this.position = Math.max(this.position, offset);
  }
}

/**
 * Parses the map of form 1.0: a line with a count, then a line each for every offset and size. Returns null if it is
 * incomplete.
 */
function mapIn(bytes: Buffer): Segment[] | null {
  const numbers: number[] = [];
  let needed = 1;
  for (let from = 0; numbers.length < needed; ) {
    const end = bytes.indexOf(newline, from);
    if (end < 0) return null;
    numbers.push(paxNumber(bytes.subarray(from, end)));
    if (numbers.length === 1) needed = 1 + 2 * (numbers[0] as number);
    from = end + 1;
  }
  return pairs(numbers.slice(1));
}

function malformedMap(): RejectedArchive {
  return new RejectedArchive("it is corrupt: the map of a sparse file is malformed");
}

function tooLong(): RejectedArchive {
  return new RejectedArchive(`limit reached: the map of a sparse file is longer than ${longestMap} bytes`);
}
