// Images of a bundle by reference: a real registry on loopback, and skopeo.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { savedImages } from "../../src/bundle/create/image-file.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import { localHost } from "../../src/host/local.ts";
import { tarOf } from "../bundle/small.ts";
import { createBundle } from "./bundle.ts";
import { must } from "./run.ts";

const dir = mkdtempSync("/var/tmp/edox-images-");
const architectures = ["amd64", "arm64"] as const;
let registry: Bun.Subprocess | undefined;
let reference: string;

beforeAll(async () => {
  const port = freePort();
  const config = [
    ...["version: 0.1", "storage:", "  filesystem:", `    rootdirectory: ${dir}/registry`],
    ...["http:", `  addr: 127.0.0.1:${port}`, ""],
  ];
  writeFileSync(`${dir}/registry.yml`, config.join("\n"));
  const logs = Bun.file(`${dir}/registry.log`);
  registry = Bun.spawn(["docker-registry", "serve", `${dir}/registry.yml`], { stdout: logs, stderr: logs });
  const address = `127.0.0.1:${port}`;
  for (const end = Date.now() + 10_000; ; await Bun.sleep(50)) {
    const answer = await fetch(`http://${address}/v2/`).catch(() => null);
    if (answer?.ok) break;
    if (Date.now() > end) throw new Error(`the registry does not start\n${await logs.text()}`);
  }
  // As for any registry without TLS.
  mkdirSync(`${dir}/.config/containers`, { recursive: true });
  const insecure = `[[registry]]\nlocation = "${address}"\ninsecure = true\n`;
  writeFileSync(`${dir}/.config/containers/registries.conf`, insecure);
  reference = `${address}/demo:1`;
  await push(address, 1);
});
afterAll(async () => {
  registry?.kill();
  await registry?.exited;
  rmSync(dir, { recursive: true });
});

function freePort(): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port = 0 } = server;
  void server.stop(true);
  return port;
}

const digestOf = (bytes: Uint8Array): string => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** Pushes an image for each architecture, and one list of both under its name. */
async function push(address: string, version: number): Promise<void> {
  const manifests: object[] = [];
  for (const architecture of architectures) {
    const layer = tarOf([["greeting", Buffer.from(`${architecture} ${version}`)]]);
    const rootfs = { type: "layers", diff_ids: [`sha256:${digestOf(layer)}`] };
    const created = "2026-01-02T03:04:05Z";
    const config = Buffer.from(JSON.stringify({ architecture, os: "linux", created, config: {}, rootfs }));
    const list = [{ Config: `${digestOf(config)}.json`, RepoTags: ["demo:1"], Layers: ["layer.tar"] }];
    const file = `${dir}/${architecture}.tar`;
    const members: [string, Uint8Array][] = [
      [`${digestOf(config)}.json`, config],
      ["layer.tar", layer],
      ["manifest.json", Buffer.from(JSON.stringify(list))],
    ];
    writeFileSync(file, tarOf(members));
    const to = `docker://${address}/demo:${architecture}`;
    const accept = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"];
    must(["skopeo", ...accept, `docker-archive:${file}`, to]);
    const raw = must(["skopeo", "inspect", "--tls-verify=false", "--raw", to]);
    const { mediaType } = JSON.parse(raw) as { mediaType: string };
    const digest = `sha256:${digestOf(Buffer.from(raw))}`;
    manifests.push({ mediaType, size: raw.length, digest, platform: { architecture, os: "linux" } });
  }
  const mediaType = "application/vnd.docker.distribution.manifest.list.v2+json";
  const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const answer = await fetch(`http://${address}/v2/demo/manifests/1`, {
    ...{ method: "PUT", body },
    headers: { "Content-Type": mediaType },
  });
  expect(answer.status).toBe(201);
}

/** Creates a bundle with the image, and returns its bytes. */
function bundled(architecture: string, cache: string, env: Record<string, string> = {}): Buffer {
  const path = `${dir}/out.tar`;
  const system = ["--suite", "trixie", "--arch", architecture, "--program", "none"];
  const variables = { HOME: dir, XDG_CACHE_HOME: `${dir}/${cache}`, ...env };
  createBundle(path, [...system, "--image", reference], { env: variables });
  return readFileSync(path);
}

test("bundle create: an image of a registry is fetched for each architecture, and gives the same bytes without a cache", () => {
  for (const architecture of architectures) {
    const first = bundled(architecture, "first");
    const bundle = openBundle(localHost(), `${dir}/out.tar`);
    bundle.close();
    const [image] = bundle.manifest.images;
    expect(image?.reference).toBe(reference);
    must(["tar", "-C", dir, "-xf", `${dir}/out.tar`, image?.path ?? ""]);
    const [saved] = savedImages(localHost(), `${dir}/${image?.path}`, architecture);
    expect(saved?.config).toBe(image?.config);
    expect(Buffer.compare(first, bundled(architecture, "first"))).toBe(0);
    expect(Buffer.compare(first, bundled(architecture, "second"))).toBe(0);
  }
});

test("bundle create: a changed image of the same name is fetched again, and the old one stays out", async () => {
  const before = bundled("amd64", "first");
  await push(reference.split("/")[0] ?? "", 2);
  expect(Buffer.compare(before, bundled("amd64", "first"))).not.toBe(0);
});

test("bundle create: an image that the registry does not have, and a registry that is down, are errors with their cause", () => {
  const [present, address] = [reference, reference.split("/")[0]];
  reference = `${address}/absent:1`;
  expect(() => bundled("amd64", "first")).toThrow("skopeo could not fetch the image");
  reference = "127.0.0.1:9/demo:1";
  expect(() => bundled("amd64", "first")).toThrow("skopeo could not fetch the image");
  reference = present;
});
