// The central directory of a zip, APPNOTE.TXT 4.3. It lists everything that is published and is compared with the local
// headers.

import { RejectedArchive, type UnpackLimits } from "../trees.ts";
import { type ExtraFields, extraFields } from "./zip-name.ts";

export interface ZipEntry {
  rawName: Buffer;
  extra: ExtraFields;
  flags: number;
  method: number;
  crc: number;
  /** Sizes in bytes: in the archive, and unpacked. */
  packed: number;
  size: number;
  /** Offset of its local header. */
  offset: number;
  /** The system that created the entry and defines the meaning of its attributes. */
  madeBy: number;
  attributes: number;
}

interface ZipDirectory {
  offset: number;
  bytes: number;
  count: number;
}

/** Reads exactly this many bytes at an offset, or throws. */
export type ReadAt = (offset: number, bytes: number) => Buffer;

const [endBytes, locatorBytes, end64Bytes, entryBytes, localBytes] = [22, 20, 56, 46, 30];
const [endMagic, locatorMagic, end64Magic, entryMagic] = [0x06054b50, 0x07064b50, 0x06064b50, 0x02014b50];
const longestComment = 0xffff;
/** Marks a field whose value is in the zip64 extra field. */
const in64 = 0xffffffff;
const zip64Field = 0x0001;
const windowBytes = 1024 * 1024;

/**
 * Finds the central directory. Throws {@link RejectedArchive} for a file without the end record of a zip, and for a part of a
 * split zip. Also throws it for a file that contains more than a zip.
 */
export function zipDirectory(
  read: ReadAt,
  fileBytes: number,
  limits: Pick<UnpackLimits, "headerBytes" | "entries">,
): ZipDirectory {
  const end = zipEnd(read, fileBytes);
  if (end === null) throw new RejectedArchive("it is cut off: the end of the zip is missing");
  const endAt = fileBytes - end.length;
  const found = zip64End(read, endAt) ?? {
    disks: end.readUInt16LE(4) | end.readUInt16LE(6),
    count: end.readUInt16LE(10),
    bytes: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
    at: endAt,
  };
  if (found.disks !== 0) throw new RejectedArchive("it is one part of a split zip: pack one archive");
  const { offset, bytes, count } = found;
  if (offset + bytes !== found.at) {
    throw new RejectedArchive(
      "something stands in front of the zip or in it: self-extracting archives are not supported",
    );
  }
  if (bytes > limits.headerBytes) {
    throw new RejectedArchive(
      `limit reached: the names of the zip have more than ${limits.headerBytes} bytes`,
      "headerBytes",
    );
  }
  if (count > limits.entries)
    throw new RejectedArchive(`limit reached: it has more than ${limits.entries} entries`, "entries");
  return { offset, bytes, count };
}

/** Returns the end record of a zip with its comment, or null if the file does not end with one. */
export function zipEnd(read: ReadAt, fileBytes: number): Buffer | null {
  const bytes = Math.min(fileBytes, endBytes + longestComment);
  const tail = read(fileBytes - bytes, bytes);
  for (let at = tail.length - endBytes; at >= 0; at--) {
    const isEnd = tail.readUInt32LE(at) === endMagic && at + endBytes + tail.readUInt16LE(at + 20) === tail.length;
    if (isEnd) return tail.subarray(at);
  }
  return null;
}

function zip64End(read: ReadAt, endAt: number) {
  if (endAt < locatorBytes) return null;
  const locator = read(endAt - locatorBytes, locatorBytes);
  if (locator.readUInt32LE(0) !== locatorMagic) return null;
  const at = integer(locator, 8);
  if (at > endAt - locatorBytes - end64Bytes) throw corruptArchive("its central directory is not where it should be");
  const end = read(at, end64Bytes);
  if (end.readUInt32LE(0) !== end64Magic) throw corruptArchive("its central directory is not where it should be");
  const disks = end.readUInt32LE(16) | end.readUInt32LE(20);
  return { disks, count: integer(end, 32), bytes: integer(end, 40), offset: integer(end, 48), at };
}

