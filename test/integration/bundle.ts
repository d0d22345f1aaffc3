// Makes a bundle for a bare host from what apt downloads on another one, without the command that creates bundles.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import type { Manifest } from "../../src/bundle/manifest.ts";
import { memberOf, writeBundle } from "../../src/bundle/writer.ts";
import { localHost } from "../../src/host/local.ts";
import { emptyManifest } from "../bundle/small.ts";
import type { Suite } from "./base.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";

const mirror = "http://deb.debian.org";
const mirrorDir = "/srv/mirror";

/**
 * Downloads the indexes of the distribution, and the packages that a system without any package would need for
 * bootstrap.
 */
const download = (suite: Suite): string => `set -e
mkdir -p ${mirrorDir}/debs/partial
cd ${mirrorDir}
apt-get update -qq
for place in debian/dists/${suite} debian/dists/${suite}-updates debian-security/dists/${suite}-security; do
  for file in InRelease main/binary-amd64/Packages.xz; do
    mkdir -p $(dirname repo/$place/$file)
    /usr/lib/apt/apt-helper download-file ${mirror}/$place/$file repo/$place/$file >/dev/null 2>&1
  done
done
apt="apt-get -y -qq --no-install-recommends -o Dir::State::status=/dev/null -o Dir::Cache::archives=${mirrorDir}/debs"
$apt --print-uris install nginx git curl rsync ca-certificates >uris
$apt --download-only install nginx git curl rsync ca-certificates >/dev/null 2>&1`;

/** Returns the path of a bundle for bootstrap on a host of this suite. It is made once, and cached. */
export async function hostBundle(suite: Suite): Promise<string> {
  const dir = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const recipe = Bun.hash(readFileSync(import.meta.path)).toString(16);
  const path = `${dir}/bundle-${suite}-${recipe}.tar`;
  if (existsSync(path)) return path;
  console.error(`making a bundle for ${suite}, once: some seconds`);
  using source = await TestHost.up(suite);
  const { code, stderr } = source.sh(download(suite));
  if (code !== 0) throw new Error(stderr);
  mkdirSync(dir, { recursive: true });
  await make(suite, source.root + mirrorDir, path);
  return path;
}

async function make(suite: Suite, from: string, path: string): Promise<void> {
  const contents = new Map<string, string>();
  const packages: Manifest["packages"] = [];
  const downloaded = new Set(readdirSync(`${from}/debs`));
  for (const [, uri = "", name = ""] of readFileSync(`${from}/uris`, "utf8").matchAll(/^'([^']+)' (\S+) /gm)) {
    if (!downloaded.has(name)) throw new Error(`apt did not download ${name}`);
    const member = `repo/${decodeURIComponent(uri.slice(`${mirror}/`.length))}`;
    contents.set(member, `${from}/debs/${name}`);
    const fields = must(["dpkg-deb", "-f", `${from}/debs/${name}`]);
    const field = (each: string): string => new RegExp(`^${each}: (.*)$`, "m").exec(fields)?.[1] ?? "";
    packages.push({
      name: field("Package"),
      version: field("Version"),
      architecture: field("Architecture"),
      path: member,
      installedBytes: Number(field("Installed-Size")) * 1024,
      licence: null,
    });
  }
  const repositories = [
    ["debian", suite],
    ["debian", `${suite}-updates`],
    ["debian-security", `${suite}-security`],
  ].map(([name = "", each = ""]) => {
    const place = `repo/${name}/dists/${each}`;
    const files = [`${place}/InRelease`, `${place}/main/binary-amd64/Packages.xz`];
    for (const file of files) contents.set(file, `${from}/${file}`);
    const uri = `${mirror}/${name}`;
    return { name, uri, suite: each, components: ["main"], key: null, fingerprint: null, files };
  });
  const host = localHost();
  const members: Manifest["members"] = [];
  for (const [member, file] of contents) members.push(await memberOf(host, member, file));
  const dates = repositories.map(({ files }) => /^Date: (.+)$/m.exec(readFileSync(`${from}/${files[0]}`, "utf8"))?.[1]);
  const serial = Math.max(...dates.map((date) => Date.parse(date ?? "") / 1000));
  const target = { family: "debian", codename: suite, architecture: "amd64" } as const;
  const manifest = emptyManifest({ serial, target, repositories, packages, members });
  await writeBundle(host, { manifest, contents, path, mode: 0o644 });
}
