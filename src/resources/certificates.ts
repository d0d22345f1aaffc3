import type { Resource } from "../engine/step.ts";

/** Debian's own, of all certificates that are trusted. */
export const storePath = "/etc/ssl/certs/ca-certificates.crt";

/**
 * The store is there, and whole. dpkg syncs nothing that a package's script makes: after a power cut it is missing, empty,
 * or has pages of zeros in it, and the package counts as installed.
 */
export const certificatesWhole: Resource = {
  name: "host:certificates",
  title: "the store of certificates is whole",
  check(see, ahead) {
    const comes = ahead.some((change) => change.kind === "packages" && change.names.includes("ca-certificates"));
    if (comes) return [];
    const bytes = see.read(storePath);
    if (bytes !== null && bytes.length > 0 && !bytes.includes(0)) return [];
    const how = bytes === null ? "missing" : bytes.length === 0 ? "empty" : "damaged";
    const lack = `${storePath} is ${how}: no TLS connection can be trusted`;
    return [{ kind: "command", argv: ["update-ca-certificates", "--fresh"], lack }];
  },
};
