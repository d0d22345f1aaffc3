// The private key of --sign. A key that others can read is refused, because they could sign as well.

import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { signerOf } from "../../signature/ecdsa.ts";

const mostKeyBytes = 16 * 1024;

/** Returns the function that signs with the key in this file. Throws a Problem if it must not or cannot be used. */
export async function signingKey(
  reader: HostReader,
  path: string,
): Promise<(bytes: Uint8Array) => Promise<Uint8Array>> {
  const stat = reader.statTarget(path);
  if (stat === null) throw new Problem("not-found", `no signing key ${path}`);
  if ((stat.mode & 0o077) !== 0) {
    const message = `the signing key ${path} can be read by other users`;
    throw new Problem("precondition-failed", message, { hint: ["chmod", "600", path] });
  }
  const pem = new TextDecoder().decode(reader.head(path, mostKeyBytes) ?? new Uint8Array());
  const sign = await signerOf(pem);
  if (sign !== null) return sign;
  const hint = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path];
  throw new Problem("invalid-value", `${path} is not a private key on P-256 in PEM without a passphrase`, { hint });
}
