// What the installer trusts: the checksums that it contains, and for other releases the key that it contains.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { filled } from "../../build/installer.ts";
import { Ground } from "./installing.ts";
import { makeKeys, sha256, sign, template } from "./release.ts";
import type { Twisting } from "./server.ts";
import { current, expectRefused, newer, older, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.up();
});
afterAll(() => stage?.[Symbol.dispose]());

/** Runs the installer of `current` with this EDOX_VERSION. */
async function typed(version: string, twisting: Twisting, ground: Ground, more: Record<string, string> = {}) {
  const { url, asked } = stage.server.place(twisting);
  const env = { EDOX_BASE_URL: url, EDOX_VERSION: version, ...more };
  return { ended: await ground.install(stage.release(current).installer, stage.authority, { env }), asked };
}

const untouched: Twisting = () => undefined;
const flipped = (path: string): Buffer => {
  const content = readFileSync(path);
  content[content.length - 3] = (content.at(-3) ?? 0) ^ 1;
  return content;
};

test("install.sh: accepts another release by its signature: newer, older or latest, with any client", async () => {
  for (const [version, is, client] of [
    [newer, newer, "curl"],
    [`v${older}`, older, "wget"],
    ["latest", newer, "busybox"],
  ] as const) {
    using ground = new Ground(client);
    const { ended, asked } = await typed(version, untouched, ground);
    expect(ended).toMatchObject({ code: 0 });
    expect(asked).toEqual(["SHA256SUMS", "SHA256SUMS.sig", `edox-ops_${is}_amd64.deb`]);
    stage.expectInstalled(ground, is);
  }
});

test("install.sh: downloads nothing of a release with an invalid signature or changed checksums", async () => {
  const { folder } = stage.release(newer);
  const strange = `${stage.root}/strange`;
  mkdirSync(strange);
  copyFileSync(`${folder}/SHA256SUMS`, `${strange}/SHA256SUMS`);
  sign(strange, makeKeys(strange));
  const sum = readFileSync(`${folder}/SHA256SUMS`, "utf8").replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
  for (const [file, twist, said] of [
    ["SHA256SUMS.sig", { body: flipped(`${folder}/SHA256SUMS.sig`) }, "the signature of SHA256SUMS"],
    ["SHA256SUMS.sig", { body: readFileSync(`${strange}/SHA256SUMS.sig`) }, "the signature of SHA256SUMS"],
    ["SHA256SUMS.sig", { body: "" }, "the signature of SHA256SUMS"],
    ["SHA256SUMS.sig", { status: 404, body: "" }, "SHA256SUMS.sig does not exist"],
    ["SHA256SUMS", { body: sum }, "the signature of SHA256SUMS"],
    ["SHA256SUMS", { status: 404, body: "" }, "SHA256SUMS does not exist"],
  ] as const) {
    using ground = new Ground("curl");
    const { ended, asked } = await typed(newer, (path) => (path.endsWith(`/${file}`) ? twist : undefined), ground);
    expectRefused(ended, said, /do not install it|is 1\.10\.0 released there/);
    expect(asked.filter((name) => !name.startsWith("SHA256SUMS"))).toEqual([]);
    expect(ground.left).toEqual([]);
  }
});

test("install.sh: supports a folder per version, as in a package registry, but no latest release there", async () => {
  for (const version of [current, older]) {
    cpSync(stage.release(version).folder, `${stage.root}/generic/edox-ops/${version}`, { recursive: true });
  }
  for (const [version, asks] of [
    ["", []],
    [older, ["SHA256SUMS", "SHA256SUMS.sig"]],
  ] as const) {
    using ground = new Ground("curl");
    const { url, asked } = stage.server.place();
    const env = { EDOX_BASE_URL: `${url}/generic/edox-ops/{version}`, EDOX_VERSION: version };
    const ended = await ground.install(stage.release(current).installer, stage.authority, { env });
    expect(ended).toMatchObject({ code: 0 });
    expect(asked).toEqual([...asks, `edox-ops_${version || current}_amd64.deb`]);
    stage.expectInstalled(ground, version || current);
  }
  using ground = new Ground("curl");
  const env = { EDOX_BASE_URL: "https://registry.test/{version}", EDOX_VERSION: "latest" };
  const ended = await ground.install(stage.release(current).installer, stage.authority, { env });
  expectRefused(ended, "https://registry.test/{version} does not report the latest release", "EDOX_VERSION=");
});

test("install.sh: needs openssl only for another release than its own", async () => {
  using ground = new Ground("curl", ["openssl"]);
  const { ended, asked } = await typed(newer, untouched, ground);
  expectRefused(ended, "openssl is not installed", "sudo apt-get install openssl");
  expect([asked, ground.left]).toEqual([[], []]);
  expect((await typed(current, untouched, ground)).ended).toMatchObject({ code: 0 });
  stage.expectInstalled(ground, current);
});