/** Yields every entry in turn, without holding the whole directory in memory. */
export function* zipEntries(read: ReadAt, { offset, bytes, count }: ZipDirectory): Generator<ZipEntry> {
  let window: Buffer = Buffer.alloc(0);
  let start = offset;
  const end = offset + bytes;
  const take = (from: number, length: number): Buffer => {
    if (from + length > end) throw corruptArchive("its central directory ends in an entry");
    if (from + length > start + window.length) {
      start = from;
      window = read(from, Math.min(end - from, Math.max(length, windowBytes)));
    }
    return window.subarray(from - start, from - start + length);
  };
  let at = offset;
  let seen = 0;
  for (; at < end; seen++) {
    if (seen === count)
      throw corruptArchive(`its central directory has more than the ${count} entries that it declares`);
    const head = take(at, entryBytes);
    if (head.readUInt32LE(0) !== entryMagic) throw corruptArchive("its central directory has an invalid entry");
    const [name, extra, comment] = [head.readUInt16LE(28), head.readUInt16LE(30), head.readUInt16LE(32)];
    const entry = {
      flags: head.readUInt16LE(8),
      method: head.readUInt16LE(10),
      crc: head.readUInt32LE(16),
      packed: head.readUInt32LE(20),
      size: head.readUInt32LE(24),
      offset: head.readUInt32LE(42),
      madeBy: head.readUInt8(5),
      attributes: head.readUInt32LE(38),
    };
    const rest = take(at + entryBytes, name + extra);
    const fields = extraFields(rest.subarray(name));
    yield widenFields({ ...entry, rawName: Buffer.from(rest.subarray(0, name)), extra: fields });
    at += entryBytes + name + extra + comment;
  }
  if (seen !== count) throw corruptArchive(`its central directory declares ${count} entries and has ${seen}`);
  if (at !== end) throw corruptArchive("its central directory ends in an entry");
}

function widenFields(entry: ZipEntry): ZipEntry {
  const field = entry.extra.get(zip64Field);
  let at = 0;
  for (const key of ["size", "packed", "offset"] as const) {
    if (entry[key] !== in64 || field === undefined) continue;
    if (at + 8 > field.length) throw corruptArchive("it has an invalid zip64 field");
    entry[key] = integer(field, at);
    at += 8;
  }
  return entry;
}

/**
 * Throws for entries that overlap, as those of a zip bomb do, or that lie in the directory. Returns the total size in
 * bytes that the entries declare. Each entry is limited to its declared size when it is unpacked.
 */
export function declaredBytes(read: ReadAt, directory: ZipDirectory): number {
  const ranges: [number, number][] = [];
  let bytes = 0;
  for (const { offset, packed, size, rawName } of zipEntries(read, directory)) {
    ranges.push([offset, offset + localBytes + rawName.length + packed]);
    bytes += size;
  }
  ranges.sort(([one], [other]) => one - other);
  let before = 0;
  for (const [from, to] of [...ranges, [directory.offset, directory.offset] as const]) {
    if (from < before) throw corruptArchive("its entries overlap");
    before = to;
  }
  return bytes;
}

/** Returns the offset of an entry's content. Throws if its local header has another name or compression method. */
export function contentOffset(read: ReadAt, { offset, rawName, method }: ZipEntry, shown: string): number {
  const head = read(offset, localBytes);
  if (head.readUInt32LE(0) !== 0x04034b50) throw corruptArchive(`${shown} has no local header`);
  const [name, extra] = [head.readUInt16LE(26), head.readUInt16LE(28)];
  const isSame = head.readUInt16LE(8) === method && read(offset + localBytes, name).equals(rawName);
  if (!isSame) throw corruptArchive(`${shown} has another name or compression in its local header`);
  return offset + localBytes + name + extra;
}

function integer(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
  if (!Number.isSafeInteger(value)) throw corruptArchive("it has an invalid zip64 field");
  return value;
}

/** Returns the error for a zip that is corrupt. */
export function corruptArchive(what: string): RejectedArchive {
  return new RejectedArchive(`it is corrupt: ${what}`);
}
