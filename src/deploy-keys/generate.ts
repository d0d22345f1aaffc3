// Generates a key pair in this process, so that the private key is never in a file.

import { fingerprintOf, type PublicKey } from "../ssh/public-key.ts";
import { uint32, wireString } from "../ssh/wire.ts";
import { Secret } from "../text/secret.ts";

const type = "ssh-ed25519";
const seedBytes = 32;
/** The block size of the cipher "none". */
const blockBytes = 8;
const lineLength = 70;

/** Returns a new ed25519 key pair. The private key is in the format of OpenSSH, without a passphrase. */
export async function generateKey(comment: string): Promise<PublicKey & { privateKey: Secret }> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const seed = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)).slice(-seedBytes);
  const blob = Buffer.concat([wireString(type), wireString(point)]);
  return {
    line: `${type} ${blob.toString("base64")}`,
    fingerprint: fingerprintOf(blob),
    privateKey: new Secret(privateText(blob, point, seed, comment)),
  };
}

/** Returns the file of a private key: PROTOCOL.key of OpenSSH. */
function privateText(blob: Uint8Array, point: Uint8Array, seed: Uint8Array, comment: string): string {
  // Equal numbers show that a passphrase was right. Without one, any number does.
  const check = crypto.getRandomValues(new Uint8Array(4));
  const both = Buffer.concat([seed, point]);
  const section = Buffer.concat([check, check, ...[type, point, both, comment].map(wireString)]);
  const missing = (blockBytes - (section.length % blockBytes)) % blockBytes;
  const padding = Uint8Array.from({ length: missing }, (_, i) => i + 1);
  const head = Buffer.concat([new TextEncoder().encode("openssh-key-v1\0"), ...["none", "none", ""].map(wireString)]);
  const whole = Buffer.concat([head, uint32(1), wireString(blob), wireString(Buffer.concat([section, padding]))]);
  const lines = whole.toString("base64").match(new RegExp(`.{1,${lineLength}}`, "g")) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}