test("install.sh: detects an old signed release that is served under a newer version", async () => {
  using ground = new Ground("curl");
  copyFileSync(stage.binary(current), ground.target);
  const old = stage.release(older).folder;
  const replayed: Twisting = (path) => ({ body: readFileSync(old + path.slice(path.lastIndexOf("/"))) });
  const { ended } = await typed(newer, replayed, ground);
  expectRefused(ended, `what is signed there is edox-ops ${older}, not ${newer}`, `EDOX_VERSION=${older};`);
  const latest = await typed("latest", replayed, ground);
  expectRefused(latest.ended, `the latest release is ${older}, which is older`, "is behind");
  stage.expectInstalled(ground, current);
});

test("install.sh: rejects a release with a missing or wrong checksum for this host", async () => {
  const { sums } = stage.release(current);
  const release = { version: current, baseUrl: stage.server.place().url, publicKey: stage.keys.publicKey };
  const lines = sums.trim().split("\n");
  for (const [changed, said] of [
    [lines.slice(1), "has no checksum for edox-ops-linux-x64"],
    [[`${"0".repeat(64)}  edox-ops-linux-x64`, ...lines.slice(1)], "what edox-ops_1.2.3_amd64.deb unpacks to is not"],
    [[...lines.slice(0, 2), `${"0".repeat(64)}  edox-ops_1.2.3_amd64.deb`], "does not have the checksum"],
  ] as const) {
    using ground = new Ground("curl");
    const script = filled(template, { ...release, sums: changed.join("\n") });
    expectRefused(await ground.install(script, stage.authority), said, /.../);
    expect(ground.left).toEqual([]);
  }
});

test("install.sh: rejects a program that prints another version than the release", async () => {
  using ground = new Ground("curl");
  const odd = sha256(stage.binary(older));
  const sums = `${odd}  edox-ops-linux-x64\n`;
  const { url } = stage.server.place(() => ({ body: readFileSync(stage.binary(older)) }));
  const script = filled(template, { version: current, baseUrl: url, publicKey: stage.keys.publicKey, sums });
  const ended = await ground.install(script, stage.authority);
  expectRefused(ended, `the download of edox-ops ${current} reports version ${older}`, "tell its maintainers");
  expect(ground.left).toEqual([]);
});

test("install.sh: verifies an offline file by its checksum, without downloading anything", async () => {
  const { folder, installer } = stage.release(current);
  const assets = [`edox-ops_${current}_amd64.deb`, "edox-ops-linux-x64.gz", "edox-ops-linux-x64"];
  for (const asset of assets) {
    using ground = new Ground("none", ["openssl"]);
    // The file may have any name.
    copyFileSync(`${folder}/${asset}`, `${ground.top}/carried`);
    const env = { EDOX_OFFLINE_FILE: `${ground.top}/carried` };
    expect(await ground.install(installer, stage.authority, { env })).toMatchObject({ code: 0, stderr: "" });
    stage.expectInstalled(ground, current);
  }
  using ground = new Ground("none");
  writeFileSync(`${ground.top}/carried`, flipped(`${folder}/edox-ops-linux-x64`));
  const changed = { env: { EDOX_OFFLINE_FILE: `${ground.top}/carried` } };
  const refused = await ground.install(installer, stage.authority, changed);
  expectRefused(refused, `carried is not of edox-ops ${current} for x64`, "carry edox-ops_1.2.3_amd64.deb");
  const gone = { env: { EDOX_OFFLINE_FILE: `${ground.top}/nothing` } };
  expectRefused(await ground.install(installer, stage.authority, gone), "does not exist", "EDOX_OFFLINE_FILE=");
  expect(ground.left).toEqual([]);
});

test("install.sh: an offline file of another release needs its signed checksums beside it", async () => {
  const { folder } = stage.release(newer);
  using ground = new Ground("none");
  const deb = `edox-ops_${newer}_amd64.deb`;
  const carried = { EDOX_OFFLINE_FILE: `${folder}/${deb}` };
  expect((await typed(newer, untouched, ground, carried)).ended).toMatchObject({ code: 0 });
  stage.expectInstalled(ground, newer);
  using second = new Ground("none");
  copyFileSync(`${folder}/${deb}`, `${second.top}/${deb}`);
  const alone = { EDOX_OFFLINE_FILE: `${second.top}/${deb}` };
  const { ended } = await typed(newer, untouched, second, alone);
  expectRefused(ended, "SHA256SUMS is missing", /fetch it from \S+\/v1\.10\.0\/downloads\/SHA256SUMS/);
});

test("install.sh: rejects an invalid version, URL or folder before it does anything", async () => {
  using ground = new Ground("curl");
  for (const version of ["1", "1.2", "1.2.3.4", "1..2", "../1.2.3", "1.2.3-rc", "newest"]) {
    const { ended, asked } = await typed(version, untouched, ground);
    expectRefused(ended, "EDOX_VERSION is not a", `EDOX_VERSION=${current}`);
    expect(asked).toEqual([]);
  }
  const place = await typed(current, untouched, ground, { EDOX_BASE_URL: "mirror.example.test" });
  expectRefused(place.ended, "EDOX_BASE_URL is not an address", "https://");
  const dir = await typed(current, untouched, ground, { EDOX_INSTALL_DIR: "bin" });
  expectRefused(dir.ended, "EDOX_INSTALL_DIR is not a path", "/usr/local/bin");
  expect(ground.left).toEqual([]);
});
