// Deploys of a site in a bundle: it is streamed into the release, and nothing of it is published if it is damaged.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { createSign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Manifest } from "../../src/bundle/manifest.ts";
import { makeBundle } from "../bundle/small.ts";
import { makeKeys } from "../install/release.ts";
import { tarOf } from "./archives.ts";
import { SiteHost } from "./site-host.ts";

const path = "/srv/edox.tar";
const live = "/var/www/docs/demo";
/** More than one piece of a bundle. */
const large = "x".repeat(5_000_000);
let site: SiteHost;
beforeEach(async () => {
  site = await SiteHost.bootstrapped();
});
afterEach(() => site[Symbol.dispose]());

/** Writes a bundle for a Raspberry Pi with these sites. Each has a page with this content. */
function bundled(pages: Record<string, string>, made: Parameters<typeof makeBundle>[3] = {}): Promise<string[]> {
  const names = Object.keys(pages);
  const contents = names.map((name) => {
    const page = { name: "./index.html", content: pages[name] ?? "" };
    return [`sites/${name}.tar`, tarOf([{ name: "./", type: "5" }, page, { name: "./large.txt", content: large }])];
  });
  const sites = names.map((name) => ({ name, path: `sites/${name}.tar`, files: 2, bytes: 0 }));
  const target: Manifest["target"] = { family: "debian", codename: "trixie", architecture: "arm64" };
  return makeBundle(site.disk.host, path, Object.fromEntries(contents), { changes: { sites, target }, ...made });
}

const published = (): string[] => site.disk.list("/var/www/docs").filter((name) => name !== ".edox-ops-backups");

test("project publish --bundle: publishes the site of this name, and a second run changes nothing", async () => {
  await bundled({ demo: "home", other: "other" });
  const line = `project publish demo --domain demo.test --bundle ${path}`;
  const dry = await site.type(`${line} --dry-run --diff`);
  expect([dry.exit, dry.out]).toEqual([0, expect.stringContaining("index.html")]);
  expect(published()).toEqual([]);
  const first = await site.type(line);
  expect([first.exit, first.err]).toEqual([0, ""]);
  expect(first.out).toContain(`demo in ${path}`);
  expect([site.disk.text(`${live}/index.html`), site.disk.text(`${live}/large.txt`)]).toEqual(["home", large]);
  const again = await site.type(`project deploy demo --bundle ${path} --check`);
  expect([again.exit, again.err]).toEqual([0, ""]);
  await bundled({ demo: "home 2" });
  expect((await site.type(`project deploy demo --bundle ${path}`)).exit).toBe(0);
  expect(site.disk.text(`${live}/index.html`)).toBe("home 2");
});

test("project deploy --bundle: a split bundle is read by any of its parts", async () => {
  const parts = await bundled({ demo: "home" }, { partBytes: 2_000_000 });
  expect(parts).toHaveLength(3);
  const { exit, err } = await site.type(`project publish demo --domain demo.test --bundle ${parts[1]}`);
  expect([exit, err]).toEqual([0, ""]);
  expect(site.disk.text(`${live}/large.txt`)).toBe(large);
});

test("project publish --bundle: one flipped bit in the site publishes nothing and leaves no files", async () => {
  await bundled({ demo: "home" });
  const bytes = readFileSync(`${site.disk.root}${path}`);
  const at = bytes.indexOf("home");
  for (const position of [at, bytes.length - 3000]) {
    const changed = Buffer.from(bytes);
    changed[position] = (changed[position] ?? 0) ^ 1;
    writeFileSync(`${site.disk.root}${path}`, changed);
    const before = site.snapshot();
    const { exit, err } = await site.type(`project publish demo --domain demo.test --bundle ${path}`);
    expect([exit, err]).toEqual([1, expect.stringContaining("the bundle is damaged: sites/demo.tar")]);
    expect(published()).toEqual([]);
    expect(site.snapshot()).toEqual(before);
  }
});

test("project publish --bundle: refuses a missing site, --source beside it, and --dereference", async () => {
  await bundled({ handbook: "home" });
  const line = "project publish demo --domain demo.test";
  for (const [flags, exit, error] of [
    [`--bundle ${path}`, 1, `${path} does not contain a site demo: it has handbook`],
    [`--bundle ${path} --source /srv/site`, 2, "--source and --bundle cannot be used together"],
    ["--bundle /srv/none.tar", 1, "bundle /srv/none.tar not found"],
    ["--bundle /srv/site/index.html", 1, "is not a bundle"],
    ["", 2, "--source is missing"],
  ] as const) {
    const ended = await site.type(`${line} ${flags}`);
    expect([ended.exit, ended.err]).toEqual([exit, expect.stringContaining(error)]);
  }
  await bundled({ demo: "home" });
  const ended = await site.type(`${line} --bundle ${path} --dereference`);
  expect([ended.exit, ended.err]).toEqual([2, expect.stringContaining("--dereference needs a directory")]);
  expect(published()).toEqual([]);
});

test("project publish --bundle: a host with a trusted key refuses a bundle that it did not sign", async () => {
  const dir = mkdtempSync(`${tmpdir()}/edox-keys-`);
  try {
    const [ours, foreign] = [makeKeys(dir), makeKeys(dir)];
    const signedBy = (secret: string) => ({
      sign: async (bytes: Uint8Array) => createSign("sha256").update(bytes).sign(readFileSync(secret)),
    });
    site.fake.dir("/etc/edox-ops/trust");
    site.fake.put("/etc/edox-ops/trust/ours.pem", ours.publicKey);
    const line = `project publish demo --domain demo.test --bundle ${path}`;
    for (const made of [{}, signedBy(foreign.secret)]) {
      await bundled({ demo: "home" }, made);
      const { exit, err } = await site.type(line);
      expect([exit, err]).toEqual([1, expect.stringMatching(/is not signed/)]);
      expect(published()).toEqual([]);
    }
    await bundled({ demo: "home" }, signedBy(ours.secret));
    expect(await site.type(line)).toMatchObject({ exit: 0, err: "" });
    site.fake.remove("/etc/edox-ops/trust/ours.pem");
    const noted = await site.type(`${line} --check`);
    expect(noted.err).toContain("is signed, but this host has no key");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
