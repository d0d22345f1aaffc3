// self-update with failing networks and mirrors: the new version is complete and tested before it replaces the old one,
// which stays in place until then.

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { Host } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { Problem } from "../../src/problem/problem.ts";
import { findOffer, type Offer, rollBack, type UpdateRequest, update } from "../../src/self-update/update.ts";
import { must, run } from "../integration/run.ts";
import { makeRelease, sha256 } from "./release.ts";
import type { Twisting } from "./server.ts";
import { current, newer, older, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.up();
});
afterAll(() => stage?.[Symbol.dispose]());

const deb = `edox-ops_${newer}_amd64.deb`;
const previous = ".edox-ops.previous";

/** A folder with the current version, and this machine with trust in the server's certificate. */
class Ground implements Disposable {
  readonly top = mkdtempSync(`${tmpdir()}/edox-update-`);
  readonly dir = `${this.top}/bin`;
  readonly program = `${this.dir}/edox-ops`;
  readonly host: Host;
  readonly trees = localTrees();

  constructor() {
    mkdirSync(this.dir);
    copyFileSync(stage.binary(current), this.program);
    const host = localHost();
    const caPath = stage.authority;
    this.host = {
      ...host,
      get: (url, options) => host.get(url, { ...options, caPath }),
      download: (url, path, wanted) => host.download(url, path, { ...wanted, caPath }),
    };
  }

  request(wanted: string | null = null, twisting?: Twisting): UpdateRequest {
    const { url } = stage.server.place(twisting);
    return {
      program: this.program,
      version: current,
      releaseSource: { base: url, keys: stage.keys.publicKey },
      requestedVersion: wanted,
    };
  }

  async update(request: UpdateRequest, offer?: Offer, stop: () => Problem | null = () => null) {
    return update(this.host, this.trees, {
      request,
      offer: offer ?? (await findOffer(this.host, request)),
      stop,
      onBytes: () => {},
    });
  }

  get version(): string {
    return run([this.program, "--version"]).stdout.trim();
  }

  get left(): string[] {
    return readdirSync(this.dir).sort();
  }

  async expectRefused(request: UpdateRequest, message: string | RegExp): Promise<void> {
    await expect(this.update(request)).rejects.toThrow(message);
    expect([this.left, this.version]).toEqual([["edox-ops"], current]);
  }

