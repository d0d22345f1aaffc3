// What restored parts need on a host, when a restore was interrupted while it set that up.

import { afterEach, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { incompletePath, manifestPath, movingPath, passwordPath, restoredDir } from "../../src/backup/paths.ts";
import { hookPath } from "../../src/certs/paths.ts";
import { ok } from "../fake-host.ts";
import { SiteHost } from "../sites/site-host.ts";
import { FakeRestic } from "./fake-restic.ts";

const made: Disposable[] = [];
afterEach(() => {
  for (const each of made.splice(0)) each[Symbol.dispose]();
});

/** Returns a host with a certificate and a snapshot of it, and the fake that is between it and its repository. */
async function backedUp() {
  const site = await SiteHost.bootstrapped();
  const restic = new FakeRestic(site.disk.root);
  made.push(site, restic);
  const { fake } = site;
  mkdirSync(`${site.disk.root}/var/lib/edox-ops/backup`, { recursive: true });
  fake.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt ext4 rw 0 0\n");
  fake.taught.unshift((argv) => {
    // The memory of this host is no part of the repository.
    if (argv.includes("restore")) fake.put(`${restoredDir}${manifestPath}`, fake.text(manifestPath) ?? "");
    return restic.answer(argv);
  });
  fake.put("/etc/letsencrypt/renewal/demo.test.conf", "version = 2\n");
  site.disk.write("/etc/letsencrypt/accounts/acme.test/key.json", "key");
  for (const line of ["backup init --repo /mnt/repo --generate --yes", "backup run"]) {
    expect(await site.type(line)).toMatchObject({ exit: 0 });
  }
  return site;
}

test("backup restore: what an interrupted restore has installed in part is completed by the next one", async () => {
  const site = await backedUp();
  const { fake } = site;
  fake.taught.unshift((argv) => {
    if (argv.includes("install")) fake.signal = { name: "SIGTERM", number: 15 };
    return undefined;
  });
  const restore = "backup restore --only certs --yes";
  expect(await site.type(restore)).toMatchObject({ exit: 143 });
  expect(fake.text("/var/lib/dpkg/status")).toContain("Package: certbot\n");
  fake.taught.shift();
  fake.signal = null;
  expect(await site.type(restore)).toMatchObject({ exit: 0 });
  expect(fake.stat(hookPath)).not.toBeNull();
  // An admin may undo what is set up: a later restore with nothing to restore keeps that.
  fake.remove(hookPath);
  expect(await site.type(restore)).toMatchObject({ exit: 0 });
  expect(fake.stat(hookPath)).toBeNull();
});

test("restore-host: a run that is repeated sets up all that its parts need, also if nothing is left to restore", async () => {
  const site = await backedUp();
  const { fake } = site;
  expect(await site.type("backup restore --only certs --yes")).toMatchObject({ exit: 0 });
  fake.remove(hookPath);
  fake.put(movingPath, "/mnt/repo");
  fake.taught.unshift((argv) => (argv.includes("doctor") ? ok("{}") : undefined));
  const restore = `restore-host --repo /mnt/repo --password-file ${passwordPath} --only certs --yes`;
  expect(await site.type(restore)).toMatchObject({ exit: 0 });
  expect(fake.stat(hookPath)).not.toBeNull();
});

test("backup restore: one part does not end the mark of another one that was interrupted", async () => {
  const site = await backedUp();
  const { fake } = site;
  fake.put(incompletePath, "certs");
  expect(await site.type("backup restore --only sites --yes")).toMatchObject({ exit: 0 });
  expect(fake.text(incompletePath)).toBe("certs");
  expect(await site.type("backup restore --only certs --yes")).toMatchObject({ exit: 0 });
  expect([fake.stat(incompletePath), fake.stat(hookPath)]).toEqual([null, expect.anything()]);
});
