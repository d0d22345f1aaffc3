// Where apt gets the packages of the target: the distribution's own repositories, and those of the vendors.

import { aptSources, bareUri } from "../../apt/sources.ts";
import type { Facts } from "../../engine/facts.ts";
import type { BundleTarget } from "../../engine/feature.ts";
import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";

/** A repository that apt reads while a bundle is made. */
export interface Source {
  /** The directory of its files in the bundle. */
  name: string;
  uri: string;
  suite: string;
  components: readonly string[];
  /** The file of the keys that apt accepts. */
  keyPath: string;
  /** The key that the bundle carries; null for a distribution, whose keys each host has. */
  key: { bytes: Uint8Array; path: string; fingerprint: string; urls: readonly string[] } | null;
}

const keyrings = {
  debian: { path: "/usr/share/keyrings/debian-archive-keyring.gpg", package: "debian-archive-keyring" },
  ubuntu: { path: "/usr/share/keyrings/ubuntu-archive-keyring.gpg", package: "ubuntu-keyring" },
};
const origins = { debian: "Debian", ubuntu: "Ubuntu" };
/** An address without credentials: the manifest of the bundle names it. */
const plainAddress = /^https?:\/\/[\w.[\]:-]+(?:\/[\w./~%+-]*)?$/;

/**
 * Returns the repositories of the distribution. They are the mirrors of this machine if it has the same distribution,
 * and the official ones otherwise. Throws a Problem that names the package of keys if it is not installed here.
 */
export function distributionSources(reader: HostReader, facts: Facts, target: BundleTarget): Source[] {
  const { family, codename } = target;
  const keyring = keyrings[family];
  if (reader.statTarget(keyring.path) === null) {
    const message = `the keys of ${origins[family]}'s repositories are not on this machine: ${keyring.path}`;
    throw new Problem("precondition-failed", message, { hint: ["sudo", "apt-get", "install", keyring.package] });
  }
  const own = ownMirrors(reader, facts, target);
  const official = officialUris(target);
  const components = family === "debian" ? ["main"] : ["main", "universe"];
  const source = (name: string, uri: string, suite: string): Source => {
    return { name, uri, suite, components, keyPath: keyring.path, key: null };
  };
  const main = own.main ?? official.main;
  const security = own.security ?? official.security;
  return [
    source(family, main, codename),
    source(family, main, `${codename}-updates`),
    // The files of one server are in one directory.
    source(security === main ? family : `${family}-security`, security, `${codename}-security`),
  ];
}

function officialUris({ family, architecture }: BundleTarget): { main: string; security: string } {
  if (family === "debian") {
    return { main: "http://deb.debian.org/debian", security: "http://deb.debian.org/debian-security" };
  }
  // Ubuntu's main servers have no packages for arm64.
  const ports = "http://ports.ubuntu.com/ubuntu-ports";
  if (architecture === "arm64") return { main: ports, security: ports };
  return { main: "http://archive.ubuntu.com/ubuntu", security: "http://security.ubuntu.com/ubuntu" };
}

/** Finds the mirrors by what their lists say, because other repositories use the same names of suites. */
function ownMirrors(reader: HostReader, facts: Facts, target: BundleTarget): { main?: string; security?: string } {
  const { family, architecture } = target;
  if (facts.family !== family || (family === "ubuntu" && facts.architecture !== architecture)) return {};
  const sources = aptSources(reader).filter(({ uri, listPrefix }) => {
    const release = textOf(reader, `${listPrefix}InRelease`) ?? "";
    return plainAddress.test(uri) && new RegExp(`^Origin: ${origins[family]}$`, "m").test(release);
  });
  const uriOf = (suite: string): string | undefined =>
    sources.find((each) => each.suite === suite)?.uri.replace(/\/+$/, "");
  const [main, security] = [uriOf(facts.codename), uriOf(`${facts.codename}-security`)];
  return { ...(main !== undefined && { main }), ...(security !== undefined && { security }) };
}

/** Returns the source line of sources.list(5). */
export function sourceLine({ uri, suite, components, keyPath }: Source, architecture: string): string {
  return `deb [arch=${architecture} signed-by=${keyPath}] ${uri} ${suite} ${components.join(" ")}`;
}

/** Returns the source that this URI of apt belongs to, and the path of the file below it. Throws an Error for none. */
export function sourceOf(sources: readonly Source[], uri: string): { source: Source; path: string } {
  const bare = bareUri(uri);
  const found = sources.find((each) => bare.startsWith(`${bareUri(each.uri)}/`));
  if (found === undefined) throw new Error(`apt names ${uri}, which belongs to no repository`);
  const path = decodeURIComponent(bare.slice(bareUri(found.uri).length + 1));
  return { source: found, path };
}
