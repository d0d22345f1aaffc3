// What `bundle verify` and `bundle show` print, and what they refuse.

import { afterAll, beforeEach, expect, test } from "bun:test";
import { createHash, createSign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Manifest } from "../../src/bundle/manifest.ts";
import { makeBundle } from "../bundle/small.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { makeKeys } from "../install/release.ts";
import { typed, variables } from "./typed.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-bundle-`);
afterAll(() => rmSync(dir, { recursive: true }));
const [ours, foreign] = [makeKeys(dir), makeKeys(dir)];
const fingerprintOf = (pem: string): string =>
  createHash("sha256")
    .update(Buffer.from(pem.replace(/-----.*-----|\s/g, ""), "base64"))
    .digest("hex");

const path = "/srv/edox.tar";
const debs = ["nginx-light_1.26.3-3_amd64.deb", "gitlab-runner_18.1.0-1_amd64.deb"].map(
  (name) => `repo/debian/${name}`,
);
const [nginx = "", runner = ""] = debs;
const contents = {
  "program/edox-ops-linux-x64.gz": Buffer.alloc(1000),
  [nginx]: Buffer.alloc(2_500_000),
  [runner]: Buffer.alloc(4000),
  "images/dind.tar": Buffer.alloc(30_000),
  "sites/handbook.tar": Buffer.alloc(20_000),
  "sbom.cdx.json": Buffer.from('{"bomFormat":"CycloneDX"}\n'),
};
const changes: Partial<Manifest> = {
  target: { family: "debian", codename: "trixie", architecture: "amd64" },
  with: ["host", "docker", "runner"],
  program: { version: "1.2.3", path: "program/edox-ops-linux-x64.gz" },
  packages: [
    {
      name: "nginx-light",
      version: "1.26.3-3",
      architecture: "amd64",
      path: nginx,
      installedBytes: 7_000_000,
      licence: "BSD-2-Clause",
    },
    {
      name: "gitlab-runner",
      version: "18.1.0-1",
      architecture: "amd64",
      path: runner,
      installedBytes: 90_000_000,
      licence: null,
    },
  ],
  images: [{ reference: "docker:29-dind", config: `sha256:${"a".repeat(64)}`, path: "images/dind.tar" }],
  sites: [{ name: "handbook", path: "sites/handbook.tar", files: 12, bytes: 19_000 }],
};

let host: FakeHost;
beforeEach(() => {
  host = fakeDebian({ uid: 1000 });
  host.dir("/srv");
});

/** Writes the bundle, signed with this key. */
function made(secret: string | null, more: Parameters<typeof makeBundle>[3] = {}): Promise<string[]> {
  const sign = async (bytes: Uint8Array) =>
    createSign("sha256")
      .update(bytes)
      .sign(readFileSync(secret ?? ""));
  return makeBundle(host, path, contents, { changes, ...(secret !== null && { sign }), ...more });
}

test("bundle show: prints the target and the contents of a bundle", async () => {
  await made(null);
  const { exit, out, err } = await typed(`bundle show ${path}`, host);
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toMatchSnapshot();
});

test("bundle show: a terminal of 80 and of 40 columns gets tables, and blocks where they do not fit", async () => {
  await made(null);
  for (const width of [80, 40]) {
    variables.COLUMNS = String(width);
    const { out } = await typed(`bundle show ${path}`, host).finally(() => delete variables.COLUMNS);
    expect(out.replace(/[0-9a-f]{64}/, "ID")).toMatchSnapshot(`${width} columns`);
  }
});

test("bundle show --json: has the content of the text, with sizes in bytes", async () => {
  await made(ours.secret);
  host.put("/root/key.pem", ours.publicKey);
  const { exit, out } = await typed(`bundle show ${path} --key /root/key.pem --json`, host);
  const signer = { path: "/root/key.pem", fingerprint: fingerprintOf(ours.publicKey) };
  expect([exit, JSON.parse(out)]).toMatchObject([
    0,
    {
      command: "bundle show",
      outcome: "ok",
      bundle: {
        target: changes.target,
        signed: true,
        signed_by: signer,
        program: "1.2.3",
        packages: [
          { name: "nginx-light", bytes: 2_500_000, installed_bytes: 7_000_000, licence: "BSD-2-Clause" },
          { name: "gitlab-runner", licence: null },
        ],
        images: [{ reference: "docker:29-dind", bytes: 30_000 }],
        sites: [{ name: "handbook", files: 12, bytes: 19_000 }],
      },
    },
  ]);
});

