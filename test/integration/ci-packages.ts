// The repositories of Docker and GitLab Runner for apt: built once, signed with test keys, and cached. The engine is
// Debian's under Docker's package names, and gitlab-runner is test/stand-in/gitlab-runner.ts.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import type { Suite } from "./base.ts";
import { dockerPackages } from "./ci-docker.ts";
import { makeKeys, type SigningKey, sign } from "./ci-keys.ts";
import { runnerPackages } from "./ci-runner.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";

export interface Repository {
  /** The path below the served folder, as it follows the server's name in `URIs:`. */
  path: string;
  /** The path of the key on the server. */
  keyPath: string;
  /** The fingerprint of the primary key, 40 hexadecimal digits. */
  fingerprint: string;
  /** The served key in ASCII armor. */
  key: string;
  /** The same key as of an earlier date, which has expired. */
  expiredKey: string;
  component: string;
}

export interface CiPackages {
  suite: Suite;
  /** The folder for ci-server.ts. */
  folder: string;
  docker: Repository;
  gitlab: Repository;
}

export type Name = "docker" | "gitlab";

/** The gitlab-runner versions. Packages of both exist. */
export const runnerVersions = ["19.3.0", "19.4.0"] as const;

/**
 * `tampered`: InRelease and Release were changed after signing. `mismatched`: the package list was. `foreign`: signed
 * by another key than the served one. `swapped`: that other key is served as well. `expired`: the right key, but
 * expired. `old`: without the newest gitlab-runner.
 */
export type Fault = "tampered" | "mismatched" | "foreign" | "swapped" | "expired" | "old";

const layouts = {
  docker: { path: "/linux/debian", keyPath: "/linux/debian/gpg", component: "stable", origin: "Docker" },
  gitlab: {
    path: "/runner/gitlab-runner/debian",
    keyPath: "/gpgkey/gpg.key",
    component: "main",
    origin: "packages.gitlab.com/runner/gitlab-runner",
  },
} as const;

/**
 * Returns the packages, and builds them first if needed, in 20 seconds. The cache is specific to this recipe, and older
 * entries stay.
 */
