import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { examine } from "../../src/doctor/doctor.ts";
import type { Trees } from "../../src/host/trees.ts";
import { siteChecks } from "../../src/sites/checks.ts";
import { backupHealth } from "../../src/sites/deploy/backup-health.ts";
import { secondsOf, stampName } from "../../src/sites/deploy/releases.ts";
import { typedWords } from "../cli/typed.ts";
import { project, TreeHost } from "./tree.ts";

test("backup names: a parsed stamp equals the formatted one", () => {
  expect(secondsOf(stampName(1_800_000_001))).toBe(1_800_000_001);
});

test("backups: files that are missing in the live tree count once, and an edit through the live tree is reported", async () => {
  using disk = new TreeHost();
  const health = () => backupHealth(disk.host, disk.trees, project);
  expect(health()).toEqual({ bytes: 0, changed: null, unread: [] });
  disk.write("/srv/site/same", "x".repeat(1000));
  await disk.deploy();
  for (const content of ["two", "three"]) {
    disk.write("/srv/site/index.html", content);
    await disk.deploy();
  }
  expect(health()).toEqual({ bytes: "home".length + "two".length, changed: null, unread: [] });
  const edited = "/var/www/docs/demo/same";
  disk.write(edited, "edited");
  const later = Date.now() / 1000 + 60;
  utimesSync(disk.root + edited, later, later);
  expect(health().changed).toMatch(/\/\d{8}T\d{6}Z\/same$/);
});

test("backups: an unreadable one hides neither the others of its project nor those of another project", async () => {
  using disk = new TreeHost();
  const records = Object.fromEntries(
    ["demo", "other"].map((slug) => [
      slug,
      { ...project, slug, domain: `${slug}.test`, root_path: `/var/www/docs/${slug}` },
    ]),
  );
  disk.write("/etc/edox-ops/projects.json", JSON.stringify(records));
  const dir = "/var/www/docs/.edox-ops-backups";
  for (const name of ["demo/20260101T000000Z", "demo/20260102T000000Z", "other/20260101T000000Z"]) {
    disk.write(`${dir}/${name}/index.html`, "x".repeat(3 * 1024 * 1024));
  }
  const bad = `${dir}/demo/20260102T000000Z`;
  const trees: Trees = {
    ...disk.trees,
    walk(path) {
      if (path === bad) throw new Error(`EIO: i/o error, scandir '${bad}'`);
      return disk.trees.walk(path);
    },
  };
  const listed = await typedWords(["project", "backups", "list", "demo"], disk.host, undefined, undefined, "x", trees);
  expect(listed).toEqual({
    exit: 1,
    out: `20260101T000000Z\t3145728\t${dir}/demo/20260101T000000Z\n20260102T000000Z\t-\t${bad}\nNewest backup: 20260102T000000Z\n`,
    err: `warning: ${bad}: i/o error\n`,
  });
  const findings = await examine(disk.host, [], await siteChecks(disk.host, async () => trees));
  expect(findings.find(({ name }) => name === "deploy-backups:size")).toMatchObject({
    status: "warning",
    detail: `6 MiB besides the live trees; ${bad}: i/o error`,
  });
});