test("bundle show --sbom: prints the bill of materials as it is stored", async () => {
  await made(null);
  expect(await typed(`bundle show ${path} --sbom`, host)).toEqual({
    exit: 0,
    out: '{"bomFormat":"CycloneDX"}\n',
    err: "",
  });
  await makeBundle(host, path, {});
  const { exit, err } = await typed(`bundle show ${path} --sbom`, host);
  expect([exit, err]).toEqual([1, expect.stringContaining(`${path} does not contain a software bill of materials`)]);
  expect((await typed(`bundle show ${path} --sbom --json`, host)).exit).toBe(2);
});

test("bundle show --sbom: control characters of a foreign bundle do not reach the terminal", async () => {
  const sbom = '{"bomFormat":"\u009b2J\u001b]0;title\u0007\u202e"}\n';
  await makeBundle(host, path, { "sbom.cdx.json": Buffer.from(sbom) });
  const { exit, out } = await typed(`bundle show ${path} --sbom`, host);
  expect([exit, out]).toEqual([0, '{"bomFormat":"\\u009b2J\\u001b]0;title\\u0007\\u202e"}\n']);
});

test("bundle verify: names the size and the key, without root", async () => {
  await made(ours.secret);
  host.put("/srv/key.pem", ours.publicKey);
  const { exit, out, err } = await typed(`bundle verify ${path} --key /srv/key.pem`, host);
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toContain(`${path}: all 6 files are intact (2.4 MiB)\n`);
  expect(out).toContain(`signature: by /srv/key.pem (SHA-256 ${fingerprintOf(ours.publicKey)})\n`);
  expect(await typed(`bundle verify ${path} --key /srv/key.pem --quiet`, host)).toEqual({ exit: 0, out: "", err: "" });
  const json = await typed(`bundle verify ${path} --key /srv/key.pem --json`, host);
  expect(JSON.parse(json.out)).toMatchObject({ outcome: "ok", bundle: { signed_by: { path: "/srv/key.pem" } } });
});

test("bundle verify: a signature that this host cannot verify is a warning, or an error with --require-signature", async () => {
  await made(ours.secret);
  const noted = await typed(`bundle verify ${path}`, host);
  expect([noted.exit, noted.out, noted.err]).toEqual([
    0,
    expect.stringContaining("signature: by a key that this host does not have"),
    expect.stringContaining("has no key to verify that"),
  ]);
  expect((await typed(`bundle verify ${path} --require-signature`, host)).exit).toBe(1);
});

test("bundle verify: refuses another key, a missing signature, and one flipped bit in any file", async () => {
  host.put("/srv/key.pem", ours.publicKey);
  for (const secret of [null, foreign.secret]) {
    await made(secret);
    const { exit, out, err } = await typed(`bundle verify ${path} --key /srv/key.pem`, host);
    expect([exit, out, err]).toEqual([1, "", expect.stringContaining("is not signed")]);
  }
  await made(null);
  const bytes = host.read(path) ?? new Uint8Array();
  for (const at of [3, 600, 12_000, 1_000_000, bytes.length - 600]) {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    host.put(path, changed);
    const { exit, out, err } = await typed(`bundle verify ${path}`, host);
    expect([at, exit, out, err]).toEqual([
      at,
      1,
      "",
      expect.stringMatching(/^error: (the bundle (is|has) |\/srv\/edox\.tar is not a bundle)/),
    ]);
  }
});

test("bundle verify: a split bundle is found by any part or its name, and a missing part is named", async () => {
  const parts = await made(null, { partBytes: 1_000_000 });
  expect(parts).toHaveLength(3);
  for (const given of [path, ...parts]) expect((await typed(`bundle verify ${given}`, host)).exit).toBe(0);
  host.remove(`${path}.2of3`);
  const { exit, err } = await typed(`bundle verify ${path}`, host);
  expect([exit, err]).toEqual([1, expect.stringContaining("the part edox.tar.2of3 of the bundle is missing in /srv")]);
});
