// Hashed files of earlier releases, which stay reachable for a while.

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

  test("stays reachable when its name carries a hash, and is listed; every other one is gone", async () => {
    expect(await host.deploy()).toMatchObject({ assets: [{ path: script, bytes: 3 }] });
    expect(files()).toEqual([script]);
    expect(host.text(`${kept}/${script}`)).toBe("old");
    expect(await host.deploy()).toMatchObject({ changed: 0, assets: [{ path: script, bytes: 3 }] });
  });

  test("goes when no backup has it any more, at once without a backup", async () => {
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

  test("that is in the site again is kept no longer", async () => {
    await host.deploy();
    host.write(`/srv/site/${script}`, "new");
    expect(await host.deploy()).toMatchObject({ assets: [] });
    expect([files(), host.text(`${live}/${script}`)]).toEqual([[], "new"]);
  });

  test("and was kept by an earlier version though its name has no hash, is removed by the next deploy", async () => {
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

  test("list prints the path within the site and the bytes of each", async () => {
    expect(await lines("list demo")).toEqual({ exit: 0, out: `${script}\t3\n`, err: "" });
    expect(JSON.parse((await lines("list demo --json")).out)).toEqual({
      schema: 1,
      command: "project assets list",
      outcome: "ok",
      exit: 0,
      assets: [{ path: script, bytes: 3 }],
    });
  });

  test("prune removes them, a dry run only prints them, and a second prune has nothing to do", async () => {
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
    // The backups have it still.
    host.write("/srv/site/index.html", "two");
    expect(await host.deploy()).toMatchObject({ assets: [] });
  });

  test("a slug that is not registered is named", async () => {
    expect(await lines("prune other")).toMatchObject({ exit: 1, err: expect.stringContaining("project other") });
  });
});
