// Extended headers of a tar, pax(1): records "LENGTH KEY=VALUE " that override fields of the next header, or of all
// headers.

import { RejectedArchive } from "../trees.ts";

/** Times, owners, comments and attributes of other systems are not published, so they are not read. */
const known =
  /^(path|linkpath|size|hdrcharset|GNU\.sparse\..*|GNU\.volume\.(filename|size|offset)|SCHILY\.realsize|SUN\.holesdata)$/;
const longestKey = 64;
const longestLength = 10;
const [space, equals, newline, zero, nine] = [0x20, 0x3d, 0x0a, 0x30, 0x39];

export type PaxRecord = [key: string, value: Uint8Array];

/** Returns the records that affect what is published, in order. Throws {@link RejectedArchive} for a malformed header. */
export function paxRecords(bytes: Uint8Array): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + recordLength(bytes, start);
    const from = bytes.indexOf(space, start) + 1;
    const split = bytes.indexOf(equals, from);
    if (end > bytes.length || from > end || split < 0 || split >= end || bytes[end - 1] !== newline)
      throw malformedRecord();
    if (split - from <= longestKey) {
      const key = String.fromCharCode(...bytes.subarray(from, split));
      if (known.test(key)) records.push([key, bytes.subarray(split + 1, end - 1)]);
    }
    start = end;
  }
  return records;
}

function recordLength(bytes: Uint8Array, start: number): number {
  let length = 0;
  for (let at = start; at - start <= longestLength; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === space && at > start && length > 0) return length;
    if (byte < zero || byte > nine) break;
    length = length * 10 + byte - zero;
  }
  throw malformedRecord();
}

/** Parses a decimal number of a record. Throws {@link RejectedArchive} for anything else. */
export function paxNumber(value: Uint8Array | string): number {
  const text = typeof value === "string" ? value : Buffer.from(value).toString("latin1");
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw malformedRecord();
  return number;
}

function malformedRecord(): RejectedArchive {
  return new RejectedArchive("it is corrupt: an extended header (pax) is malformed");
}
