// Names of archive entries: decoded from bytes to text, and escaped for error messages.

/** Keeps a byte order mark, because it would be part of the name on the disk. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const longestShown = 120;

/** Returns null for bytes that are not valid UTF-8. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** Returns a name quoted for an error message: on one line, of bounded length. */
export function quotedName(name: string): string {
  const shown = name.length > longestShown ? `${name.slice(0, longestShown)}…` : name;
  const escaped = shown.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escapeOf);
  return `'${escaped}'`;
}

/** Returns bytes that are not UTF-8, quoted for an error message: every byte beyond ASCII is shown as \xNN. */
export function quotedBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("latin1");
  return quotedName(text.replace(/[\u0080-\u00ff]/g, escapeOf));
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}
