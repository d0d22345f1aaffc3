// Verifies ECDSA signatures on P-256 over SHA-256, in the format of `openssl dgst -sha256 -sign`.

/**
 * Returns whether one of these public keys, concatenated in PEM, has signed the bytes. The signature has the format of
 * openssl.
 */
export async function isSigned(bytes: Uint8Array, signature: Uint8Array, keys: string): Promise<boolean> {
  const raw = rawSignature(signature);
  if (raw === null) return false;
  const form = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const by = keyBlocks(keys).map(async (block) => {
    const key = await crypto.subtle.importKey("spki", block, form, false, ["verify"]);
    return crypto.subtle.verify(form, key, raw, Buffer.from(bytes));
  });
  return (await Promise.all(by)).includes(true);
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
