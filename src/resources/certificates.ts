import { installs } from "../engine/change.ts";
import { installedPackage } from "../engine/dpkg.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";

/** Debian's own, of all certificates that are trusted. */
export const storePath = "/etc/ssl/certs/ca-certificates.crt";
const dir = "/etc/ssl/certs";

/**
 * The store is there, and whole. dpkg syncs nothing that a package's script makes: after a power cut it is missing, empty,
 * or has pages of zeros in it, or most of its links are gone, and the package counts as installed. The links are counted
 * only where one of these packages is still to come, as it is after a run that was cut: a converged run has no millisecond
 * for them.
 */
export function certificatesWhole(packages: readonly string[], name = "host:certificates"): Resource {
  return {
    name,
    title: "the store of certificates is whole",
    check(see, ahead) {
      const comes = installs(ahead, "ca-certificates");
      const isOpen = (each: string): boolean => installedPackage(see, each) === null;
      const how = comes ? null : (damage(see) ?? (packages.some(isOpen) ? lostLinks(see) : null));
      if (how === null) return [];
      const lack = `${storePath} is ${how}: no TLS connection can be trusted`;
      return [{ kind: "command", argv: ["update-ca-certificates", "--fresh"], lack }];
    },
  };
}

function damage(see: HostReader): string | null {
  const bytes = see.map(storePath);
  if (bytes === null) return "missing";
  if (bytes.length === 0) return "empty";
  return bytes.includes(0) ? "damaged" : null;
}

function lostLinks(see: HostReader): string | null {
  // An owner may have put there what has no link by its hash, but not as many as the distribution.
  const names = see.list(dir) ?? [];
  const certificates = names.filter((name) => name.endsWith(".pem")).length;
  const hashes = names.filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name)).length;
  const bundled = count(see.map(storePath) ?? new Uint8Array(), "-----BEGIN CERTIFICATE-----");
  return hashes * 2 < certificates || (certificates * 2 < bundled && hashes * 2 < bundled) ? "without its links" : null;
}

/** In the bytes as they are: a string of them costs more than all else here. */
function count(bytes: Uint8Array, mark: string): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let found = 0;
  for (let at = buffer.indexOf(mark); at >= 0; at = buffer.indexOf(mark, at + mark.length)) found += 1;
  return found;
}
