// The images of a bundle on fake engines with both image stores of Docker. A real engine is tested in
// test/integration/bundle-use.test.ts.

import { describe, expect, test } from "bun:test";
import { applyBundle } from "../../src/bundle/applied.ts";
import { imagesLoad } from "../../src/bundle/images.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import { describe as describeChange } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { Problem } from "../../src/problem/problem.ts";
import { stepOf } from "../../src/report/json.ts";
import type { Style } from "../../src/report/style.ts";
import { fakeDebian } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";
import { makeBundle } from "./small.ts";

const digest = (text: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
const [config, manifest, index, other] = ["config", "manifest", "index", "other"].map(digest) as [
  string,
  string,
  string,
  string,
];
const reference = "docker:29-dind";
const path = "images/dind.tar";
/** A whole piece and a part of one. */
const content = Buffer.alloc(4_300_000, "layer");
const bundlePath = "/srv/edox.tar";

const maker = fakeDebian();
maker.dir("/srv");
await makeBundle(maker, bundlePath, { [path]: content }, { changes: { images: [{ reference, config, path }] } });
const made = maker.read(bundlePath) ?? new Uint8Array();

type Store = "graph driver" | "containerd" | "containerd with an index";

/** Returns a host with a bundle of one image, and an engine that has the image with the configuration of `has`. */
async function engine(store: Store, has: string | null) {
  const host = fakeDebian();
  host.put("/run/docker.sock", "");
  host.put(bundlePath, made);
  let loaded = has;
  const json = (value: unknown) => ({ status: 200, body: Buffer.from(JSON.stringify(value)) });
  const id = { "graph driver": () => loaded, containerd: () => manifest, "containerd with an index": () => index };
  host.served.unshift((_, url) => {
    if (url.endsWith("/_ping")) return json("OK");
    if (url.endsWith("/info")) {
      const driver =
        store === "graph driver" ? ["Backing Filesystem", "extfs"] : ["driver-type", "io.containerd.snapshotter.v1"];
      return json({ DriverStatus: [driver] });
    }
    if (url !== `http://docker/images/${reference}/json`) return undefined;
    return loaded === null ? { status: 404, reason: "Not Found" } : json({ Id: id[store]() });
  });
  host.taught.unshift((argv) => {
    if (argv.join(" ") === "docker load --quiet") {
      if (Buffer.concat(host.fed).equals(content)) loaded = config;
      return ok(`Loaded image: ${reference}\n`);
    }
    if (argv[0] !== "ctr") return undefined;
    if (argv.at(-1) === index) return ok(JSON.stringify({ manifests: [{ digest: other }, { digest: manifest }] }));
    if (argv.at(-1) === manifest) return ok(JSON.stringify({ config: { digest: loaded } }));
    return { code: 1, stdout: "", stderr: "ctr: not found\n" };
  });
  const bundle = openBundle(host, bundlePath);
  const load = (isDryRun = false) => converge(imagesLoad(bundle), host, isDryRun ? {} : { act: host });
  return { host, bundle, load };
}

for (const store of ["graph driver", "containerd", "containerd with an index"] as const) {
  describe(store, () => {
    test(`images: a missing image is streamed into Docker, and the second run is ok (${store})`, async () => {
      const { host, load } = await engine(store, null);
      const [dry] = await load(true);
      expect([dry?.outcome, host.fed]).toEqual(["pending", []]);
      const [first] = await load();
      expect([first?.id, first?.outcome, first?.problem]).toEqual(["images.load", "changed", undefined]);
      expect(Buffer.concat(host.fed).equals(content)).toBe(true);
      expect(Math.max(...host.fed.map(({ length }) => length))).toBeLessThanOrEqual(4 * 1024 * 1024);
      const [second] = await load();
      expect([second?.outcome, second?.ran]).toEqual(["ok", []]);
    });

    test(`images: an image of the same name with another content is replaced (${store})`, async () => {
      const { load } = await engine(store, other);
      expect((await load())[0]).toMatchObject({
        outcome: "changed",
        changes: [{ reason: `${reference} is not loaded` }],
      });
    });
  });
}

test("images: a damaged image is refused by its path, and no byte of the damaged piece reaches Docker", async () => {
  const { host, bundle, load } = await engine("graph driver", null);
  const bytes = Buffer.from(made);
  // In the last piece.
  const at = bytes.length - 2000;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  host.put(bundlePath, bytes);
  const damaged = openBundle(host, bundlePath);
  expect(damaged.id).toBe(bundle.id);
  const [failed] = await converge(imagesLoad(damaged), host, { act: host });
  expect(failed?.problem).toMatchObject({ code: "invalid-bundle", message: expect.stringContaining(path) });
  expect(Buffer.concat(host.fed).length).toBe(4 * 1024 * 1024);
  expect((await load(true))[0]?.outcome).toBe("pending");
});

test("images: too little space is refused before Docker gets a byte, for what each image store needs", async () => {
  for (const [store, dir] of [
    ["graph driver", "/var/lib/docker"],
    ["containerd", "/var/lib/containerd"],
  ] as const) {
    const { host, load } = await engine(store, null);
    const space = (bytesFree: number) => (path: string) =>
      path === dir ? { bytesFree, inodes: 0, inodesFree: 0 } : null;
    Object.assign(host, { space: space(2 * content.length - 1) });
    const [failed] = await load();
    expect(failed?.problem).toMatchObject({
      code: "no-space",
      message: expect.stringContaining(`no space left at ${dir} to load ${reference}: 8.3 MiB are needed`),
    });
    expect(host.fed).toEqual([]);
    Object.assign(host, { space: space(2 * content.length) });
    expect((await load())[0]?.outcome).toBe("changed");
  }
});

test("images: a signal ends the loading of an image between two pieces", async () => {
  const { host } = await engine("graph driver", null);
  const bundle = applyBundle(host, bundlePath, { requiresSignature: false, allowsOlder: false });
  const problem = () => new Problem("interrupted", "interrupted by SIGTERM");
  bundle.attach({ stop: () => (host.fed.length > 0 ? problem() : null), waiting: () => {} });
  const [failed] = await converge(imagesLoad(bundle), host, { act: host });
  expect(failed?.problem).toMatchObject({ code: "interrupted" });
  expect(host.fed.length).toBe(1);
});

test("images: an image has the time to be loaded that its size needs on a slow disk", async () => {
  const { host, bundle } = await engine("graph driver", null);
  let limit = 0;
  const { run } = host;
  host.run = (argv, options) => {
    if (argv[0] === "docker") limit = options?.limitMs ?? 0;
    return run(argv, options);
  };
  const members = bundle.manifest.members.map((each) => ({ ...each, size: 8_000_000_000 }));
  await converge(imagesLoad({ ...bundle, manifest: { ...bundle.manifest, members } }), host, { act: host });
  // A card writes 5 MB/s.
  expect(limit).toBeGreaterThan((8_000_000_000 / 5_000_000) * 1000);
});

test("images: the plan names the image, its file and its size, in text and in JSON", async () => {
  const { load } = await engine("graph driver", null);
  const [result] = await load(true);
  if (result === undefined) throw new Error("there is no step");
  expect(result.changes.map(describeChange)).toEqual([
    "run docker load --quiet with images/dind.tar on stdin (4.1 MiB)",
  ]);
  expect(stepOf(result, true, {} as Style).changes).toEqual([
    {
      kind: "command",
      argv: ["docker", "load", "--quiet"],
      reason: `${reference} is not loaded`,
      input: { name: path, size: 4_300_000 },
    },
  ]);
});

test("images: an engine that does not answer about an image leaves the state unknown", async () => {
  const { host, load } = await engine("containerd", config);
  host.taught.unshift(([program]) =>
    program === "ctr" ? { code: 1, stdout: "", stderr: "ctr: failed to dial\n" } : undefined,
  );
  const [result] = await load(true);
  expect([result?.outcome, result?.unknown]).toEqual(["unknown", [expect.stringContaining("failed to dial")]]);
});

test("images: without an engine every image is planned, and a bundle without images has no step", async () => {
  const { host, bundle } = await engine("graph driver", config);
  host.remove("/run/docker.sock");
  expect((await converge(imagesLoad(bundle), host, {}))[0]?.outcome).toBe("pending");
  expect(imagesLoad({ ...bundle, manifest: { ...bundle.manifest, images: [] } })).toEqual([]);
});
