// What restored parts need on a host, when a restore was interrupted while it set that up.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { manifestPath, restoredDir } from "../../src/backup/paths.ts";
import { hookPath } from "../../src/certs/paths.ts";
import { SiteHost } from "../sites/site-host.ts";
import { FakeRestic } from "./fake-restic.ts";

test("backup restore: what an interrupted restore has installed in part is completed by the next one", async () => {
  using site = await SiteHost.bootstrapped();
  using restic = new FakeRestic(site.disk.root);
  const { fake } = site;
  mkdirSync(`${site.disk.root}/var/lib/edox-ops/backup`, { recursive: true });
  fake.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt ext4 rw 0 0\n");
  fake.taught.unshift((argv) => {
    // The memory of this host is no part of the repository.
    if (argv.includes("restore")) fake.put(`${restoredDir}${manifestPath}`, fake.text(manifestPath) ?? "");
    return restic.answer(argv);
  });
  site.disk.write("/etc/letsencrypt/accounts/acme.test/key.json", "key");
  fake.put("/etc/letsencrypt/renewal/demo.test.conf", "version = 2\n");
  for (const line of ["backup init --repo /mnt/repo --generate --yes", "backup run"]) {
    expect(await site.type(line)).toMatchObject({ exit: 0 });
  }
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
