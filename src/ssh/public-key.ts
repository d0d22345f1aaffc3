// Reads a public key of OpenSSH. Options and comments of the file are never copied to authorized_keys.

import { wireStrings } from "./wire.ts";

export interface PublicKey {
  /** The type and the key in base64, as sshd(8) reads them. */
  line: string;
  /** As ssh-keygen prints it: "SHA256:…". */
  fingerprint: string;
}

const rsa = "ssh-rsa";
const leastRsaBits = 3072;
/** sshd(8) accepts larger ones, but their signatures take seconds. */
const mostRsaBits = 16384;
/** A key of 16384 bits has 2.8 kB. */
const mostCharacters = 16 * 1024;
const curves: Readonly<Record<string, number>> = { nistp256: 65, nistp384: 97, nistp521: 133 };
const accepted = "ed25519, ecdsa, sk, or rsa of at least 3072 bits";

/** Returns the key in the text of a public key file, or the reason why it is not accepted. */
export function readPublicKey(text: string): PublicKey | { reason: string } {
  if (text.length > mostCharacters) return { reason: "is larger than any public key" };
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----|^PuTTY-User-Key-File-/m.test(text)) {
    return { reason: "is a private key: pass the public one, whose name ends with .pub" };
  }
  if (/^-{4,5} ?BEGIN [A-Z0-9 ]*PUBLIC KEY/m.test(text)) {
    return { reason: "is not in the format of OpenSSH, which has one line: ssh-keygen -i converts it" };
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const [line = "", ...others] = lines;
  if (lines.length === 0) return { reason: "is empty" };
  if (others.length > 0) return { reason: "has more than one line: pass one key" };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) return { reason: "has control characters" };
  const [type = "", base64 = ""] = line.trim().split(/[ \t]+/);
  const looksLikeType = /^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+$/.test(type);
  if (!looksLikeType) return { reason: `does not begin with the type of a key (${accepted})` };
  const blob = Buffer.from(base64, "base64");
  // Only the canonical spelling is compared with other keys.
  if (base64 === "" || blob.toString("base64") !== base64) return { reason: "has no valid base64 after its type" };
  const fields = wireStrings(blob);
  if (fields === null || new TextDecoder().decode(fields[0]) !== type) return { reason: `is not a valid ${type} key` };
  const reason = faultOf(type, fields.slice(1));
  return reason === null ? { line: `${type} ${base64}`, fingerprint: fingerprintOf(blob) } : { reason };
}

/** Returns why the key is not accepted, or null. `fields`: those after its type. */
function faultOf(type: string, fields: readonly Uint8Array[]): string | null {
  const lengths = fields.map(({ length }) => length);
  const invalid = `is not a valid ${type} key`;
  const [, sk = "", curve = ""] = /^(sk-)?ecdsa-sha2-(nistp\d+)(?:@openssh\.com)?$/.exec(type) ?? [];
  if (type === "ssh-ed25519") return lengths.length === 1 && lengths[0] === 32 ? null : invalid;
  if (type === "sk-ssh-ed25519@openssh.com") return lengths.length === 2 && lengths[0] === 32 ? null : invalid;
  if (type === rsa) return fields.length === 2 ? rsaFault(fields[1] as Uint8Array) : invalid;
  const isCurve = Object.hasOwn(curves, curve) && type.endsWith("@openssh.com") === (sk !== "");
  if (!isCurve || (sk !== "" && curve !== "nistp256")) return `is of the type ${type}: only ${accepted} is accepted`;
  const isNamed = new TextDecoder().decode(fields[0]) === curve;
  const isPoint = lengths[1] === curves[curve] && fields[1]?.[0] === 4;
  return isNamed && isPoint && lengths.length === (sk === "" ? 2 : 3) ? null : invalid;
}

function rsaFault(modulus: Uint8Array): string | null {
  const first = modulus.findIndex((byte) => byte !== 0);
  const bits = first < 0 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] as number) + 24;
  if (bits > mostRsaBits) return `is an rsa key of ${bits} bits: at most ${mostRsaBits} are accepted`;
  return bits < leastRsaBits ? `is an rsa key of ${bits} bits: only ${accepted} is accepted` : null;
}

export function fingerprintOf(blob: Uint8Array): string {
  const digest = new Bun.CryptoHasher("sha256").update(blob).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}
