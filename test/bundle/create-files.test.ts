// `bundle create` with what needs no repository: the program, an image file and a site, on this machine.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { inventoryText, takeInventory } from "../../src/bundle/inventory.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { typedWords, variables } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { makeKeys, sign } from "../install/release.ts";
import { tarOf } from "./small.ts";

// The directory for temporary files may be in /dev, from which no site is published.
const folder = mkdtempSync("/var/tmp/edox-ops-");
const [keys, foreign] = [makeKeys(folder), makeKeys(folder)];
const before = { EDOX_OPS_RELEASE_KEYS };
Object.assign(globalThis, { EDOX_OPS_RELEASE_KEYS: keys.publicKey });
variables.XDG_CACHE_HOME = `${folder}/cache`;
afterAll(() => {
  Object.assign(globalThis, before);
  delete variables.XDG_CACHE_HOME;
  rmSync(folder, { recursive: true });
});

const digestOf = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex");
const config = JSON.stringify({ architecture: "arm64", created: "2026-01-02T03:04:05Z" });
const list = JSON.stringify([{ Config: `${digestOf(config)}.json`, RepoTags: ["demo:1"] }]);
writeFileSync(
  `${folder}/image,1.tar`,
  tarOf([
    [`${digestOf(config)}.json`, Buffer.from(config)],
    ["manifest.json", Buffer.from(list)],
  ]),
);
mkdirSync(`${folder}/site`);
writeFileSync(`${folder}/site/index.html`, "<p>hello");
utimesSync(`${folder}/site/index.html`, 1_780_000_000, 1_780_000_000);
writeFileSync(`${folder}/edox-ops-linux-arm64.gz`, "program");
writeFileSync(
  `${folder}/SHA256SUMS`,
  `${digestOf("program")}  edox-ops-linux-arm64.gz\n${digestOf("deb")}  edox-ops_1.2.3_arm64.deb\n`,
);
sign(folder, keys);

function create(name: string, ...words: string[]) {
  const target = ["--suite", "trixie", "--arch", "arm64", "-o", `${folder}/${name}`];
  return typedWords(["bundle", "create", ...target, ...words], localHost(), undefined, undefined, undefined, () =>
    localTrees(),
  );
}
const all = ["--program", folder, "--image", `${folder}/image,1.tar`, "--site", `docs=${folder}/site`];

test("bundle create: the same program, image and site give the same bytes", async () => {
  const first = await create("one.tar", ...all);
  expect([first.exit, first.err]).toEqual([0, "writing the bundle\n"]);
  await create("two.tar", ...all);
  expect(Buffer.compare(readFileSync(`${folder}/one.tar`), readFileSync(`${folder}/two.tar`))).toBe(0);
  const bundle = openBundle(localHost(), `${folder}/one.tar`);
  await bundle.verify();
  const { manifest } = bundle;
  expect(manifest.members.map(({ path }) => path)).toEqual([
    "program/edox-ops-linux-arm64.gz",
    "program/SHA256SUMS",
    "program/SHA256SUMS.sig",
    "images/demo-1.tar",
    "sites/docs.tar",
    "sbom.cdx.json",
  ]);
  expect([manifest.serial, manifest.program?.version]).toEqual([1_780_000_000, "1.2.3"]);
  expect(manifest.images).toEqual([
    { reference: "demo:1", config: `sha256:${digestOf(config)}`, path: "images/demo-1.tar" },
  ]);
  const sbom = JSON.parse(new TextDecoder().decode(await bundle.bytes("sbom.cdx.json")));
  expect(sbom.components.map(({ name }: { name: string }) => name)).toEqual(["edox-ops", "demo:1"]);
  bundle.close();
});

