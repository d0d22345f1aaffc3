// Whether a bundle fits this host.

import { presentVersion, presentVersions } from "../apt/dpkg.ts";
import { compareVersions } from "../apt/version.ts";
import type { Facts } from "../engine/facts.ts";
import type { CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement, Unmet } from "../problem/requirement.ts";
import { countOf, few } from "../text/lines.ts";
import { shortageText } from "../text/shortage.ts";
import type { Manifest } from "./manifest.ts";
import type { Bundle } from "./reader.ts";
import { hintToShowBundle } from "./show-hint.ts";
import { hasPredecessor, notReplayed, type Policy, signedByTrustedKey, timeText } from "./trust.ts";

type Package = Manifest["packages"][number];

/** apt keeps the package indexes in a format that is about twice as large as that of the repository. */
const indexFactor = 2;

/**
 * Returns the requirements of a run with the bundle, except that the whole file is intact: these read only its
 * manifest.
 */
export function fits(bundle: Bundle, facts: Facts, policy: Policy): Requirement[] {
  return [
    madeFor(bundle, facts),
    signedByTrustedKey(bundle, policy),
    notReplayed(bundle, policy),
    hasPredecessor(bundle),
    clockIsAfter(bundle),
  ];
}

function madeFor({ path, manifest: { target } }: Bundle, { family, codename, architecture }: Facts): Requirement {
  return {
    name: "bundle:target",
    title: `the bundle is for ${target.family} ${target.codename} on ${target.architecture}`,
    check() {
      const same = target.family === family && target.codename === codename && target.architecture === architecture;
      if (same) return null;
      const made = `${target.family} ${target.codename} on ${target.architecture}`;
      const here = `${family ?? "another system"} ${codename || "without a codename"} on ${architecture || "an unknown architecture"}`;
      const hint = hintToShowBundle(path);
      return { reason: `${path} is for ${made}, and this host is ${here}`, code: "wrong-target", hint };
    },
  };
}

/** apt refuses lists from the future, and a host without a battery-backed clock starts in the past. */
function clockIsAfter({ manifest }: Bundle): Requirement {
  return {
    name: "bundle:clock",
    title: "the clock of this host is not behind the bundle",
    check(reader) {
      const earliest = Math.max(manifest.serial, EDOX_OPS_BUILT);
      if (reader.now() >= earliest * 1000) return null;
      const now = timeText(Math.floor(reader.now() / 1000));
      const what = earliest === manifest.serial ? "the bundle is" : "this edox-ops is";
      const reason = `the clock of this host is at ${now}, but ${what} of ${timeText(earliest)}`;
      return { reason, hint: ["sudo", "date", "--set", timeText(earliest)] };
    },
  };
}

/** Returns the requirement that everything in the bundle that is missing on this host fits on its disk. */
export function hasSpace(bundle: Bundle): Requirement {
  return {
    name: "bundle:space",
    title: "the packages of the bundle fit on the disk",
    check: (reader) => shortage(reader, bundle, missingPackages(reader, bundle), indexBytes(bundle)),
  };
}

/** Returns the requirement that the indexes of the bundle fit. Only apt determines which packages a run installs. */
export function hasSpaceForIndexes(bundle: Bundle): Requirement {
  return {
    name: "bundle:space",
    title: "the package indexes of the bundle fit on the disk",
    check: (reader) => shortage(reader, bundle, [], indexBytes(bundle)),
  };
}

/** Throws a Problem if one of these packages is neither on this host nor in the bundle. */
export function demandPacked(reader: HostReader, { path, manifest }: Bundle, names: readonly string[]): void {
  const packed = new Set(manifest.packages.map(({ name }) => name));
  const absent = names.filter((name) => !packed.has(name) && presentVersion(reader, name) === null);
  if (absent.length === 0) return;
  const message = `${few(absent)} ${absent.length === 1 ? "is" : "are"} not in the bundle ${path}`;
  throw new Problem("package-failed", message, { hint: hintToShowBundle(path) });
}

function indexBytes({ manifest }: Bundle): number {
  const sizes = new Map(manifest.members.map(({ path, size }) => [path, size]));
  const paths = new Set(manifest.repositories.flatMap(({ files }) => files));
  return (1 + indexFactor) * [...paths].reduce((bytes, path) => bytes + (sizes.get(path) ?? 0), 0);
}

/**
 * Returns why these packages do not fit on the disk, packed and installed, or null if they fit. `more`: bytes of other
 * files of the local repository.
 */
export function shortage(
  reader: HostReader,
  { manifest }: Bundle,
  packages: readonly Package[],
  more = 0,
): Unmet | null {
  const sizes = new Map(manifest.members.map(({ path, size }) => [path, size]));
  const packed = packages.reduce((bytes, { path }) => bytes + (sizes.get(path) ?? 0), more);
  const installed = packages.reduce((bytes, { installedBytes }) => bytes + installedBytes, 0);
  const [state, system] = [reader.space("/var/lib"), reader.space("/usr")];
  if (state === null || system === null) return null;
  // Two file systems hardly ever have the same number of free bytes and inodes.
  const isOne = state.bytesFree === system.bytesFree && state.inodesFree === system.inodesFree;
  const needs = isOne
    ? [{ path: "/var/lib", needed: packed + installed, free: system.bytesFree }]
    : [
        { path: "/var/lib", needed: packed, free: state.bytesFree },
        { path: "/usr", needed: installed, free: system.bytesFree },
      ];
  const short = needs.find(({ needed, free }) => needed > free);
  if (short === undefined) return null;
  const { path, needed, free } = short;
  const what = packages.length === 0 ? "the package indexes" : countOf(packages.length, "package");
  const reason = `no space left at ${path} for ${what} of the bundle: ${shortageText(needed, free)}`;
  return { reason, code: "no-space", hint: ["df", "-h", path] };
}

/** Returns the packages of the bundle that this host does not have, or has in an older version. */
export function missingPackages(reader: HostReader, bundle: Bundle): Package[] {
  const { absent, older } = comparedPackages(reader, bundle);
  return [...absent, ...older];
}

/** Returns the packages of the bundle by how they compare with those of this host. */
export function comparedPackages(reader: HostReader, { manifest: { packages } }: Bundle) {
  const versions = presentVersions(reader);
  const present = packages.flatMap((each) => {
    const found = versions.get(each.name);
    return found === undefined ? [] : [{ each, order: compareVersions(found, each.version) }];
  });
  return {
    absent: packages.filter(({ name }) => !versions.has(name)),
    older: present.flatMap(({ each, order }) => (order < 0 ? [each] : [])),
    newer: present.flatMap(({ each, order }) => (order > 0 ? [each] : [])),
  };
}

/** Returns how the versions of the bundle compare with those of this host. Newer ones on the host are no fault. */
export function versionsFinding(reader: HostReader, bundle: Bundle): CheckResult {
  const { absent, older, newer } = comparedPackages(reader, bundle);
  const kept = newer.length === 0 ? "" : `; newer on this host and kept: ${few(newer.map(({ name }) => name))}`;
  const all = countOf(bundle.manifest.packages.length, "package");
  return { status: "ok", detail: `${all}, ${absent.length} missing here, ${older.length} older here${kept}` };
}
