// Decodes names in a zip: UTF-8 if they are valid UTF-8, otherwise code page 437, the default of APPNOTE.TXT.

import { RejectedArchive } from "../trees.ts";
import { quotedBytes, utf8 } from "./entry-name.ts";

export type ExtraFields = Map<number, Buffer>;

const utf8Flag = 0x800;
/** The Unicode path field of Info-ZIP: a version, the CRC-32 of the name that it replaces, and a name in UTF-8. */
const unicodePath = 0x7075;
/** The systems whose programs may write backslashes between directories: FAT and NTFS. */
const windows = [0, 11];
const codePage437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

interface ZipName {
  name: string;
  /** How the name was read if that differs from what the zip declares. */
  guessed: "code page 437" | "backslashes" | null;
}

/** Decodes a name. Throws {@link RejectedArchive} for a name that is not in its declared encoding. */
export function zipName(raw: Buffer, extra: ExtraFields, flags: number, madeBy: number): ZipName {
  const field = extra.get(unicodePath);
  const isCurrent =
    field !== undefined && field.length > 5 && field[0] === 1 && field.readUInt32LE(1) === Bun.hash.crc32(raw);
  const bytes = isCurrent ? field.subarray(5) : raw;
  const name = utf8(bytes);
  if (name !== null) return withSlashes(name, madeBy);
  if (isCurrent || (flags & utf8Flag) !== 0)
    throw new RejectedArchive(`the name ${quotedBytes(bytes)} is declared as UTF-8, and is not`);
  const guess = withSlashes(fromCodePage437(raw), madeBy).name;
  return { name: guess, guessed: "code page 437" };
}

/** Converts backslashes between directories. Old Windows programs write them in violation of the format. */
function withSlashes(name: string, madeBy: number): ZipName {
  const isWindows = windows.includes(madeBy) && name.includes("\\") && !name.includes("/");
  return isWindows ? { name: name.replaceAll("\\", "/"), guessed: "backslashes" } : { name, guessed: null };
}

function fromCodePage437(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : codePage437[byte - 0x80])).join("");
}

/**
 * Parses the extra fields of an entry. If an ID occurs twice, the first counts. Stops at anything that is not a field.
 */
export function extraFields(bytes: Buffer): ExtraFields {
  const fields: ExtraFields = new Map();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const [id, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    at += 4;
    if (at + length > bytes.length) break;
    if (!fields.has(id)) fields.set(id, Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return fields;
}
