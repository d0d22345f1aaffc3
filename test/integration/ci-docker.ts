// Repackages Debian's Docker Engine under the names of Docker's packages: a real engine with test packages. Debian's
// own package conflicts with those names, so no package could simply depend on it.

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import type { Suite } from "./base.ts";
import { build } from "./ci-runner.ts";
import { must } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** The packages that `apt-get install` of the engine names. */
export const dockerNames = "docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin".split(
  " ",
);

const releases: Record<Suite, string> = { bookworm: "debian.12~bookworm", trixie: "debian.13~trixie" };
const debianNames = "docker.io docker-cli containerd runc docker-buildx docker-compose".split(" ");
const pluginDir = "/usr/libexec/docker/cli-plugins";

/** Debian packages by name, with their path and dependencies. */
type Found = Map<string, { path: string; depends: string[]; version: string }>;

interface Wanted {
  name: string;
  version: string;
  /** Maintainer scripts and configuration files are taken from the first one. */
  from: string[];
  control: Record<string, string>;
  /** These replace the dependencies between Debian's parts. */
  depends?: string[];
}

/** Writes five packages into the pool. The host provides the suite's packages, and is no longer bare afterwards. */
export function dockerPackages(host: TestHost, suite: Suite, pool: string): void {
  const work = mkdtempSync(`${tmpdir()}/edox-docker-`);
  try {
    const found = fetched(host);
    const release = releases[suite];
    const engine = `5:28.0.0-1~${release}`;
    const splits = found.has("docker-cli");
    const oldNames = "docker (<< 1.5~), docker-engine, docker.io";
    repack(work, pool, found, {
      name: "docker-ce",
      version: engine,
      from: ["docker.io"],
      depends: ["containerd.io", "docker-ce-cli", "iptables"],
      control: { Recommends: "apparmor, ca-certificates, git, pigz, procps, xz-utils", ...conflict(oldNames) },
    });
    repack(work, pool, found, {
      name: "docker-ce-cli",
      version: engine,
      from: [splits ? "docker-cli" : "docker.io"],
      control: { ...conflict(`${oldNames}, docker-cli`), Recommends: "docker-buildx-plugin, docker-compose-plugin" },
    });
    repack(work, pool, found, {
      name: "containerd.io",
      version: "1.7.25-1",
      from: ["containerd", "runc"],
      control: { Provides: "containerd, runc", ...conflict("containerd, runc") },
    });
    plugin(work, pool, found, "buildx", `0.21.1-1~${release}`);
    plugin(work, pool, found, "compose", `2.33.1-1~${release}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const conflict = (names: string) => ({ Conflicts: names, Replaces: names });

function fetched(host: TestHost): Found {
  const known = `$(apt-cache --quiet=0 pkgnames | grep -xF "${debianNames.join("\n")}")`;
  const { code, stderr } = host.sh(`cd /root && apt-get update -q >&2 && apt-get download -q ${known} >&2`);
  if (code !== 0) throw new Error(stderr);
  const found: Found = new Map();
  for (const file of readdirSync(`${host.root}/root`).filter((name) => name.endsWith(".deb"))) {
    const path = `${host.root}/root/${file}`;
    const field = (name: string) => must(["dpkg-deb", "--field", path, name]).trim();
    const depends = [field("Pre-Depends"), field("Depends")].join(", ").split(/\s*,\s*/);
    found.set(field("Package"), { path, depends: depends.filter(Boolean), version: field("Version") });
  }
  return found;
}

function repack(
  work: string,
  pool: string,
  found: Found,
  { name, version, from, control, depends = [] }: Wanted,
): void {
  const dir = `${work}/${name}`;
  const parts = from.map((part) => {
    const one = found.get(part);
    if (one === undefined) throw new Error(`the suite has no ${part}`);
    return one;
  });
  for (const [at, { path }] of parts.entries()) must(["dpkg-deb", at === 0 ? "--raw-extract" : "--extract", path, dir]);
  if (!found.has("docker-cli") && from.includes("docker.io")) split(dir, name);
  if (name === "docker-ce") keepData(dir);
  rmSync(`${dir}/DEBIAN/md5sums`, { force: true });
  const needed = parts
    .flatMap((part) => part.depends)
    .filter((each) => !debianNames.includes(each.split(" ")[0] ?? ""));
  build(dir, pool, {
    Package: name,
    Version: version,
    Architecture: "amd64",
    Maintainer: "edox-ops tests <tests@localhost>",
    Depends: [...new Set([...depends, ...needed])].join(", "),
    Section: "admin",
    Priority: "optional",
    ...control,
    Description: `Debian's ${from.join(" and ")} under Docker's name: a stand-in for tests`,
  });
}

/** A purge of Debian's package removes /var/lib/docker, and one of Docker's does not. */
function keepData(dir: string): void {
  rmSync(`${dir}/usr/share/docker.io`, { recursive: true });
  const postrm = `${dir}/DEBIAN/postrm`;
  const text = readFileSync(postrm, "utf8");
  const kept = text.replace("if [ -x /var/lib/docker/nuke-graph-directory.sh ]", "if false");
  if (kept === text) throw new Error("the suite's docker.io is purged in another way");
  writeFileSync(postrm, kept);
}

/** If the engine's package contains the command as well, each of the two keeps its part. */
function split(dir: string, name: string): void {
  const command = `${dir}/usr/bin/docker`;
  if (name === "docker-ce") {
    rmSync(command);
    return;
  }
  renameSync(command, `${dir}/command`);
  for (const each of readdirSync(dir)) if (each !== "command") rmSync(`${dir}/${each}`, { recursive: true });
  mkdirSync(dirname(command), { recursive: true });
  renameSync(`${dir}/command`, command);
}

function plugin(work: string, pool: string, found: Found, name: "buildx" | "compose", version: string): void {
  const debian = `docker-${name}`;
  const control = name === "buildx" ? conflict(debian) : {};
  // Before version 2 it was a different program.
  if (!/^(1\.|$)/.test(found.get(debian)?.version ?? "")) {
    repack(work, pool, found, { name: `${debian}-plugin`, version, from: [debian], control: conflict(debian) });
    return;
  }
  const dir = `${work}/${debian}-plugin`;
  const path = `${dir}${pluginDir}/${debian}`;
  mkdirSync(dirname(path), { recursive: true });
  const about = { SchemaVersion: "0.1.0", Vendor: "edox-ops tests", Version: version, ShortDescription: "A stand-in" };
  const script = `#!/bin/sh
case "$1" in
docker-cli-plugin-metadata) echo '${JSON.stringify(about)}' ;;
*) echo "${debian} version v${version.split("-")[0]} (a stand-in for tests)" ;;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  build(dir, pool, {
    Package: `${debian}-plugin`,
    Version: version,
    Architecture: "amd64",
    Maintainer: "edox-ops tests <tests@localhost>",
    ...control,
    Description: `A stand-in for tests: the suite has no ${debian} that is a plugin, and this one does nothing`,
  });
}
