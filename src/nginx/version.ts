// Determines the versions of nginx and OpenSSL that a host has, or will have.

import { installedPackage, packageField } from "../apt/dpkg.ts";
import type { Facts } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";

interface Shipped {
  packages: readonly string[];
  /** The versions that releases ship, for a host on which the package is not installed yet. */
  shipped: Readonly<Record<string, string>>;
  newest: string;
}

const nginx: Shipped = {
  packages: ["nginx"],
  shipped: { jammy: "1.18.0", bookworm: "1.22.1", noble: "1.24.0", trixie: "1.26.3" },
  newest: "1.28.0",
};

/** The library that nginx is linked with. */
const openSsl: Shipped = {
  packages: ["libssl3t64", "libssl3"],
  shipped: { jammy: "3.0.2", bookworm: "3.0.17", noble: "3.0.13", trixie: "3.5.1" },
  newest: "3.5.0",
};

/** Returns whether the host's nginx has at least this version. */
export function nginxSince(reader: HostReader, facts: Facts, version: string): boolean {
  return isSince(reader, facts, nginx, version);
}

/** Returns whether the host's OpenSSL has at least this version. */
export function openSslSince(reader: HostReader, facts: Facts, version: string): boolean {
  return isSince(reader, facts, openSsl, version);
}

/** Returns whether listen has the parameter http2. nginx 1.25.1 made it a directive. */
export function hasHttp2Parameter(reader: HostReader, facts: Facts): boolean {
  return !nginxSince(reader, facts, "1.25.1");
}

function isSince(reader: HostReader, { codename }: Facts, kind: Shipped, version: string): boolean {
  const found = kind.packages.map((name) => installedPackage(reader, name)).find((each) => each !== null);
  const installed = found && packageField(found, "Version")?.match(/\d+\.\d+\.\d+/)?.[0];
  return Bun.semver.order(installed ?? kind.shipped[codename] ?? kind.newest, version) >= 0;
}
