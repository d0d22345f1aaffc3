// The repositories of a distribution as they were 400 days ago, signed by a test key: real packages under lists whose
// validity has ended.

import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Suite } from "./base.ts";
import { makeKeys, sign } from "./ci-keys.ts";
import { must } from "./run.ts";

const day = 86_400_000;
/** The date of the lists. */
export const oldDate = new Date(Math.floor(Date.now() / 1000) * 1000 - 400 * day);

/**
 * Writes the repositories into `dir`: `debian`, and `debian-security`, which lists packages with these names a second
 * time. `packages`: a folder with packages. Returns the path of the key, in the binary format of a keyring.
 */
export function oldRepositories(dir: string, suite: Suite, packages: string, twice: readonly string[]): string {
  makeKeys(`${dir}/keys`, false);
  const files = readdirSync(packages).filter((name) => name.endsWith(".deb"));
  const isTwice = (file: string): boolean => twice.includes(file.split("_")[0] ?? "");
  const [again, once] = [files.filter(isTwice), files.filter((file) => !isTwice(file))];
  for (const [name, of, contents] of [
    ["debian", suite, once],
    ["debian", `${suite}-updates`, again],
    ["debian-security", `${suite}-security`, again],
  ] as const) {
    const pool = `${dir}/${name}/pool`;
    mkdirSync(pool, { recursive: true });
    for (const file of contents) linkSync(`${packages}/${file}`, `${pool}/${file}`);
    publish(`${dir}/${name}`, of, contents);
    sign(`${dir}/keys`, "good", `${dir}/${name}/dists/${of}/Release`);
  }
  must(["gpg", "--batch", "--yes", "--output", `${dir}/keys/good.gpg`, "--dearmor", `${dir}/keys/good.asc`]);
  return `${dir}/keys/good.gpg`;
}

function publish(top: string, suite: string, files: readonly string[]): void {
  const lists = "main/binary-amd64";
  const dists = `${top}/dists/${suite}`;
  mkdirSync(`${dists}/${lists}`, { recursive: true });
  const entries = files.map((file) => {
    const bytes = readFileSync(`${top}/pool/${file}`);
    const control = must(["dpkg-deb", "--field", `${top}/pool/${file}`]).trimEnd();
    return `${control}\nFilename: pool/${file}\nSize: ${bytes.length}\nSHA256: ${digestOf(bytes)}\n`;
  });
  writeFileSync(`${dists}/${lists}/Packages`, entries.join("\n"));
  must(["gzip", "-nk", `${dists}/${lists}/Packages`]);
  const dateText = (date: Date): string => date.toUTCString().replace("GMT", "+0000");
  const head = [
    ...["Origin: Debian", "Label: Debian", `Suite: ${suite}`, `Codename: ${suite}`],
    ...[`Date: ${dateText(oldDate)}`, `Valid-Until: ${dateText(new Date(oldDate.getTime() + 7 * day))}`],
    ...["Architectures: amd64", "Components: main", "SHA256:"],
  ];
  const sums = ["Packages", "Packages.gz"].map((name) => {
    const bytes = readFileSync(`${dists}/${lists}/${name}`);
    return ` ${digestOf(bytes)} ${bytes.length} ${lists}/${name}`;
  });
  writeFileSync(`${dists}/Release`, `${[...head, ...sums].join("\n")}\n`);
}

function digestOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
