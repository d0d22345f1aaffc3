// Determines the nginx version that a host has, or will have.

import { installedPackage, packageField } from "../apt/dpkg.ts";
import type { Facts } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";

/** The versions that releases ship, for a host on which nginx is not installed yet. */
const shipped: Record<string, string> = { jammy: "1.18.0", bookworm: "1.22.1", noble: "1.24.0", trixie: "1.26.3" };
const newest = "1.28.0";

/** Returns whether the host's nginx has at least this version. */
export function nginxSince(reader: HostReader, { codename }: Facts, version: string): boolean {
  const found = installedPackage(reader, "nginx");
  const here = (found && packageField(found, "Version")?.match(/\d+\.\d+\.\d+/)?.[0]) ?? shipped[codename] ?? newest;
  return Bun.semver.order(here, version) >= 0;
}
