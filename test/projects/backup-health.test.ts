import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { backupHealth } from "../../src/projects/backup-health.ts";
import { secondsOf, stampName } from "../../src/projects/releases.ts";
import { project, TreeHost } from "./tree.ts";

test("a stamp is read as it is written", () => {
  expect(secondsOf(stampName(1_800_000_001))).toBe(1_800_000_001);
});

test("backups count what the live tree does not have, once; one that was edited through it is told", async () => {
  using disk = new TreeHost();
  const health = () => backupHealth(disk.host, disk.trees, project);
  expect(health()).toEqual({ bytes: 0, changed: null });
  disk.write("/srv/site/same", "x".repeat(1000));
  await disk.deploy();
  for (const content of ["two", "three"]) {
    disk.write("/srv/site/index.html", content);
    await disk.deploy();
  }
  expect(health()).toEqual({ bytes: "home".length + "two".length, changed: null });
  const edited = "/var/www/docs/demo/same";
  disk.write(edited, "edited");
  const later = Date.now() / 1000 + 60;
  utimesSync(disk.root + edited, later, later);
  expect(health().changed).toMatch(/\/\d{8}T\d{6}Z\/same$/);
});
