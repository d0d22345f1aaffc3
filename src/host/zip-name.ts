// Names in a zip: UTF-8 where they are, and code page 437, which APPNOTE.TXT has for all that says nothing else.

import { quotedBytes, utf8 } from "./entry-name.ts";
import { Refused } from "./trees.ts";

export type ExtraFields = Map<number, Buffer>;

const utf8Flag = 0x800;
/** Of Info-ZIP: a version, the CRC-32 of the name that it replaces, and a name in UTF-8. */
const unicodePath = 0x7075;
/** The systems whose programs may write backslashes between directories: FAT and NTFS. */
const windows = [0, 11];
const codePage437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

export interface ZipName {
  name: string;
  /** How it was read where that is not as the zip declares it. */
  guessed: "code page 437" | "backslashes" | null;
}

/** Throws {@link Refused} for a name that is not in the encoding it is declared to have. */
export function zipName(raw: Buffer, extra: ExtraFields, flags: number, madeBy: number): ZipName {
  const field = extra.get(unicodePath);
  const isCurrent =
    field !== undefined && field.length > 5 && field[0] === 1 && field.readUInt32LE(1) === Bun.hash.crc32(raw);
  const bytes = isCurrent ? field.subarray(5) : raw;
  const name = utf8(bytes);
  if (name !== null) return withSlashes(name, madeBy);
  if (isCurrent || (flags & utf8Flag) !== 0)
    throw new Refused(`the name ${quotedBytes(bytes)} is declared as UTF-8, and is not`);
  const guess = withSlashes(fromCodePage437(raw), madeBy).name;
  return { name: guess, guessed: "code page 437" };
}

/** Old programs of Windows write them between directories, against the format. */
function withSlashes(name: string, madeBy: number): ZipName {
  const isWindows = windows.includes(madeBy) && name.includes("\\") && !name.includes("/");
  return isWindows ? { name: name.replaceAll("\\", "/"), guessed: "backslashes" } : { name, guessed: null };
}

function fromCodePage437(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : codePage437[byte - 0x80])).join("");
}

/** Answers the extra fields of an entry; of two with one id the first. Ends at what is no field. */
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
