// Makes a bundle for a bare CI host from what apt downloads on another one, without the command that creates bundles.

import { existsSync, readFileSync } from "node:fs";
import type { Manifest } from "../../src/bundle/manifest.ts";
import { type Content, memberOf, writeBundle } from "../../src/bundle/writer.ts";
import { localHost } from "../../src/host/local.ts";
import { emptyManifest } from "../bundle/small.ts";
import type { CiHost } from "./ci-host.ts";
import { must } from "./run.ts";

const packages =
  "docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin gitlab-runner gitlab-runner-helper-images ca-certificates";
const emptyHost = "/root/status-of-a-bare-host";
const indexes = "/srv/indexes";
/** All bundles of a test are of the same age, and the clock of a host is not behind it. */
const serial = Math.floor(Date.now() / 1000) - 60;
const mirror = "http://deb.debian.org";

/** Records which packages the host has. Call this before it is prepared. */
export function recordPackages({ host }: CiHost): void {
  host.sh(`cp /var/lib/dpkg/status ${emptyHost}`);
}

/** Downloads the packages that the host lacked before it was prepared, and the indexes that list them. */
const download = (suite: string): string => `set -e
mkdir -p ${indexes}
cd ${indexes}
for place in debian/dists/${suite} debian/dists/${suite}-updates debian-security/dists/${suite}-security; do
  for file in InRelease main/binary-amd64/Packages.xz; do
    mkdir -p $(dirname $place/$file)
    /usr/lib/apt/apt-helper download-file ${mirror}/$place/$file $place/$file >/dev/null 2>&1
  done
done
mkdir -p debs/partial
state="-o Dir::State::status=${emptyHost} -o Dir::Cache::archives=${indexes}/debs"
apt="apt-get -y -qq --no-install-recommends $state"
$apt --print-uris install ${packages} >uris
$apt --download-only install ${packages} >/dev/null 2>&1`;

interface Carried {
  images: Manifest["images"];
  /** Members by path: bytes, or the path of a file. */
  contents: Record<string, Content>;
}

/** Writes a bundle with the packages of a CI host, and these images. The host was prepared, and has a network. */
export async function ciBundle(ci: CiHost, path: string, { images, contents: more }: Carried): Promise<void> {
  const { host, server } = ci;
  const { suite, docker, gitlab, folder } = ci.packages;
  const { code, stderr } = host.sh(download(suite));
  if (code !== 0) throw new Error(`nothing was downloaded\n${stderr}`);
  const from = host.root + indexes;
  const contents = new Map<string, Content>();
  const repositories: Manifest["repositories"] = [];
  const keys: Manifest["keys"] = [];
  for (const [name, each, keyUrl] of [
    ["docker", docker, `${server.url}${docker.path}/gpg`],
    ["gitlab-runner", gitlab, `${server.url}/gpgkey/gpg.key`],
  ] as const) {
    const key = `keys/${name}.asc`;
    contents.set(key, Buffer.from(each.key));
    keys.push({ url: keyUrl, path: key });
    const dists = `dists/${suite}`;
    const files = ["InRelease", `${each.component}/binary-amd64/Packages.gz`].map((file) => {
      contents.set(`repo/${name}/${dists}/${file}`, `${folder}${each.path}/${dists}/${file}`);
      return `repo/${name}/${dists}/${file}`;
    });
    const uri = `${server.url}${each.path}`;
    const { fingerprint, component } = each;
    repositories.push({ name, uri, suite, components: [component], key, fingerprint, files });
  }
  for (const [name, each] of [
    ["debian", suite],
    ["debian", `${suite}-updates`],
    ["debian-security", `${suite}-security`],
  ] as const) {
    const files = ["InRelease", "main/binary-amd64/Packages.xz"].map((file) => {
      contents.set(`repo/${name}/dists/${each}/${file}`, `${from}/${name}/dists/${each}/${file}`);
      return `repo/${name}/dists/${each}/${file}`;
    });
    const uri = `${mirror}/${name}`;
    repositories.push({ name, uri, suite: each, components: ["main"], key: null, fingerprint: null, files });
  }
  const found: Manifest["packages"] = [];
  for (const [, url = "", name = ""] of readFileSync(`${from}/uris`, "utf8").matchAll(/^'([^']+)' (\S+) /gm)) {
    const repository = repositories.find(({ uri }) => url.startsWith(`${uri}/`));
    const file = `${from}/debs/${name}`;
    if (repository === undefined || !existsSync(file)) throw new Error(`no package ${name}`);
    const member = `repo/${repository.name}/${decodeURIComponent(url.slice(repository.uri.length + 1))}`;
    contents.set(member, file);
    const fields = must(["dpkg-deb", "-f", file]);
    const field = (each: string): string => new RegExp(`^${each}: (.*)$`, "m").exec(fields)?.[1] ?? "";
    found.push({
      name: field("Package"),
      version: field("Version"),
      architecture: field("Architecture"),
      path: member,
      installedBytes: Number(field("Installed-Size") || "0") * 1024,
      licence: null,
    });
  }
  for (const [member, content] of Object.entries(more)) contents.set(member, content);
  await write(path, contents, {
    target: { family: "debian", codename: suite, architecture: "amd64" },
    with: ["docker", "runner"],
    repositories,
    keys,
    packages: found,
    images,
  });
}

/** Writes a bundle with images only. */
export function imageBundle(path: string, suite: string, { images, contents }: Carried): Promise<void> {
  const target = { family: "debian", codename: suite, architecture: "amd64" } as const;
  return write(path, new Map(Object.entries(contents)), { target, images });
}

async function write(path: string, contents: Map<string, Content>, changes: Partial<Manifest>): Promise<void> {
  const host = localHost();
  const members: Manifest["members"] = [];
  for (const [member, content] of contents) members.push(await memberOf(host, member, content));
  await writeBundle(host, { manifest: emptyManifest({ serial, ...changes, members }), contents, path, mode: 0o644 });
}

/** Returns the digest of the configuration in an archive of docker save, as `sha256:…`. */
export function configOf(archive: string): string {
  const [image] = JSON.parse(must(["tar", "-xOf", archive, "manifest.json"])) as { Config: string }[];
  return `sha256:${/[0-9a-f]{64}/.exec(image?.Config ?? "")?.[0]}`;
}
