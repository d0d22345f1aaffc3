import { installedPackage } from "../apt/dpkg.ts";
import { installs } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";

/** Debian's bundle of all trusted certificates. */
export const storePath = "/etc/ssl/certs/ca-certificates.crt";
const dir = "/etc/ssl/certs";

/**
 * Returns a resource that rebuilds a missing or damaged certificate store. dpkg does not sync files that package
 * scripts create. After a power cut, the store can be missing, empty or contain pages of zeros, or most links can be
 * gone. The package counts as installed nevertheless. The links are counted only if one of these packages is not yet
 * installed, as after an interrupted run: a converged run has no millisecond to spare for it.
 */
export function certificatesComplete(packages: readonly string[]): Resource {
  return {
    name: "host:certificates",
    title: "the CA certificate store is complete",
    check(reader, ahead) {
      const comes = installs(ahead, "ca-certificates");
      const isOpen = (each: string): boolean => installedPackage(reader, each) === null;
      const how = comes ? null : (damage(reader) ?? (packages.some(isOpen) ? lostLinks(reader) : null));
      if (how === null) return [];
      const reason = `${storePath} is ${how}: no TLS connection can be trusted`;
      return [{ kind: "command", argv: ["update-ca-certificates", "--fresh"], reason }];
    },
  };
}

function damage(reader: HostReader): string | null {
  const bytes = reader.map(storePath);
  if (bytes === null) return "missing";
  if (bytes.length === 0) return "empty";
  return bytes.includes(0) ? "damaged" : null;
}

function lostLinks(reader: HostReader): string | null {
  // An admin may have added certificates without hash links, but not as many as the distribution has.
  const names = reader.list(dir) ?? [];
  const certificates = names.filter((name) => name.endsWith(".pem")).length;
  const hashes = names.filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name)).length;
  const bundled = count(reader.map(storePath) ?? new Uint8Array(), "-----BEGIN CERTIFICATE-----");
  return hashes * 2 < certificates || (certificates * 2 < bundled && hashes * 2 < bundled) ? "without its links" : null;
}

/** Counts in the raw bytes: decoding them to a string would cost more than the rest of the check. */
function count(bytes: Uint8Array, mark: string): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found = 0;
  for (let at = buffer.indexOf(mark); at >= 0; at = buffer.indexOf(mark, at + mark.length)) found += 1;
  return found;
}
