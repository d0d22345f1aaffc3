// Signatures of a release: ECDSA on P-256 over SHA-256, in the format that `openssl dgst -sha256 -verify` reads.

import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";

/**
 * Parses a private key in PEM, as `openssl ecparam -name prime256v1 -genkey -noout` writes it. Also accepts that PEM in
 * one line of base64, because GitLab masks no value that contains spaces. Throws for a key of another type.
 */
export function signingKey(typed: string): KeyObject {
  const pem = typed.includes("-----BEGIN") ? typed : Buffer.from(typed, "base64");
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error("EDOX_SIGNING_KEY is no private key in PEM, or in base64 of that");
  }
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw new Error("EDOX_SIGNING_KEY is not one of P-256");
  return key;
}

/** Returns the public key in PEM. */
export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
}

/** Returns the signature of the bytes in DER. */
export function signature(key: KeyObject, bytes: Uint8Array): Uint8Array {
  return sign("sha256", bytes, key);
}