test("bundle create: SOURCE_DATE_EPOCH replaces the time of the inputs, and a delta leaves out what is equal", async () => {
  variables.SOURCE_DATE_EPOCH = "1700000000";
  await create("epoch.tar", ...all);
  delete variables.SOURCE_DATE_EPOCH;
  await create("full.tar", ...all);
  const epoch = openBundle(localHost(), `${folder}/epoch.tar`);
  expect(epoch.manifest.serial).toBe(1_700_000_000);
  epoch.close();
  writeFileSync(`${folder}/site/index.html`, "<p>changed");
  expect((await create("delta.tar", ...all, "--since", `${folder}/full.tar`)).exit).toBe(0);
  const delta = openBundle(localHost(), `${folder}/delta.tar`);
  expect(delta.manifest.members.map(({ path }) => path)).toEqual(["sites/docs.tar", "sbom.cdx.json"]);
  expect([delta.manifest.program, delta.manifest.images]).toEqual([null, []]);
  delta.close();
});

test("bundle create: differences are newer than what the host has accepted, although their inputs are not", async () => {
  const before = await create("earlier.tar", ...all);
  expect(before.exit).toBe(0);
  const host = fakeDebian();
  const system = { family: "debian", codename: "trixie", architecture: "arm64" } as const;
  const acceptedSerial = 1_785_000_000;
  const inventory = { ...(await takeInventory(host)), target: system, acceptedSerial };
  writeFileSync(`${folder}/inventory.json`, inventoryText(inventory));
  const serialOf = async (...words: string[]): Promise<number> => {
    expect((await create("later.tar", "--program", "none", "--image", `${folder}/image,1.tar`, ...words)).exit).toBe(0);
    const bundle = openBundle(localHost(), `${folder}/later.tar`);
    bundle.close();
    return bundle.manifest.serial;
  };
  const earlier = openBundle(localHost(), `${folder}/earlier.tar`);
  earlier.close();
  expect(await serialOf()).toBeLessThan(earlier.manifest.serial);
  expect(await serialOf("--since", `${folder}/earlier.tar`)).toBe(earlier.manifest.serial + 1);
  expect(await serialOf("--for", `${folder}/inventory.json`)).toBe(acceptedSerial + 1);
});

test("bundle create: without a network the published program is not fetched, and the hint is --program", async () => {
  variables.EDOX_BASE_URL = "http://127.0.0.1:9/releases";
  const { exit, err } = await create("x.tar", "--site", `docs=${folder}/site`);
  delete variables.EDOX_BASE_URL;
  expect([exit, err]).toEqual([1, expect.stringContaining("127.0.0.1:9/releases")]);
  expect(err).toMatch(/^hint: .* --program none$/m);
});

test("bundle create: a program that is not signed, or that differs from its checksum, is refused", async () => {
  sign(folder, foreign);
  expect((await create("x.tar", ...all)).err).toContain("is not signed by a key of edox-ops releases");
  sign(folder, keys);
  writeFileSync(`${folder}/edox-ops-linux-arm64.gz`, "PROGRAM");
  expect((await create("x.tar", ...all)).err).toContain("does not have the signed checksum of a release");
  writeFileSync(`${folder}/edox-ops-linux-arm64.gz`, "program");
  expect(localHost().stat(`${folder}/x.tar`)).toBeNull();
});

test("bundle create: secrets, names of sites and image names are checked", async () => {
  const none = ["--program", "none"];
  const refused = async (...words: string[]): Promise<string> => {
    const { exit, err } = await create("x.tar", ...none, ...words);
    expect(exit).not.toBe(0);
    return err;
  };
  writeFileSync(`${folder}/site/.env`, "x");
  expect(await refused("--site", `docs=${folder}/site`)).toContain(".env holds secrets");
  rmSync(`${folder}/site/.env`);
  expect(await refused("--site", `${folder}/none`)).toContain("does not exist");
  expect(await refused("--site", `A B=${folder}/site`)).toContain("invalid name 'A B'");
  expect(await refused("--site", `a=${folder}/site`, "--site", `a=${folder}/site`)).toContain("given twice");
  expect(await refused("--image", `${folder}/image,1.tar`, "--image", `${folder}/image,1.tar`)).toContain(
    "given twice",
  );
  expect(await refused("--image", "Bad Name")).toContain("invalid image name");
  expect(await refused("--since", `${folder}/SHA256SUMS`, "--site", `a=${folder}/site`)).toContain("is not a bundle");
});
