// Tests --diff of commands that remove whole files or replace the program.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { fakeDebian } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";
import { SiteHost } from "../sites/site-host.ts";
import { typed } from "./typed.ts";

const backups = "/var/www/docs/.edox-ops-backups/demo";

describe("prune --diff", () => {
  let site: SiteHost;
  beforeEach(async () => {
    site = await SiteHost.bootstrapped();
    site.disk.write("/srv/one/index.html", "one");
    site.disk.write("/srv/one/deep/app.4f283b18.js", "script");
    site.disk.write("/srv/two/index.html", "two");
    for (const source of ["one", "two"]) {
      expect((await site.type(`project publish demo --domain demo.test --source /srv/${source}`)).exit).toBe(0);
    }
  });
  afterEach(() => site[Symbol.dispose]());

  test("backups prune --diff: lists the files of each backup that is removed, and without --diff only the backups", async () => {
    const [name = ""] = site.disk.host.list(backups)?.filter((each) => !each.startsWith(".")) ?? [];
    const files = [`${name}/deep/app.4f283b18.js`, `${name}/index.html`];
    const plain = `prune old deploy backup ${backups}/${name}\n`;
    const listed = files.map((file) => `removed  ${file}\n`).join("");
    expect((await site.type("project backups prune demo --keep 0 --dry-run")).out).toBe(`Would ${plain}`);
    expect((await site.type("project backups prune demo --keep 0 --dry-run --diff")).out).toBe(
      `${listed}Would ${plain}`,
    );
    const { exit, out } = await site.type("project backups prune demo --keep 0 --diff --json");
    const plan = { added: [], changed: [], removed: files, pruned: [`${backups}/${name}`] };
    expect([exit, JSON.parse(out)]).toMatchObject([0, { outcome: "changed", plan }]);
  });

  test("backups prune --json: one backup is counted in the singular", async () => {
    const { out } = await site.type("project backups prune demo --keep 1 --json");
    expect(JSON.parse(out).steps).toMatchObject([{ title: "demo has at most 1 backup" }]);
  });

  test("assets prune --diff: the document has the removed files, as the text has without it", async () => {
    const file = "deep/app.4f283b18.js";
    const { out } = await site.type("project assets prune demo --check --diff --json");
    const plan = { added: [], changed: [], removed: [file], pruned: [] };
    expect(JSON.parse(out)).toMatchObject({ outcome: "pending", exit: 3, plan });
    expect((await site.type("project assets prune demo --diff")).out).toBe(`Removed ${file}\n`);
    expect(JSON.parse((await site.type("project assets prune demo --json")).out)).not.toHaveProperty("plan");
  });
});

test("self-update --diff: shows the checksums of both programs, in JSON too", async () => {
  const host = fakeDebian();
  const program = "/usr/local/bin/edox-ops";
  host.put(program, "this one", { mode: 0o755 });
  host.put("/usr/local/bin/.edox-ops.previous", "before", { mode: 0o755 });
  host.taught.unshift(([name, flag]) => {
    return name?.startsWith("/usr/local/bin/") && flag === "--version" ? ok("1.0.0\n") : undefined;
  });
  const sumOf = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
  const [from, to] = [sumOf("this one"), sumOf("before")];
  const { out } = await typed("self-update --rollback --dry-run --diff", host);
  expect(out.split("\n").slice(0, 4)).toEqual([
    `--- ${program}`,
    `+++ ${program}`,
    `-edox-ops ${EDOX_OPS_VERSION} (sha256 ${from})`,
    `+edox-ops 1.0.0 (sha256 ${to})`,
  ]);
  const asJson = await typed("self-update --rollback --check --diff --json", host);
  expect([asJson.exit, JSON.parse(asJson.out).update.sha256]).toEqual([3, { from, to }]);
  expect((await typed("self-update --rollback --check", host)).out).not.toContain("sha256");
});
