// The installer with a bundle: it takes the program from it, and trusts it no more than any other file.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { Ground, type Shell, shells } from "./installing.ts";
import { program, programBundle } from "./program-bundle.ts";
import { makeKeys, sign } from "./release.ts";
import { current, expectRefused, newer, older, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.up();
});
afterAll(() => stage?.[Symbol.dispose]());

/** Writes a bundle with the program of a version. Returns the paths of its parts. */
function bundleOf(ground: Ground, version: string, wanted?: Parameters<typeof programBundle>[2]): Promise<string[]> {
  return programBundle(ground.top, stage.release(version), wanted);
}

function install(ground: Ground, given: string | string[], more: { shell?: Shell; env?: Record<string, string> } = {}) {
  const env = { EDOX_OFFLINE_FILE: [given].flat()[0] ?? "", ...more.env };
  return ground.install(stage.release(current).installer, stage.authority, { ...more, env });
}

test("install.sh: installs from a bundle of its own release, in every shell, without openssl or a network", async () => {
  for (const shell of Object.keys(shells) as Shell[]) {
    using ground = new Ground("none", ["openssl"]);
    expect(await install(ground, await bundleOf(ground, current), { shell })).toMatchObject({ code: 0, stderr: "" });
    stage.expectInstalled(ground, current);
  }
});

test("install.sh: installs from a bundle with the tar, gzip and head of busybox", async () => {
  using ground = new Ground("none", ["openssl", "tar", "gzip", "head", "cat"]);
  for (const name of ["tar", "gzip", "head", "cat"]) ground.fake(name, `exec ${Bun.which("busybox")} ${name} "$@"`);
  const bundle = await bundleOf(ground, current);
  expect(await install(ground, bundle, { shell: "busybox" })).toMatchObject({ code: 0, stderr: "" });
  stage.expectInstalled(ground, current);
});

test("install.sh: finds the parts of a split bundle by any of them or by its name, and names a missing one", async () => {
  for (const partBytes of [20_000, 200_000]) {
    using ground = new Ground("none", ["openssl"]);
    const parts = await bundleOf(ground, current, { partBytes });
    const bundle = parts[0]?.replace(/\.1of\d+$/, "") ?? "";
    for (const given of [bundle, ...new Set([parts[0], parts[9] ?? parts[1]])]) {
      expect(await install(ground, given ?? "")).toMatchObject({ code: 0, stderr: "" });
      stage.expectInstalled(ground, current);
      rmSync(ground.target);
    }
    rmSync(`${bundle}.2of${parts.length}`);
    for (const given of [bundle, `${bundle}.1of${parts.length}`, `${bundle}.2of${parts.length}`]) {
      const missing = `part 2 of ${parts.length} of the bundle is missing: ${bundle}.2of${parts.length}`;
      expectRefused(await install(ground, given), missing, "copy all parts to the same folder");
    }
    expect(ground.left).toEqual([]);
  }
});

test("install.sh: finds more than 99 parts of a bundle", async () => {
  using ground = new Ground("none", ["openssl"]);
  const parts = await bundleOf(ground, current, { partBytes: 3000 });
  expect(parts.length).toBeGreaterThan(99);
  const bundle = parts[0]?.replace(/\.1of\d+$/, "") ?? "";
  expect(await install(ground, bundle)).toMatchObject({ code: 0, stderr: "" });
  rmSync(`${bundle}.100of${parts.length}`);
  expectRefused(
    await install(ground, parts[0] ?? ""),
    `part 100 of ${parts.length} of the bundle is missing`,
    "copy all",
  );
});

