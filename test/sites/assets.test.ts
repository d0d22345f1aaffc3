// Hashed files of earlier releases, which are served for a while after a deploy.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { project, TreeHost } from "./tree.ts";

const live = "/var/www/docs/demo";
const kept = "/var/www/docs/.edox-ops-assets/demo";
const script = "assets/app.4f283b18.js";
let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
});
afterEach(() => host[Symbol.dispose]());

const files = (): string[] =>
  host.trees.entry(kept) === null
    ? []
    : [...host.trees.walk(kept)].flatMap(({ path, type }) => (type === "file" ? [path] : []));

describe("hashed assets: a file that a deploy removed", () => {
  beforeEach(async () => {
    host.write(`/srv/site/${script}`, "old");
    host.write("/srv/site/download/customer-list-2024.csv", "secret");
    host.write("/srv/site/images/architecture-overview.png", "secret");
    host.write("/srv/site/guide-chapter1.html", "page");
    await host.deploy();
    for (const path of ["assets", "download", "images", "guide-chapter1.html"]) host.remove(`/srv/site/${path}`);
  });

  test("is still served and listed if its name carries a hash; other files are gone", async () => {
    expect(await host.deploy()).toMatchObject({ assets: [{ path: script, bytes: 3 }] });
    expect(files()).toEqual([script]);
    expect(host.text(`${kept}/${script}`)).toBe("old");
    expect(await host.deploy()).toMatchObject({ changed: 0, assets: [{ path: script, bytes: 3 }] });
  });

  test("is removed when no backup has it any more, and at once without a backup", async () => {
    expect(await host.deploy({ backup: false })).toMatchObject({ assets: [] });
    expect(files()).toEqual([]);
    host.write(`/srv/site/${script}`, "new");
    await host.deploy();
    host.remove("/srv/site/assets");
    expect(await host.deploy()).toMatchObject({ assets: [{ path: script }] });
    for (let i = 0; i < 3; i++) {
      host.write("/srv/site/index.html", `${i}`);
      await host.deploy({ keep: 1 });
    }
    expect(files()).toEqual([]);
  });

  test("is dropped when the live tree has the file again", async () => {
    await host.deploy();
    host.write(`/srv/site/${script}`, "new");
    expect(await host.deploy()).toMatchObject({ assets: [] });
    expect([files(), host.text(`${live}/${script}`)]).toEqual([[], "new"]);
  });

  test("is removed by the next deploy if an earlier version kept it without a hash in its name", async () => {
    await host.deploy();
    host.write(`${kept}/download/other.csv`, "x");
    host.trees.share(`${kept}/${script}`, `${kept}/download/customer-list-2024.csv`);
    host.write("/srv/site/index.html", "two");
    await host.deploy();
    expect(files()).toEqual([script]);
  });
});

describe("project assets", () => {
  const records = fakeDebian();
  const lines = (line: string) => typed(`project assets ${line}`, records, undefined, undefined, undefined, host.trees);
  beforeEach(async () => {
    records.put("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, owner_group: "www-data" } }));
    records.put("/etc/edox-ops/.keep", "");
    host.write(`/srv/site/${script}`, "old");
    await host.deploy();
    host.remove("/srv/site/assets");
    await host.deploy();
  });

  test("list prints each path within the site and its size in bytes", async () => {
    expect(await lines("list demo")).toEqual({ exit: 0, out: `${script}\t3\n`, err: "" });
    expect(JSON.parse((await lines("list demo --json")).out)).toEqual({
      schema: 1,
      command: "project assets list",
      outcome: "ok",
      exit: 0,
      assets: [{ path: script, bytes: 3 }],
    });
  });

  test("prune removes the files, a dry run only prints them, and a second prune changes nothing", async () => {
    expect(await lines("prune demo --dry-run")).toEqual({ exit: 0, out: `Would remove ${script}\n`, err: "" });
    expect(JSON.parse((await lines("prune demo --dry-run --json")).out)).toMatchObject({
      outcome: "pending",
      assets: [{ path: script, bytes: 3 }],
    });
    expect(files()).toEqual([script]);
    expect(JSON.parse((await lines("prune demo --yes --json")).out)).toMatchObject({
      outcome: "changed",
      assets: [{ path: script, bytes: 3 }],
    });
    expect(files()).toEqual([]);
    expect(await lines("prune demo")).toEqual({ exit: 0, out: "No files of earlier releases for demo.\n", err: "" });
    expect((await lines("list demo")).out).toBe("No files of earlier releases for demo.\n");
    // The backups still have it.
    host.write("/srv/site/index.html", "two");
    expect(await host.deploy()).toMatchObject({ assets: [] });
  });

  test("an unknown slug is named in the error", async () => {
    expect(await lines("prune other")).toMatchObject({ exit: 1, err: expect.stringContaining("project other") });
  });
});
