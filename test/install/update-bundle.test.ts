// self-update from a bundle: it trusts the program no more than one from a server.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { gzipSync } from "node:zlib";
import { openBundle } from "../../src/bundle/reader.ts";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { Problem } from "../../src/problem/problem.ts";
import type { Stop } from "../../src/problem/wait.ts";
import { findOffer, rollBack, type UpdateRequest, update } from "../../src/self-update/update.ts";
import { run } from "../integration/run.ts";
import { program, programBundle } from "./program-bundle.ts";
import { type Made, makeKeys, sha256, sign } from "./release.ts";
import { current, newer, older, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.up();
});
afterAll(() => stage?.[Symbol.dispose]());

/** A folder with the current version, on this machine without a network. */
class Ground implements Disposable {
  readonly top = mkdtempSync(`${tmpdir()}/edox-update-`);
  readonly dir = `${this.top}/bin`;
  readonly host = {
    ...localHost(),
    get: () => Promise.reject(new Error("a request left this machine")),
    download: () => Promise.reject(new Error("a request left this machine")),
  };

  constructor() {
    mkdirSync(this.dir);
    copyFileSync(stage.binary(current), `${this.dir}/edox-ops`);
  }

  get request(): Omit<UpdateRequest, "requestedVersion"> {
    const releaseSource = { base: "https://releases.test", keys: stage.keys.publicKey };
    return { program: `${this.dir}/edox-ops`, version: current, releaseSource };
  }

  /** Updates from a bundle with this release. */
  async update(
    release: Made,
    {
      wanted = null,
      stop = () => null,
      ...more
    }: { wanted?: string | null; stop?: Stop } & Parameters<typeof programBundle>[2] = {},
  ) {
    const [path = ""] = await programBundle(this.top, release, more);
    const bundle = openBundle(this.host, path);
    try {
      const releaseSource = { ...this.request.releaseSource, bundle };
      const request: UpdateRequest = { ...this.request, releaseSource, requestedVersion: wanted };
      const offer = await findOffer(this.host, request);
      return await update(this.host, localTrees(), { request, offer, stop, onBytes: () => {} });
    } finally {
      bundle.close();
    }
  }

  get state(): [files: string[], version: string] {
    return [readdirSync(this.dir).sort(), run([`${this.dir}/edox-ops`, "--version"]).stdout.trim()];
  }

  [Symbol.dispose](): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

test("self-update --bundle: installs the version of the bundle without a network, and --rollback swaps it back", async () => {
  using ground = new Ground();
  expect(await ground.update(stage.release(newer))).toMatchObject({ from: current, to: newer });
  expect(ground.state).toEqual([[".edox-ops.previous", "edox-ops"], newer]);
  expect(sha256(`${ground.dir}/edox-ops`)).toBe(sha256(stage.binary(newer)));
  const back = { ...ground.request, version: newer, requestedVersion: null };
  await rollBack(ground.host, localTrees(), back);
  expect(ground.state[1]).toBe(current);
});

test("self-update --bundle: a split bundle is read by any of its parts", async () => {
  using ground = new Ground();
  expect(await ground.update(stage.release(newer), { partBytes: 100_000 })).toMatchObject({ to: newer });
});

test("self-update --bundle: an older version needs --version, and another one than that of the bundle is refused", async () => {
  using ground = new Ground();
  await expect(ground.update(stage.release(older))).rejects.toThrow(
    /contains edox-ops 1\.2\.0, which is older than this/,
  );
  await expect(ground.update(stage.release(older), { wanted: newer })).rejects.toThrow(
    `is edox-ops ${older}, not ${newer}`,
  );
  expect(ground.state).toEqual([["edox-ops"], current]);
  expect(await ground.update(stage.release(older), { wanted: older })).toMatchObject({ to: older });
});

test("self-update --bundle: refuses what the release keys did not sign, and leaves the program", async () => {
  using ground = new Ground();
  const flip = (name: string) => (dir: string) => {
    const content = readFileSync(`${dir}/${name}`);
    content[30] = (content[30] ?? 0) ^ 1;
    writeFileSync(`${dir}/${name}`, content);
  };
  const bomb = (dir: string) => writeFileSync(`${dir}/${program}`, gzipSync(Buffer.alloc(400e6)));
  for (const [change, error] of [
    [flip(program), `${program} in ${ground.top}`],
    [bomb, "does not have the signed checksum"],
    [flip("SHA256SUMS"), "the signature of program/SHA256SUMS in"],
    [flip("SHA256SUMS.sig"), "the signature of program/SHA256SUMS in"],
    [(dir: string) => sign(dir, makeKeys(dir)), "the signature of program/SHA256SUMS in"],
  ] as const) {
    await expect(ground.update(stage.release(newer), { change })).rejects.toThrow(error);
    expect(ground.state).toEqual([["edox-ops"], current]);
  }
});

test("self-update --bundle: a signal leaves everything unchanged", async () => {
  using ground = new Ground();
  const interrupted = new Problem("interrupted", "interrupted by SIGINT");
  await expect(ground.update(stage.release(newer), { stop: () => interrupted })).rejects.toBe(interrupted);
  expect(ground.state).toEqual([["edox-ops"], current]);
});
