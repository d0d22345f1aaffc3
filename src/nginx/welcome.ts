// Disables the default site of Debian's nginx, which responds to every name.

import { conffileDigest, installedPackage } from "../apt/dpkg.ts";
import { installs } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { missingDirectories } from "../resources/directory.ts";

const welcomeSitePath = "/etc/nginx/sites-available/default";
const welcomeLinkPath = "/etc/nginx/sites-enabled/default";
const nothing = "/dev/null";

/** Disables the distribution's welcome site. One that an admin created or changed stays. */
export const welcomeSite: Resource = {
  name: "nginx:default-site",
  title: "the distribution's welcome site is off",
  check(reader, ahead, warn) {
    const keptOut = ahead.some((change) => change.kind === "link" && change.path === welcomeLinkPath);
    const comes = installs(ahead, "nginx");
    if (keptOut) return [];
    if (comes && reader.stat(welcomeSitePath) === null) {
      return [{ kind: "link", path: welcomeLinkPath, before: welcomeSitePath, after: null }];
    }
    const target = reader.readLink(welcomeLinkPath);
    if (target !== null && isPristine(reader, target)) {
      return [{ kind: "link", path: welcomeLinkPath, before: target, after: null }];
    }
    if (target !== nothing && reader.stat(welcomeLinkPath) !== null) {
      warn(`${welcomeLinkPath} is not the distribution's: left as it is`);
    }
    return [];
  },
};

/**
 * Keeps the welcome site from being enabled on a kernel without IPv6. Debian's nginx cannot be installed there: the
 * site listens on [::], nginx does not start, and the installation fails. The package creates no link if one exists,
 * and nginx reads nothing through this one.
 */
export const welcomeSiteKeptOut: Resource = {
  name: "nginx:without-ipv6",
  title: "nginx comes up without IPv6",
  check(reader, ahead) {
    const target = reader.readLink(welcomeLinkPath);
    const free = reader.stat(welcomeLinkPath) === null || (target !== null && isPristine(reader, target));
    if (installedPackage(reader, "nginx") !== null || !free) return [];
    return [
      ...missingDirectories(reader, ahead, "/etc/nginx/sites-enabled"),
      { kind: "link", path: welcomeLinkPath, before: target, after: nothing },
    ];
  },
};

/** Returns whether the link leads to the packaged file, and that file is unmodified. */
function isPristine(reader: HostReader, target: string): boolean {
  if (target !== welcomeSitePath && target !== "../sites-available/default") return false;
  const bytes = reader.read(welcomeSitePath);
  const packaged = conffileDigest(reader, "nginx-common", welcomeSitePath);
  return bytes !== null && new Bun.CryptoHasher("md5").update(bytes).digest("hex") === packaged;
}