export async function ciPackages(suite: Suite): Promise<CiPackages> {
  const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const dir = `${cache}/ci-${suite}-${recipe()}`;
  if (existsSync(dir)) return described(suite, dir);
  console.error(`making the packages of Docker and GitLab Runner for ${suite}, once: about 20 seconds`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(`${cache}/make-`);
  try {
    const pools = { docker: pool(work, "docker"), gitlab: pool(work, "gitlab") };
    using host = await TestHost.up(suite);
    dockerPackages(host, suite, pools.docker);
    runnerPackages(runnerVersions, pools.gitlab);
    mkdirSync(`${work}/keys`, { mode: 0o700 });
    for (const name of ["docker", "gitlab"] as const) {
      makeKeys(`${work}/keys/${name}`, name === "docker");
      publish(work, suite, name, { key: "good" });
    }
    // Another process may have finished first.
    if (!existsSync(dir)) renameSync(work, dir);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return described(suite, dir);
}

/** Returns the hash of these files and of the stand-in's sources, which identifies the packages. */
function recipe(): string {
  const digest = new Bun.CryptoHasher("sha256");
  const near = ["ci-packages.ts", "ci-docker.ts", "ci-keys.ts", "ci-runner.ts", "dind-image.ts"].map(
    (name) => `${import.meta.dir}/${name}`,
  );
  const dir = `${import.meta.dir}/../stand-in`;
  const parts = readdirSync(dir).filter((name) => /^(gitlab-runner|runner-.*)\.ts$/.test(name));
  for (const path of [...near, ...parts.sort().map((name) => `${dir}/${name}`)]) digest.update(readFileSync(path));
  return digest.digest("hex").slice(0, 12);
}

function pool(dir: string, name: Name): string {
  const path = `${dir}/www${layouts[name].path}/pool`;
  mkdirSync(path, { recursive: true });
  return path;
}

function described(suite: Suite, dir: string): CiPackages {
  const repository = (name: Name): Repository => {
    const { path, keyPath, component } = layouts[name];
    const of = (what: string) => readFileSync(`${dir}/keys/${name}/${what}`, "utf8");
    const fingerprint = of("fingerprint").trim();
    return { path, keyPath, component, fingerprint, key: of("good.asc"), expiredKey: of("expired.asc") };
  };
  return { suite, folder: `${dir}/www`, docker: repository("docker"), gitlab: repository("gitlab") };
}

/** Returns the folder of a faulty copy to serve in place of the good one. It is built once and cached beside it. */
export function spoiled(packages: CiPackages, name: Name, fault: Fault): string {
  const top = dirname(packages.folder);
  const dir = `${top}/${name}-${fault}`;
  if (existsSync(dir)) return `${dir}/www`;
  const work = mkdtempSync(`${top}/make-`);
  try {
    spoil(packages, name, fault, work);
    if (!existsSync(dir)) renameSync(work, dir);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return `${dir}/www`;
}

function spoil({ suite, folder }: CiPackages, name: Name, fault: Fault, dir: string): void {
  for (const each of ["docker", "gitlab"] as const) {
    const { path, keyPath } = layouts[each];
    mkdirSync(`${dir}/www${path}`, { recursive: true });
    symlinkSync(`${folder}${path}/pool`, `${dir}/www${path}/pool`);
    cpSync(`${folder}${path}/dists`, `${dir}/www${path}/dists`, { recursive: true });
    cpSync(`${folder}${keyPath}`, `${dir}/www${keyPath}`);
  }
  symlinkSync(`${folder}/../keys`, `${dir}/keys`);
  const dists = `${dir}/www${layouts[name].path}/dists/${suite}`;
  if (fault === "tampered") {
    for (const file of ["InRelease", "Release"]) edit(`${dists}/${file}`, /^Label: .*$/m, "Label: tampered with");
  } else if (fault === "mismatched") {
    const lists = `${dists}/${layouts[name].component}/binary-amd64`;
    edit(`${lists}/Packages`, /^Version: .*$/m, "Version: 99:1");
    must(["gzip", "-9nkf", `${lists}/Packages`]);
  } else {
    // apt accepts no list that is older than its current one.
    const [, made = ""] = /^Date: (.*)$/m.exec(readFileSync(`${dists}/Release`, "utf8")) ?? [];
    const yesterday = new Date(Date.parse(made) - 86_400_000);
    const wanted: Record<typeof fault, Wanted> = {
      foreign: { key: "good", signer: "foreign" },
      swapped: { key: "foreign", signer: "foreign" },
      expired: { key: "expired" },
      old: { key: "good", without: runnerVersions[1], date: yesterday },
    };
    publish(dir, suite, name, wanted[fault]);
  }
}

function edit(path: string, what: RegExp, by: string): void {
  writeFileSync(path, readFileSync(path, "utf8").replace(what, by));
}

interface Wanted {
  key: SigningKey | "expired";
  signer?: SigningKey;
  /** Packages whose file names contain this are not listed. */
  without?: string;
  date?: Date;
}

/** Writes the lists of the packages in the pool, and the key that clients are to trust. */
function publish(
  dir: string,
  suite: Suite,
  name: Name,
  { key, signer = "good", without = "", date = new Date() }: Wanted,
): void {
  const { path, keyPath, component, origin } = layouts[name];
  const top = `${dir}/www${path}`;
  const dists = `${top}/dists/${suite}`;
  const lists = `${component}/binary-amd64`;
  rmSync(dists, { recursive: true, force: true });
  mkdirSync(`${dists}/${lists}`, { recursive: true });
  const files = readdirSync(`${top}/pool`).filter((file) => without === "" || !file.includes(without));
  writeFileSync(
    `${dists}/${lists}/Packages`,
    files
      .sort()
      .map((file) => entry(top, `pool/${file}`))
      .join("\n"),
  );
  must(["gzip", "-9nk", `${dists}/${lists}/Packages`]);
  const sums = ["Packages", "Packages.gz"].map((file) => {
    const bytes = readFileSync(`${dists}/${lists}/${file}`);
    return ` ${digestOf(bytes)} ${bytes.length} ${lists}/${file}`;
  });
  const head = {
    Origin: origin,
    Label: `${origin} (a stand-in for tests)`,
    Suite: suite,
    Codename: suite,
    Date: date.toUTCString().replace("GMT", "+0000"),
    Architectures: "amd64",
    Components: component,
  };
  const lines = Object.entries(head).map(([field, value]) => `${field}: ${value}`);
  writeFileSync(`${dists}/Release`, `${[...lines, "SHA256:", ...sums].join("\n")}\n`);
  sign(`${dir}/keys/${name}`, signer, `${dists}/Release`);
  const served = `${dir}/www${keyPath}`;
  mkdirSync(dirname(served), { recursive: true });
  cpSync(`${dir}/keys/${name}/${key}.asc`, served);
  chmodSync(served, 0o644);
}

function entry(top: string, file: string): string {
  const bytes = readFileSync(`${top}/${file}`);
  const control = must(["dpkg-deb", "--field", `${top}/${file}`]).trimEnd();
  return `${control}\nFilename: ${file}\nSize: ${bytes.length}\nSHA256: ${digestOf(bytes)}\n`;
}

function digestOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

if (import.meta.main) console.log((await ciPackages(process.argv[2] as Suite)).folder);
