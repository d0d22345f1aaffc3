// Builds a reproducible Debian package around the binary: the same content gives the same bytes, at any time and place.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

export interface Content {
  /** Relative to the root of the file system, without a leading slash. */
  path: string;
  bytes: Uint8Array | string;
  mode: number;
}

export interface Wanted {
  version: string;
  architecture: "amd64" | "arm64";
  /** Modification time of all files, in Unix seconds. */
  time: number;
  contents: readonly Content[];
  /** The compression level of xz. */
  level: number;
}

const text = {
  Maintainer: "The edox-ops founders <edox-ops@localhost>",
  Section: "admin",
  Priority: "optional",
  Description:
    "prepares a host for documentation sites and CI\n One executable without a runtime: packages, nginx, sites and their deploys,\n Docker Engine and GitLab Runner, and a doctor for all of it.",
};

/** Writes the package into the folder and returns its name. Needs dpkg-deb, which every Debian has. */
export async function debianPackage(wanted: Wanted, dir: string): Promise<string> {
  const { version, architecture, time, contents, level } = wanted;
  const work = mkdtempSync(`${tmpdir()}/edox-deb-`);
  const name = `edox-ops_${version}_${architecture}.deb`;
  try {
    const bytes = contents.reduce((sum, each) => sum + each.bytes.length, 0);
    const fields = {
      Package: "edox-ops",
      Version: version,
      Architecture: architecture,
      ...{ Maintainer: text.Maintainer, "Installed-Size": String(Math.ceil(bytes / 1024)) },
      ...{ Section: text.Section, Priority: text.Priority, Description: text.Description },
    };
    const control = Object.entries(fields).map(([field, value]) => `${field}: ${value}\n`);
    await place(work, { path: "DEBIAN/control", bytes: control.join(""), mode: 0o644 });
    for (const each of contents) await place(work, each);
    // Files created during the build get the time of the release.
    for (const path of readdirSync(work, { recursive: true }) as string[]) utimesSync(`${work}/${path}`, time, time);
    utimesSync(work, time, time);
    chmodSync(work, 0o755);
    const argv = [
      "dpkg-deb",
      "--root-owner-group",
      "-Zxz",
      `-z${level}`,
      "--threads-max=1",
      "--build",
      work,
      `${dir}/${name}`,
    ];
    const child = Bun.spawn(argv, {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
      stdout: "ignore",
      stderr: "pipe",
    });
    if ((await child.exited) !== 0) throw new Error(`dpkg-deb failed\n${await child.stderr.text()}`);
    return name;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function place(root: string, { path, bytes, mode }: Content): Promise<void> {
  mkdirSync(dirname(`${root}/${path}`), { recursive: true, mode: 0o755 });
  await Bun.write(`${root}/${path}`, bytes);
  chmodSync(`${root}/${path}`, mode);
}
