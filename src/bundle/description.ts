// What a bundle contains, for a person or a program to read.

import type { HostReader } from "../host/host.ts";
import { keyThatSigned } from "../signature/ecdsa.ts";
import type { Bundle } from "./reader.ts";
import { type Policy, trustedKeys } from "./trust.ts";

/** The path of the software bill of materials, in the JSON format of CycloneDX. */
export const sbomPath = "sbom.cdx.json";

/** The key that signed a bundle. */
export interface Signer {
  path: string;
  /** The SHA-256 in hex of the public key in DER, as `openssl pkey -pubin -outform DER | sha256sum` prints it. */
  fingerprint: string;
}

/** Returns the trusted key that signed the bundle, or null if none of them did. */
export async function findSigner(reader: HostReader, bundle: Bundle, policy: Policy): Promise<Signer | null> {
  const { signature, manifestBytes } = bundle;
  if (signature === null) return null;
  for (const { path, text } of await trustedKeys(reader, policy)) {
    const key = await keyThatSigned(manifestBytes, signature, text);
    if (key !== null) return { path, fingerprint: new Bun.CryptoHasher("sha256").update(key).digest("hex") };
  }
  return null;
}

/** Returns the content of the manifest as `bundle show --json` prints it. Sizes are in bytes. */
export function describeBundle({ path, id, size, signature, manifest }: Bundle, signer: Signer | null) {
  const sizes = new Map(manifest.members.map((member) => [member.path, member.size]));
  const bytesOf = (member: string): number => sizes.get(member) ?? 0;
  const { serial, target, since, program, packages, images, sites } = manifest;
  return {
    path,
    id,
    bytes: size,
    serial,
    target,
    with: manifest.with,
    since: since?.id ?? null,
    signed: signature !== null,
    signed_by: signer,
    program: program?.version ?? null,
    packages: packages.map(({ name, version, architecture, path, installedBytes, licence }) => {
      return { name, version, architecture, bytes: bytesOf(path), installed_bytes: installedBytes, licence };
    }),
    images: images.map(({ reference, config, path }) => ({ reference, config, bytes: bytesOf(path) })),
    sites: sites.map(({ name, files, bytes }) => ({ name, files, bytes })),
    sbom: sizes.has(sbomPath),
  };
}
