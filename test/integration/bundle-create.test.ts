// Bundles made by the apt of this machine, for its own and for other systems, from the distribution's real repositories
// and the stand-ins of Docker's and GitLab's.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { openBundle } from "../../src/bundle/reader.ts";
import { localHost } from "../../src/host/local.ts";
import type { Document } from "../../src/report/schema.ts";
import { type CiPackages, ciPackages } from "./ci-packages.ts";
import { type CiServer, serveFolder } from "./ci-server.ts";
import { must, run } from "./run.ts";
import { TestHost } from "./test-host.ts";

const program = `${import.meta.dir}/../../dist/linux-x64/edox-ops`;
const folder = mkdtempSync(`${tmpdir()}/edox-bundle-`);
chmodSync(folder, 0o755);
const hostPackages = ["nginx", "git", "curl", "rsync", "ca-certificates"];
let packages: CiPackages;
let server: CiServer;
let host: TestHost;

beforeAll(async () => {
  packages = await ciPackages("trixie");
  server = await serveFolder(packages.folder, "127.0.0.1");
  host = await TestHost.bare("trixie");
});
afterAll(() => {
  host?.down();
  server?.[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Made {
  code: number;
  document: Document;
  stderr: string;
}

/** Creates a bundle in the folder. `cache`: the name of the cache that it uses. */
async function create(name: string, words: readonly string[], cache = "cache"): Promise<Made> {
  const argv = [program, "bundle", "create", "--program", "none", "--json", "-o", `${folder}/${name}`, ...words];
  const env = { ...process.env, XDG_CACHE_HOME: `${folder}/${cache}` };
  const child = Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe", env });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, document: JSON.parse(stdout), stderr };
}

async function made(name: string, words: readonly string[], cache?: string): Promise<NonNullable<Document["created"]>> {
  const { code, document, stderr } = await create(name, words, cache);
  expect([code, document.error, stderr.match(/^error.*/m)]).toEqual([0, undefined, null]);
  const bundle = openBundle(localHost(), `${folder}/${name}`);
  await bundle.verify();
  bundle.close();
  return document.created as NonNullable<Document["created"]>;
}

function manifestOf(name: string) {
  const bundle = openBundle(localHost(), `${folder}/${name}`);
  bundle.close();
  return bundle.manifest;
}

const namesIn = (name: string): string[] =>
  manifestOf(name)
    .packages.map((each) => `${each.name}=${each.version}:${each.architecture}`)
    .sort();

/** Returns what the host's own apt would download for these packages. */
function resolvedOnHost(...words: readonly string[]): string[] {
  const { code, stdout, stderr } = host.run([
    "apt-get",
    "-qq",
    "-y",
    ...words,
    "--print-uris",
    "install",
    ...hostPackages,
  ]);
  if (code !== 0) throw new Error(stderr);
  const found = [...stdout.matchAll(/^'[^']+' ([^_]+)_([^_]+)_([^_]+)\.deb /gm)];
  return found.map(([, name, version, arch]) => `${name}=${decodeURIComponent(version ?? "")}:${arch}`).sort();
}

const mirrors = (address = server.url): string[] => [
  ...["--docker-apt-url", `${address}${packages.docker.path}`, "--docker-apt-fingerprint", packages.docker.fingerprint],
  ...["--runner-apt-url", `${address}${packages.gitlab.path}`, "--runner-apt-fingerprint", packages.gitlab.fingerprint],
];

test("bundle create: a second run fetches nothing and writes the same bytes", async () => {
  const before = must([
    "sh",
    "-c",
    "find /var/lib/apt /var/cache/apt /var/lib/dpkg /etc/apt -printf '%p %T@\\n' | sort",
  ]);
  const words = ["--suite", "bookworm", "--arch", "amd64", "--with", "host"];
  const first = await made("bookworm.tar", words);
  const second = await made("again.tar", words);
  expect([first.fetched_bytes > 10e6, second.fetched_bytes]).toEqual([true, 0]);
  expect(Buffer.compare(readFileSync(`${folder}/bookworm.tar`), readFileSync(`${folder}/again.tar`))).toBe(0);
  expect(namesIn("bookworm.tar").map((each) => each.split("=")[0])).toEqual(expect.arrayContaining(hostPackages));
  // The apt of this machine is as it was.
  const after = must([
    "sh",
    "-c",
    "find /var/lib/apt /var/cache/apt /var/lib/dpkg /etc/apt -printf '%p %T@\\n' | sort",
  ]);
  expect(after).toBe(before);
});

test("bundle create: a bundle for another suite holds what an apt of that suite resolves", async () => {
  await made("trixie.tar", ["--suite", "trixie", "--arch", "amd64", "--with", "host"]);
  expect(host.run(["apt-get", "-qq", "update"]).code).toBe(0);
  expect(namesIn("trixie.tar")).toEqual(resolvedOnHost("-o", "Dir::State::status=/dev/null"));
});

test("bundle create: a bundle for the inventory of a host contains only what is missing on it", async () => {
  expect(host.run(["edox-ops", "doctor", "--inventory", "/root/inventory.json"]).code).toBe(0);
  await made("for.tar", ["--for", `${host.root}/root/inventory.json`, "--with", "host"]);
  const resolved = resolvedOnHost();
  expect(namesIn("for.tar")).toEqual(resolved);
  expect(resolved.length).toBeLessThan(namesIn("trixie.tar").length);
});

test("bundle create: a bundle for another architecture has its packages", async () => {
  await made("arm64.tar", ["--suite", "bookworm", "--arch", "arm64", "--with", "host"]);
  const { packages: all } = manifestOf("arm64.tar");
  expect([...new Set(all.map(({ architecture }) => architecture))].sort()).toEqual(["all", "arm64"]);
  expect(run(["dpkg", "--print-foreign-architectures"]).stdout).toBe("");
  const names = new Set(all.map(({ name }) => name));
  const own = manifestOf("bookworm.tar").packages.map(({ name }) => name);
  expect(own.filter((name) => !names.has(name))).toEqual([]);
});

test("bundle create: the vendors' repositories and keys are in the bundle, and a delta holds what changed", async () => {
  const words = ["--suite", "trixie", "--arch", "amd64", ...mirrors()];
  await made("ci.tar", [...words, "--with", "host,docker,runner"]);
  const { repositories, keys, with: parts } = manifestOf("ci.tar");
  expect(parts).toEqual(["host", "docker", "runner"]);
  expect(repositories.find(({ name }) => name === "docker")?.fingerprint).toBe(packages.docker.fingerprint);
  expect(keys.map(({ path }) => path)).toEqual(expect.arrayContaining(["keys/docker.asc", "keys/gitlab-runner.asc"]));
  const delta = await made("delta.tar", [...words, "--with", "host,docker,runner", "--since", `${folder}/trixie.tar`]);
  const vendors = /^(docker-|containerd\.io|gitlab-runner)/;
  const had = namesIn("trixie.tar");
  expect(namesIn("delta.tar").filter((each) => had.includes(each))).toEqual([]);
  expect(namesIn("delta.tar").filter((each) => vendors.test(each))).toHaveLength(7);
  const { kept, since } = manifestOf("delta.tar");
  expect([delta.since, since?.id]).toEqual([since?.id ?? null, since?.id]);
  expect(kept.map(({ path }) => path)).toContain("repo/debian/dists/trixie/main/binary-amd64/Packages.xz");
});

/** Serves the vendors' packages. With `cut`, the server ends in the middle of the first large one. */
function lossyServer(port: number, ranges: string[], cut: boolean): ReturnType<typeof Bun.serve> {
  const lossy = Bun.serve({
    hostname: "127.0.0.1",
    port,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const file = Bun.file(`${packages.folder}${decodeURIComponent(pathname)}`);
      if (!(await file.exists())) return new Response(null, { status: 404 });
      const headers = { "Last-Modified": new Date(file.lastModified).toUTCString(), "Accept-Ranges": "bytes" };
      if (!pathname.includes("containerd")) return new Response(file, { headers });
      const { size } = file;
      const range = request.headers.get("Range");
      if (range !== null) {
        ranges.push(range);
        const start = Number(/^bytes=(\d+)-/.exec(range)?.[1]);
        const part = { ...headers, "Content-Range": `bytes ${start}-${size - 1}/${size}` };
        return new Response(file.slice(start), { status: 206, headers: part });
      }
      if (!cut) return new Response(file, { headers });
      const content = new ReadableStream({
        async start(controller) {
          controller.enqueue(new Uint8Array(await file.slice(0, size / 2).arrayBuffer()));
          await Bun.sleep(500);
          await lossy.stop(true);
        },
      });
      return new Response(content, { headers: { ...headers, "Content-Length": String(size) } });
    },
  });
  return lossy;
}

test("bundle create: a download that was cut off is resumed by the next run", async () => {
  const ranges: string[] = [];
  const first = lossyServer(0, ranges, true);
  const { port = 0 } = first;
  const words = ["--suite", "trixie", "--arch", "amd64", "--with", "docker", ...mirrors(`http://127.0.0.1:${port}`)];
  const { code, document } = await create("cut.tar", words, "lossy");
  await first.stop(true);
  expect([code, document.error?.code]).toEqual([1, "unreachable"]);
  expect(statSync(`${folder}/cut.tar`, { throwIfNoEntry: false })).toBeUndefined();
  expect(ranges).toEqual([]);
  using second = lossyServer(port, ranges, false);
  expect(second.port).toBe(port);
  await made("cut.tar", words, "lossy");
  expect(ranges.map((range) => Number(/\d+/.exec(range)?.[0]) > 1e6)).toEqual([true]);
});

test("bundle create: a site, a signature and parts are readable by tar, openssl and cat", async () => {
  const site = `${folder}/site`;
  mkdirSync(`${site}/.git`, { recursive: true });
  for (const [name, text] of [
    ["index.html", "<p>hello"],
    [".git/config", "x"],
    ["ünïcode.txt", "u"],
    [`${"n".repeat(120)}.txt`, "n"],
  ]) {
    writeFileSync(`${site}/${name}`, text ?? "");
  }
  must(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${folder}/key.pem`]);
  must(["openssl", "ec", "-in", `${folder}/key.pem`, "-pubout", "-out", `${folder}/public.pem`]);
  chmodSync(`${folder}/key.pem`, 0o600);
  const words = ["--suite", "bookworm", "--arch", "amd64", "--with", "host", "--sign", `${folder}/key.pem`];
  const { document } = await create("parts.tar", [...words, "--site", `docs=${site}`, "--split", "20M"]);
  const { paths = [], sites } = document.created ?? {};
  expect([paths.length, sites]).toEqual([3, ["docs"]]);
  must(["sh", "-c", `cat ${paths.join(" ")} >${folder}/joined.tar`]);
  must(["tar", "-C", folder, "-xf", `${folder}/joined.tar`, "manifest.json", "manifest.sig", "sites/docs.tar"]);
  const verify = [
    "openssl",
    "dgst",
    "-sha256",
    "-verify",
    `${folder}/public.pem`,
    "-signature",
    `${folder}/manifest.sig`,
  ];
  expect(must([...verify, `${folder}/manifest.json`])).toBe("Verified OK\n");
  const listed = must(["env", "LC_ALL=C.UTF-8", "tar", "--quoting-style=literal", "-tf", `${folder}/sites/docs.tar`]);
  expect(listed.trim().split("\n")).toEqual(["index.html", `${"n".repeat(120)}.txt`, "ünïcode.txt"]);
});
