// Makes and verifies ECDSA signatures on P-256 over SHA-256, in the format of `openssl dgst -sha256 -sign`.

const form = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** The identifiers of an elliptic curve key on P-256 (RFC 5480), and of the curve alone. */
const p256Algorithm = Buffer.from("301306072a8648ce3d020106082a8648ce3d030107", "hex");
const p256Curve = p256Algorithm.subarray(-10);

/**
 * Returns whether one of these public keys, concatenated in PEM, has signed the bytes. The signature has the format of
 * openssl.
 */
export async function isSigned(bytes: Uint8Array, signature: Uint8Array, keys: string): Promise<boolean> {
  return (await keyThatSigned(bytes, signature, keys)) !== null;
}

/** Returns the key in DER that {@link isSigned} finds, or null. */
export async function keyThatSigned(
  bytes: Uint8Array,
  signature: Uint8Array,
  keys: string,
): Promise<Uint8Array | null> {
  const raw = rawSignature(signature);
  if (raw === null) return null;
  for (const block of keyBlocks(keys)) {
    if (await crypto.subtle.verify(form, await publicKeyOf(block), raw, Buffer.from(bytes))) return block;
  }
  return null;
}

/** Returns whether a PEM text has public keys, and each of them can verify signatures. */
export async function hasValidKeys(pem: string): Promise<boolean> {
  const blocks = keyBlocks(pem);
  try {
    await Promise.all(blocks.map(publicKeyOf));
  } catch {
    return false;
  }
  return blocks.length > 0;
}

function publicKeyOf(block: Buffer<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("spki", block, form, false, ["verify"]);
}

/**
 * Returns the function that signs with a private key in PEM, as `openssl ecparam -genkey` or `openssl pkey` writes it.
 * Returns null for anything else, such as a key on another curve or one with a passphrase.
 */
export async function signerOf(pem: string): Promise<((bytes: Uint8Array) => Promise<Uint8Array>) | null> {
  const [, type = "", text = ""] = /-----BEGIN ((?:EC )?PRIVATE KEY)-----([\w+/=\s]+)-----END \1-----/.exec(pem) ?? [];
  const der = Buffer.from(text, "base64");
  if (!der.includes(p256Curve)) return null;
  try {
    const own = type === "EC PRIVATE KEY" ? inPkcs8(der) : der;
    const key = await crypto.subtle.importKey("pkcs8", Buffer.from(own), form, false, ["sign"]);
    return async (bytes) => derSignature(new Uint8Array(await crypto.subtle.sign(form, key, Buffer.from(bytes))));
  } catch {
    return null;
  }
}

/** Wraps a key of RFC 5915 in the format of RFC 5208. */
function inPkcs8(key: Uint8Array): Buffer {
  return tagged(0x30, Buffer.from([2, 1, 0]), p256Algorithm, tagged(4, key));
}

/** Returns an element of DER. */
function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length > 255) throw new RangeError("an element of more than 255 bytes");
  return Buffer.concat([Buffer.from([tag, ...(content.length < 128 ? [] : [0x81]), content.length]), content]);
}

/** Converts r and s with 32 bytes each to DER. */
function derSignature(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): Buffer => {
    const first = bytes.findIndex((byte) => byte !== 0);
    const digits = bytes.subarray(first < 0 ? bytes.length - 1 : first);
    return tagged(2, ...((digits[0] ?? 0) > 127 ? [Buffer.alloc(1)] : []), digits);
  };
  return tagged(0x30, integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
}

/** Returns the keys of a PEM text in DER. */
export function keyBlocks(pem: string): Buffer<ArrayBuffer>[] {
  const blocks = pem.matchAll(/-----BEGIN PUBLIC KEY-----([\w+/=\s]+)-----END PUBLIC KEY-----/g);
  return [...blocks].map(([, text = ""]) => Buffer.from(text, "base64"));
}

/**
 * Converts the DER signature of openssl (RFC 3279, 2.2.3) to r and s with 32 bytes each. Returns null if it is
 * malformed.
 */
function rawSignature(der: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const raw = new Uint8Array(64);
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const integer = der.subarray(at + 2, at + 2 + length);
    const [first = 128, second = 0] = integer;
    const digits = first === 0 ? integer.subarray(1) : integer;
    // A signature has only one valid encoding, also for openssl in the installer: no negative integers, no redundant
    // zeros.
    if (first > 127 || (first === 0 && second < 128)) return null;
    if (der[at] !== 2 || integer.length !== length || digits.length > 32) return null;
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  return at === der.length ? raw : null;
}