  [Symbol.dispose](): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

test("self-update: installs the latest release and keeps the previous one, and --rollback swaps them", async () => {
  using ground = new Ground();
  const request = ground.request();
  expect(await ground.update(request)).toEqual({ from: current, to: newer, previous: `${ground.dir}/${previous}` });
  expect([ground.left, ground.version]).toEqual([[previous, "edox-ops"], newer]);
  expect(sha256(ground.program)).toBe(sha256(stage.binary(newer)));
  expect(sha256(`${ground.dir}/${previous}`)).toBe(sha256(stage.binary(current)));
  expect(await rollBack(ground.host, ground.trees, { ...request, version: newer })).toMatchObject({ to: current });
  expect(ground.version).toBe(current);
  expect(await rollBack(ground.host, ground.trees, request)).toMatchObject({ from: current, to: newer });
  expect([ground.left, ground.version]).toEqual([[previous, "edox-ops"], newer]);
});

test("self-update: --rollback reports that there is no previous version", async () => {
  using ground = new Ground();
  await expect(rollBack(ground.host, ground.trees, ground.request())).rejects.toThrow("no previous version is kept");
});

test("self-update: downloads nothing if the release is identical to this program", async () => {
  using ground = new Ground();
  const { same, release } = await findOffer(ground.host, ground.request(current));
  expect([same, release.version]).toEqual([true, current]);
  // The same version with other bytes, as in a development build.
  writeFileSync(ground.program, "other");
  expect((await findOffer(ground.host, ground.request(current))).same).toBe(false);
});

test("self-update: downgrades to a requested version, but not to an older latest release", async () => {
  using ground = new Ground();
  const replayed: Twisting = (path) => {
    if (!path.startsWith("/permalink/")) return undefined;
    return { body: readFileSync(`${stage.release(older).folder}/${path.replace(/^.*\//, "")}`) };
  };
  await ground.expectRefused(
    ground.request(null, replayed),
    `the latest release is ${older}, which is older than the installed ${current}`,
  );
  expect(await ground.update(ground.request(older))).toMatchObject({ from: current, to: older });
  expect(ground.version).toBe(older);
});

test("self-update: resumes a download, and rejects a flipped bit, a web page and a missing file", async () => {
  using ground = new Ground();
  const content = readFileSync(`${stage.release(newer).folder}/${deb}`);
  const bent = Buffer.from(content);
  bent[1000] = (bent[1000] ?? 0) ^ 4;
  const ofDeb =
    (twist: ReturnType<Twisting>): Twisting =>
    (path) =>
      path.endsWith(".deb") ? twist : undefined;
  await ground.expectRefused(
    ground.request(null, ofDeb({ body: bent })),
    `${deb} does not have the checksum of edox-ops ${newer}`,
  );
  const page = "<!DOCTYPE html><title>Sign in</title>";
  await ground.expectRefused(
    ground.request(null, ofDeb({ body: page })),
    "answers with a web page: a proxy or a login",
  );
  await ground.expectRefused(
    ground.request(null, ofDeb({ status: 404, body: "" })),
    `${deb} cannot be fetched: 404 Not Found`,
  );
  await ground.expectRefused(
    ground.request(null, () => ({ status: 404, body: "" })),
    "SHA256SUMS cannot be fetched: 404",
  );
  const unencrypted = stage.server.place(undefined, "http");
  const down: Twisting = (path) => ({ location: unencrypted.url + path });
  await ground.expectRefused(ground.request(null, down), "302, it leads to http://");
  expect(unencrypted.asked).toEqual([]);
  const cut: Twisting = (path, nth) =>
    path.endsWith(".deb") && nth === 0 ? { cutAt: content.length >> 1 } : undefined;
  expect(await ground.update(ground.request(null, cut))).toMatchObject({ to: newer });
});

test("self-update: a program that does not start or prints another version is never installed", async () => {
  using ground = new Ground();
  const broken = `${ground.dir}/broken`;
  for (const [script, said] of [
    ["#!/bin/sh\necho GLIBC_2.99 >&2; exit 1\n", "edox-ops 3.0.0 does not start on this host: GLIBC_2.99 (code 1)"],
    ["#!/bin/sh\necho 9.9.9\n", "reports version 9.9.9"],
    ["no program\n", "edox-ops 3.0.0 does not start on this host: "],
    ["#!/bin/sh\necho banner; kill -ILL $$\n", "this CPU lacks an instruction that it needs"],
    ["#!/bin/sh\necho banner; kill -ABRT $$\n", "it aborts, as it does under a limit on memory"],
  ] as const) {
    writeFileSync(broken, script);
    chmodSync(broken, 0o755);
    const { url } = stage.server.place();
    makeRelease(stage.root, "3.0.0", broken, url, stage.keys);
    rmSync(broken);
    await ground.expectRefused(ground.request("3.0.0"), said);
  }
  makeRelease(stage.root, newer, stage.binary(newer), stage.server.place().url, stage.keys);
});

test("self-update: a signal leaves everything unchanged, and the next run removes files of a killed one", async () => {
  using ground = new Ground();
  const request = ground.request();
  const interrupted = new Problem("interrupted", "interrupted by SIGINT");
  await expect(ground.update(request, undefined, () => interrupted)).rejects.toBe(interrupted);
  expect([ground.left, ground.version]).toEqual([["edox-ops"], current]);
  writeFileSync(`${ground.dir}/.edox-ops.update`, "half");
  await ground.update(request);
  expect([ground.left, ground.version]).toEqual([[previous, "edox-ops"], newer]);
});

test("self-update: the program and the rollback stay intact if it is killed at any step of the swap", async () => {
  for (const dies of [1, 2, 3, 4]) {
    using ground = new Ground();
    await ground.update(ground.request(older));
    let calls = 0;
    const dead = new Error("it was killed");
    const upTo = <T extends unknown[], R>(act: (...words: T) => R) => {
      return (...words: T): R => {
        calls += 1;
        if (calls > dies) throw dead;
        return act(...words);
      };
    };
    const { trees } = ground;
    // The calls: the cleanup, the hard link, and two renames. The final cleanup does not happen.
    const mortal = { ...trees, remove: upTo(trees.remove), share: upTo(trees.share), move: upTo(trees.move) };
    const request = { ...ground.request(newer), version: older };
    const offer = await findOffer(ground.host, request);
    await update(ground.host, mortal, { request, offer, stop: () => null, onBytes: () => {} }).catch(() => undefined);
    expect([older, newer]).toContain(ground.version);
    expect(ground.version === newer).toBe(dies === 4);
    const back = await rollBack(ground.host, trees, { ...request, version: ground.version });
    // Before the hard link is renamed, the kept version is the previous one; after that, it is this one.
    expect(back.to).toBe(dies < 3 ? current : older);
    expect(ground.left).toEqual([previous, "edox-ops"]);
  }
});

test("self-update: fails if the program cannot be kept, and reports a file system without hard links", async () => {
  using ground = new Ground();
  mkdirSync(`${ground.dir}/${previous}`);
  const { url, asked } = stage.server.place();
  const refused = { ...ground.request(), releaseSource: { base: url, keys: stage.keys.publicKey } };
  const offer = await findOffer(ground.host, refused);
  asked.length = 0;
  await expect(ground.update(refused, offer)).rejects.toThrow(
    `${previous} is a directory: this version is to be kept there`,
  );
  expect(asked).toEqual([]);
  expect([ground.left, ground.version]).toEqual([[previous, "edox-ops"], current]);
  rmSync(`${ground.dir}/${previous}`, { recursive: true });
  const request = ground.request();
  const without = { ...ground.trees, share: () => false };
  const updated = await update(ground.host, without, {
    request,
    offer: await findOffer(ground.host, request),
    stop: () => null,
    onBytes: () => {},
  });
  expect([updated.previous, ground.left, ground.version]).toEqual([null, ["edox-ops"], newer]);
});

test("self-update: root neither updates nor rolls back a program that another user could change", async () => {
  const exposures: [string, (ground: Ground) => void, string, string][] = [
    ["its file", ({ program }) => chownSync(program, 33, 0), "/edox-ops can be", "(user 33 owns it)"],
    ["its mode", ({ program }) => chmodSync(program, 0o757), "/edox-ops can be", "(its mode is 757)"],
    ["a sticky directory", ({ dir }) => chmodSync(dir, 0o1777), ", which can be", "(its mode is 1777)"],
    ["a directory of a group", ({ dir }) => chownSync(dir, 0, 33), ", which can be", "(its mode is 775)"],
    ["a directory of a user", ({ dir }) => chownSync(dir, 33, 0), ", which can be", "(user 33 owns it)"],
    ["a parent of a user", ({ top }) => chownSync(top, 33, 0), ", which can be", "(user 33 owns it)"],
  ];
  for (const [what, expose, place, why] of exposures) {
    using ground = new Ground();
    chmodSync(ground.dir, 0o775);
    plant(ground, 0);
    expose(ground);
    const { url, asked } = stage.server.place();
    const request = { ...ground.request(), releaseSource: { base: url, keys: stage.keys.publicKey } };
    const offer = await findOffer(ground.host, request);
    asked.length = 0;
    for (const run of [() => ground.update(request, offer), () => rollBack(ground.host, ground.trees, request)]) {
      const refused = expect(run()).rejects;
      await refused.toThrow(place);
      await expect(run()).rejects.toThrow(why);
    }
    expect([what, asked, existsSync(`${ground.top}/ran`), ground.version]).toEqual([what, [], false, current]);
  }
});

test("self-update: --rollback rejects a file that is not the previous version, and changes nothing", async () => {
  const foreign = Buffer.from(readFileSync("/bin/true"));
  // The machine field of its header: AArch64.
  foreign.writeUInt16LE(0xb7, 18);
  const junk: [string, (path: string) => void, string, string][] = [
    ["a directory", (path) => mkdirSync(path), "is not a regular file", "conflict"],
    ["a link to nowhere", (path) => symlinkSync("/no/where", path), "is not a regular file", "conflict"],
    ["a link to a program", (path) => symlinkSync("/bin/true", path), "is not a regular file", "conflict"],
    ["an empty file", (path) => writeFileSync(path, ""), "is not a program for this machine", "command-failed"],
    ["text", (path) => writeFileSync(path, "notes\n"), "is not a program for this machine", "command-failed"],
    [
      "another architecture",
      (path) => writeFileSync(path, foreign),
      "is not a program for this machine",
      "command-failed",
    ],
    [
      "a lost interpreter",
      (path) => writeFileSync(path, "#!/no/such\n"),
      "names an interpreter that is missing",
      "command-failed",
    ],
    [
      "another program",
      (path) => copyFileSync("/bin/echo", path),
      "it reports version 'echo (GNU coreutils)",
      "conflict",
    ],
    ["a silent program", (path) => writeFileSync(path, "#!/bin/sh\n"), "it reports version ''", "conflict"],
  ];
  for (const [what, make, why, code] of junk) {
    using ground = new Ground();
    const path = `${ground.dir}/${previous}`;
    make(path);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) chmodSync(path, 0o755);
    const before = lstatSync(path).ino;
    const error = await rollBack(ground.host, ground.trees, ground.request()).catch((reason: Problem) => reason);
    if (!(error instanceof Problem)) throw new Error(`${what} was rolled back to`);
    expect([what, error.code, error.message]).toEqual([what, code, expect.stringContaining(why)]);
    expect(error.hint).toEqual(["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]);
    expect([ground.left, ground.version, lstatSync(path).ino]).toEqual([[previous, "edox-ops"], current, before]);
  }
});

test("self-update: --rollback names a previous program that is not executable", async () => {
  using ground = new Ground();
  copyFileSync(stage.binary(older), `${ground.dir}/${previous}`);
  chmodSync(`${ground.dir}/${previous}`, 0o644);
  await expect(rollBack(ground.host, ground.trees, ground.request())).rejects.toThrow(
    `${previous} is not executable, or its file system is mounted noexec`,
  );
  expect([ground.left, ground.version]).toEqual([[previous, "edox-ops"], current]);
});

test("self-update: root does not run a previous program of another user", async () => {
  using ground = new Ground();
  plant(ground, 33);
  const refused = rollBack(ground.host, ground.trees, ground.request());
  await expect(refused).rejects.toThrow(`${previous} can be changed by others than root (user 33 owns it)`);
  expect([existsSync(`${ground.top}/ran`), ground.version]).toEqual([false, current]);
});

/** Plants a program in place of the previous version. It leaves a mark if it is run. */
function plant(ground: Ground, owner: number): void {
  const path = `${ground.dir}/${previous}`;
  writeFileSync(path, `#!/bin/sh\ntouch ${ground.top}/ran\necho ${older}\n`, { mode: 0o755 });
  chownSync(path, owner, owner);
}

test("self-update: reports too little space before the download, and a disk that fills up during it", async () => {
  using ground = new Ground();
  const request = ground.request();
  const offer = await findOffer(ground.host, request);
  const on = (host: Host) => update(host, ground.trees, { request, offer, stop: () => null, onBytes: () => {} });
  const download = (): never => {
    throw new Error("it was fetched");
  };
  const tight = { ...ground.host, download, space: () => ({ bytesFree: 5e6, inodes: 9, inodesFree: 9 }) };
  await expect(on(tight)).rejects.toThrow(`${ground.dir} has 5 MB free, 180 MB are needed`);
  const blind = { ...ground.host, space: () => ({ bytesFree: 5e9, inodes: 9, inodesFree: 9000 }) };
  // The program takes 200 kB, the package as much, and its unpacked content again.
  for (const size of ["300k", "500k"]) {
    must(["mount", "-t", "tmpfs", "-o", `size=${size},mode=755`, "none", ground.dir]);
    try {
      copyFileSync(stage.binary(current), ground.program);
      await expect(on(blind)).rejects.toThrow(`no space left at ${ground.dir}`);
      expect([ground.left, ground.version]).toEqual([["edox-ops"], current]);
    } finally {
      // Lazily, because a mapped file stays in memory for the life of this process.
      must(["umount", "--lazy", ground.dir]);
    }
  }
});