test("install.sh: a bundle of a newer release is installed because of its signature", async () => {
  using ground = new Ground("none");
  expect(await install(ground, await bundleOf(ground, newer))).toMatchObject({ code: 0, stderr: "" });
  stage.expectInstalled(ground, newer);
  using second = new Ground("none");
  for (const version of ["latest", newer]) {
    const more = { env: { EDOX_VERSION: version } };
    expect(await install(second, await bundleOf(second, newer), more)).toMatchObject({ code: 0, stderr: "" });
    stage.expectInstalled(second, newer);
    rmSync(second.target);
  }
  const own = await install(second, await bundleOf(second, newer), { env: { EDOX_VERSION: current } });
  expectRefused(own, `does not contain edox-ops ${current}`, "run it without EDOX_VERSION");
  using third = new Ground("none", ["openssl"]);
  const unverified = await install(third, await bundleOf(third, newer));
  expectRefused(unverified, "cannot be verified: openssl is not installed", "apt-get install openssl");
  expect([second.left, third.left]).toEqual([[], []]);
});

test("install.sh: a bundle of an older release needs EDOX_VERSION", async () => {
  using ground = new Ground("none");
  const bundle = await bundleOf(ground, older);
  const error = `the bundle contains edox-ops ${older}, which is older than this installer (${current})`;
  expectRefused(await install(ground, bundle), error, `EDOX_VERSION=${older}`);
  expect(ground.left).toEqual([]);
  expect(await install(ground, bundle, { env: { EDOX_VERSION: older } })).toMatchObject({ code: 0 });
  stage.expectInstalled(ground, older);
});

test("install.sh: installs nothing from a bundle that was changed, and names what is wrong", async () => {
  const flip = (name: string) => (dir: string) => {
    const content = readFileSync(`${dir}/${name}`);
    content[100] = (content[100] ?? 0) ^ 1;
    writeFileSync(`${dir}/${name}`, content);
  };
  for (const [version, change, error, hint] of [
    [current, flip(program), `${program} in the bundle`, "the bundle is damaged: copy it again"],
    [newer, flip(program), `${program} in the bundle`, "the bundle is damaged: copy it again"],
    [newer, flip("SHA256SUMS"), "the signature of SHA256SUMS", "do not install it"],
    [newer, (dir: string) => sign(dir, makeKeys(dir)), "the signature of SHA256SUMS", "do not install it"],
    [newer, (dir: string) => writeFileSync(`${dir}/SHA256SUMS.sig`, ""), "has no SHA256SUMS.sig", "--program"],
    [
      current,
      (dir: string) => writeFileSync(`${dir}/SHA256SUMS`, ""),
      "does not contain edox-ops for x64",
      "--program",
    ],
  ] as const) {
    using ground = new Ground("none");
    expectRefused(await install(ground, await bundleOf(ground, version, { change })), error, hint);
    expect(ground.left).toEqual([]);
  }
});

test("install.sh: a bundle that ends within the program is refused", async () => {
  using ground = new Ground("none");
  const [bundle = ""] = await bundleOf(ground, current);
  writeFileSync(bundle, readFileSync(bundle).subarray(0, 150_000));
  expectRefused(await install(ground, bundle), "the bundle", "edox-ops");
  expect(ground.left).toEqual([]);
});

test("install.sh: a file of a bundle that unpacks to more than its size does not fill the disk", async () => {
  using ground = new Ground("none");
  const dir = `${ground.top}/hostile`;
  mkdirSync(`${dir}/program`, { recursive: true });
  writeFileSync(`${dir}/manifest.json`, "{}");
  writeFileSync(`${dir}/program/SHA256SUMS`, "");
  // Of holes, which take no space in the archive.
  truncateSync(`${dir}/program/SHA256SUMS`, 100_000_000);
  const words = ["--sparse", "--format=gnu", "-cf", `${dir}.tar`, "-C", dir, "manifest.json", "program"];
  expect(Bun.spawnSync(["tar", ...words]).exitCode).toBe(0);
  const sizes = `${ground.top}/sizes`;
  ground.fake(
    "sed",
    `for word; do case $word in */SHA256SUMS) wc -c <"$word" >>${sizes} ;; esac; done\nexec ${Bun.which("sed")} "$@"`,
  );
  expectRefused(await install(ground, `${dir}.tar`), "does not contain edox-ops for x64", "--program");
  expect(Number(readFileSync(sizes, "utf8"))).toBeLessThanOrEqual(1_000_000);
});
