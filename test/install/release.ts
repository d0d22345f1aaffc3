// A small signed release in a folder: the assets and the installer.

import { createSign, generateKeyPairSync } from "node:crypto";
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { filled } from "../../build/installer.ts";
import type { Architecture } from "../integration/base.ts";

export const template = readFileSync(`${import.meta.dir}/../../build/install.sh`, "utf8");

export interface Keys {
  /** The path of the private key. */
  secret: string;
  /** The public key in PEM. */
  publicKey: string;
}

export function makeKeys(dir: string): Keys {
  const secret = `${dir}/key-${crypto.randomUUID()}.pem`;
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "prime256v1",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  writeFileSync(secret, privateKey, { mode: 0o600 });
  return { secret, publicKey };
}

export interface Made {
  version: string;
  /** The folder of its assets. */
  folder: string;
  sums: string;
  installer: string;
}

/**
 * Creates a release below `root`, with the same layout as the URLs below the base URL. The release made last is the
 * latest. `binary`: the path of the only binary of the release, for this architecture.
 */
export function makeRelease(
  root: string,
  version: string,
  binary: string,
  baseUrl: string,
  keys: Keys,
  architecture: Architecture = "amd64",
): Made {
  const folder = `${root}/v${version}/downloads`;
  mkdirSync(folder, { recursive: true });
  const name = `edox-ops-linux-${architecture === "amd64" ? "x64" : architecture}`;
  copyFileSync(binary, `${folder}/${name}`);
  writeFileSync(`${folder}/${name}.gz`, gzipSync(readFileSync(binary), { level: 1 }));
  const deb = `edox-ops_${version}_${architecture}.deb`;
  package_(binary, version, architecture, `${folder}/${deb}`);

  const sums = [name, `${name}.gz`, deb].map((each) => `${sha256(`${folder}/${each}`)}  ${each}\n`).join("");
  writeFileSync(`${folder}/SHA256SUMS`, sums);
  sign(folder, keys);
  const installer = filled(template, { version, baseUrl, publicKey: keys.publicKey, sums });
  writeFileSync(`${folder}/install.sh`, installer);

  const latest = `${root}/permalink/latest/downloads`;
  rmSync(latest, { recursive: true, force: true });
  cpSync(folder, latest, { recursive: true });
  return { version, folder, sums, installer };
}

export function sign(folder: string, keys: Keys): void {
  const [from, to] = [`${folder}/SHA256SUMS`, `${folder}/SHA256SUMS.sig`];
  writeFileSync(to, createSign("sha256").update(readFileSync(from)).sign(readFileSync(keys.secret)));
}

export function sha256(path: string): string {
  return new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
}

function package_(binary: string, version: string, architecture: Architecture, to: string): void {
  const tree = `${to}.tree`;
  mkdirSync(`${tree}/DEBIAN`, { recursive: true });
  mkdirSync(`${tree}/usr/bin`, { recursive: true });
  copyFileSync(binary, `${tree}/usr/bin/edox-ops`);
  chmodSync(`${tree}/usr/bin/edox-ops`, 0o755);
  const fields = { Package: "edox-ops", Version: version, Architecture: architecture, Description: "for tests" };
  const maintained = { ...fields, Maintainer: "Tests <t@example.test>" };
  const lines = Object.entries(maintained).map(([key, value]) => `${key}: ${value}\n`);
  writeFileSync(`${tree}/DEBIAN/control`, lines.join(""));
  // A release has xz, which takes 16 s of a processor for the program where gzip takes 4 s.
  must("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, to);
  rmSync(tree, { recursive: true });
}

function must(...argv: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(argv, { stdin: "ignore" });
  if (!success) throw new Error(`${argv.join(" ")} failed\n${stderr}`);
  return stdout.toString();
}
