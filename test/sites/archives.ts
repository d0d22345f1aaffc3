// Builds archives field by field: as common programs write them, and malformed ones.

import { deflateRawSync } from "node:zlib";

export interface TarMember {
  name: string | Buffer;
  content?: string | Buffer;
  /** The type, one character of the header; "0" is a file. */
  type?: string;
  link?: string | Buffer;
  mode?: number;
  /** The size in the header where it differs from that of the content. */
  size?: number | Buffer;
  format?: "ustar" | "gnu" | "v7";
  prefix?: string;
  /** Additional bytes in the header. */
  fields?: [at: number, bytes: string | Buffer][];
}

const block = 512;
const magic = { ustar: "ustar\x0000", gnu: "ustar  \0", v7: "" };

export function tarEntry(member: TarMember): Buffer {
  const { name, content = "", type = "0", link = "", mode = 0o644, format = "ustar", prefix = "" } = member;
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const entry = Buffer.alloc(block * (1 + Math.ceil(bytes.length / block)));
  const header = entry.subarray(0, block);
  const size = member.size ?? bytes.length;
  for (const [at, value] of [
    [0, name],
    [100, mode.toString(8).padStart(7, "0")],
    [108, "0000000"],
    [116, "0000000"],
    [124, typeof size === "number" ? size.toString(8).padStart(11, "0") : size],
    [136, "14000000000"],
    [156, type],
    [157, link],
    [257, magic[format]],
    [345, prefix],
    ...(member.fields ?? []),
  ] as [number, string | Buffer][]) {
    Buffer.from(value as string).copy(header, at);
  }
  header.fill(" ", 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  bytes.copy(entry, block);
  return entry;
}

/** `members` are entries, or bytes that are written unchanged. */
export function tarOf(members: readonly (TarMember | Buffer)[]): Buffer {
  const entries = members.map((each) => (Buffer.isBuffer(each) ? each : tarEntry(each)));
  return Buffer.concat([...entries, Buffer.alloc(2 * block)]);
}

/** An extended header for the next entry ("x") or for all ("g"). */
export function pax(records: [key: string, value: string | Buffer][], type = "x"): Buffer {
  return tarEntry({ name: "PaxHeaders/x", type, content: Buffer.concat(records.map(paxRecord)) });
}

function paxRecord([key, value]: [string, string | Buffer]): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

export interface ZipMember {
  name: string | Buffer;
  content?: string | Buffer;
  mode?: number;
  /** The system that made the entry: 3 for Unix, 0 for FAT. */
  madeBy?: number;
  attributes?: number;
  flags?: number;
  method?: number;
  extra?: Buffer;
  /** Values of the local header where they differ from the central directory. */
  localName?: string;
  crc?: number;
  size?: number;
  packed?: number;
  offset?: number;
}

const utf8Flag = 0x800;
const descriptorFlag = 0x8;

/** `more` sets the bytes before the first entry, the comment, and a different number of entries. */
export function zipOf(
  members: readonly ZipMember[],
  more: { before?: Buffer; comment?: string; count?: number } = {},
): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const member of members) {
    const { mode = 0o100644, madeBy = 3, flags = utf8Flag, method = 0, extra = Buffer.alloc(0) } = member;
    const [name, bytes] = [Buffer.from(member.name as string), Buffer.from((member.content ?? "") as string)];
    const data = method === 8 ? deflateRawSync(bytes) : bytes;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(member.crc ?? Bun.hash.crc32(bytes), 10);
    common.writeUInt32LE(member.packed ?? data.length, 14);
    common.writeUInt32LE(member.size ?? bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    common.writeUInt16LE(extra.length, 24);
    const localName = Buffer.from(member.localName ?? (name as unknown as string));
    const first = Buffer.from(common);
    first.writeUInt16LE(localName.length, 22);
    first.writeUInt16LE(0, 24);
    const described = (flags & descriptorFlag) !== 0;
    if (described) first.fill(0, 10, 22);
    const descriptor = Buffer.concat([Buffer.from("PK\x07\x08"), common.subarray(10, 22)]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(member.attributes ?? (madeBy === 3 ? (mode << 16) >>> 0 : 0), 6);
    rest.writeUInt32LE(member.offset ?? at, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, madeBy]), common, rest, name, extra]));
    local.push(Buffer.concat([Buffer.from("PK\x03\x04"), first, localName, data, ...(described ? [descriptor] : [])]));
    at += local.at(-1)?.length ?? 0;
  }
  const directory = Buffer.concat(central);
  const comment = Buffer.from(more.comment ?? "");
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(more.count ?? members.length, 8);
  end.writeUInt16LE(more.count ?? members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([more.before ?? Buffer.alloc(0), ...local, directory, end, comment]);
}

/** Info-ZIP's field for a name in UTF-8. `of` is the stored name that it belongs to. */
export function unicodePath(of: Buffer, name: string): Buffer {
  const data = Buffer.concat([Buffer.from([1]), Buffer.alloc(4), Buffer.from(name)]);
  data.writeUInt32LE(Bun.hash.crc32(of), 1);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(0x7075, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}
