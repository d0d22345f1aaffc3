// Removes a project with its files: records and nginx on a host in memory, trees on a real file system.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Trees } from "../../src/host/trees.ts";
import { deleteTrees } from "../../src/sites/deletion.ts";
import { serveDemo, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { TreeHost } from "./tree.ts";

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
const assets = "/var/www/docs/.edox-ops-assets/demo";
const command = "project remove demo --delete-files --yes";
let host: TreeHost;
let records: FakeHost;

beforeEach(async () => {
  host = new TreeHost();
  records = await serveDemo(fakeDebian());
  host.write("/srv/site/assets/app.4f283b18.js", "script");
  host.write("/srv/site/deep/page.html", "page");
  await host.deploy();
  host.remove("/srv/site/assets");
  await host.deploy();
});
afterEach(() => host[Symbol.dispose]());

const run = (line: string) => typed(line, records, undefined, undefined, undefined, host.trees);
const isRegistered = () => records.text("/etc/edox-ops/projects.json")?.includes("demo.test");
const isServed = () => records.readLink("/etc/nginx/sites-enabled/edox-ops-demo") !== null;
const left = () => Bun.spawnSync(["find", `${host.root}/var/www/docs`, "-mindepth", "2"]).stdout.toString();
/** Replaces the answer for this path. */
function pin(path: string, answer: ReturnType<Trees["pinned"]>): void {
  const { pinned } = host.trees;
  Object.assign(host.trees, { pinned: (asked: string) => (asked === path ? answer : pinned(asked)) });
}

describe("project remove --delete-files", () => {
  // Home and page. The script is hard-linked in the backup and among the assets, the page in the live tree and in the
  // backup.
  const trees = [
    { path: live, files: 2, bytes: 8 },
    { path: backups, files: 3, bytes: expect.any(Number) },
    { path: assets, files: 0, bytes: 0 },
  ];

  test("a dry run prints every tree with its files and bytes, counts each file once, and changes nothing", async () => {
    const before = [left(), records.listing()];
    const { exit, out } = await run("project remove demo --delete-files --dry-run");
    expect(exit).toBe(0);
    expect(out).toContain(`\nWould delete ${live}: 2 files, 8 bytes\n`);
    expect(out).toMatch(new RegExp(`\nWould delete ${backups}: 3 files, \\d+ bytes\n`));
    expect(out).toEndWith(`\nWould delete ${assets}: 0 files, 0 bytes\n`);
    const planned = await run("project remove demo --delete-files --check --json");
    expect([planned.exit, JSON.parse(planned.out)]).toMatchObject([3, { outcome: "pending", trees }]);
    expect([left(), records.listing()]).toEqual(before);
  });

  test("deletes all trees, and prints the same report", async () => {
    const { exit, out, err } = await run(`${command} --json`);
    expect([exit, err, JSON.parse(out)]).toMatchObject([0, "", { outcome: "changed", trees }]);
    expect([left(), isRegistered(), isServed()]).toEqual(["", false, false]);
    expect(records.stat("/etc/nginx/sites-available/edox-ops-demo")).toBeNull();
  });

  test("runs both recipes and the deletion in one session, and reports the three once, in order", async () => {
    const { out } = await run(`${command} --json`);
    expect(JSON.parse(out).steps.map(({ id, result }: { id: string; result: string }) => [id, result])).toEqual([
      ["project.disable", "changed"],
      ["project.delete-files", "changed"],
      ["project.remove", "changed"],
    ]);
    const log = records.text("/var/log/edox-ops/project.log") ?? "";
    expect(log.match(/STEP project\.(disable|remove) SUCCESS/g)).toHaveLength(2);
    expect([...records.locks.keys()]).toEqual([]);
  });

  test("disables the site first, renames each tree before deleting it, and removes the record last", async () => {
    const seen: unknown[] = [];
    const { move, remove } = host.trees;
    Object.assign(host.trees, {
      move(from: string, to: string) {
        seen.push([from.slice(from.lastIndexOf("/") + 1), isServed(), isRegistered()]);
        move(from, to);
      },
      remove(path: string) {
        expect(path).toContain("/.removing-demo");
        remove(path);
      },
    });
    expect((await run(command)).exit).toBe(0);
    expect(seen).toEqual([live, backups, assets].map(() => ["demo", false, true]));
    expect(isRegistered()).toBe(false);
  });

  test("deletes in the opened directory, even if another user replaces a directory above meanwhile", () => {
    const nested = "/var/www/docs/team/handbook";
    host.write(`${nested}/index.html`, "ours");
    host.write("/srv/handbook/index.html", "theirs");
    const { open } = host.trees;
    Object.assign(host.trees, {
      open(path: string, trusted: readonly number[]) {
        const opened = open(path, trusted);
        if (path === "/var/www/docs/team") {
          host.trees.move(path, "/var/www/docs/was");
          host.write(path, "-> /srv");
        }
        return opened;
      },
    });
    deleteTrees(host.trees, "demo", [nested]);
    expect([host.list("/srv/handbook"), host.list("/var/www/docs/was")]).toEqual([["index.html"], []]);
  });

  for (const [kind, hint] of [
    ["mount point", "umount"],
    ["immutable", "chattr -i"],
    ["append-only", "chattr -a"],
  ] as const) {
    for (const path of [live, `${live}/deep/page.html`, `${backups}/.digests`]) {
      test(`${kind} at ${path} is named with a hint, and nothing is changed`, async () => {
        pin(path, kind);
        const before = [left(), records.listing()];
        for (const line of [command, "project remove demo --delete-files --dry-run"]) {
          const article = kind === "mount point" ? "a " : "";
          expect(await run(line)).toMatchObject({
            exit: 1,
            err: `error: ${path} is ${article}${kind}: nothing was deleted\nhint: ${hint} ${path}\n`,
          });
        }
        expect([left(), records.listing()]).toEqual(before);
      });
    }
  }

  test("a mount point among the folders of the trees is not part of the site, and an immutable folder is named", async () => {
    pin("/var/www/docs", "immutable");
    expect((await run(command)).err).toContain("hint: chattr -i /var/www/docs\n");
    pin("/var/www/docs", "mount point");
    expect((await run(command)).exit).toBe(0);
  });

  test("a second run completes a deletion that was killed at any call that changes a tree", async () => {
    const { move, remove, sync } = host.trees;
    for (let kill = 0; ; kill++) {
      let calls = 0;
      const counted =
        <Args extends unknown[]>(call: (...args: Args) => void) =>
        (...args: Args) => {
          if (calls++ === kill) throw new Error("EIO: killed");
          call(...args);
        };
      Object.assign(host.trees, { move: counted(move), remove: counted(remove), sync: counted(sync) });
      const { exit, err } = await run(command);
      Object.assign(host.trees, { move, remove, sync });
      if (exit === 0) {
        expect(kill).toBeGreaterThan(6);
        break;
      }
      expect([err.split("\n").length, isRegistered(), isServed()]).toEqual([3, true, false]);
      expect(err).toContain("it is still registered: killed\nhint: ");
      expect((await run(command)).exit).toBe(0);
      expect([left(), isRegistered()]).toEqual(["", false]);
      await run("project add demo --domain demo.test");
      await run("project enable demo");
      host.write(`${live}/index.html`, "again");
      host.write(`${backups}/20260101T000000Z/index.html`, "again");
      host.write(`${assets}/app.4f283b18.js`, "again");
    }
  });

  test("keeps the files of a site that cannot be disabled", async () => {
    records.broken.add("/etc/edox-ops/projects.json");
    const before = left();
    const { exit, out } = await run(`${command} --json`);
    expect([exit, JSON.parse(out)]).toMatchObject([
      1,
      { outcome: "failed", error: { message: expect.stringContaining("no space left") } },
    ]);
    expect([left(), isRegistered()]).toEqual([before, true]);
  });
});
