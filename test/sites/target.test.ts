// Tests deploys of targets that are not the site itself: previews and versions.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { dirsOf } from "../../src/sites/deploy/releases.ts";
import { previewTarget, siteTarget, versionTarget } from "../../src/sites/target.ts";
import { project, TreeHost } from "./tree.ts";

let host: TreeHost;

beforeEach(async () => {
  host = new TreeHost();
  host.write("/srv/site/index.html", "one");
  host.write("/srv/site/guide/page.html", "the same");
  await host.deploy();
});
afterEach(() => host[Symbol.dispose]());

const base = siteTarget(project);
const preview = previewTarget("demo", "fix-7");
const inode = (path: string): number => host.stat(path).ino;

test("a new preview shares its unchanged files with the live release, and its own later", async () => {
  host.write("/srv/site/index.html", "two");
  expect(await host.deploy({ target: preview, base })).toMatchObject({ replaced: true, changed: 1, files: 2 });
  expect(host.text(`${preview.root}/index.html`)).toBe("two");
  expect(host.text(`${base.root}/index.html`)).toBe("one");
  expect(inode(`${preview.root}/guide/page.html`)).toBe(inode(`${base.root}/guide/page.html`));
  const index = inode(`${preview.root}/index.html`);
  host.write("/srv/site/guide/page.html", "another");
  await host.deploy({ target: preview, base, keep: 0, backup: false });
  expect(inode(`${preview.root}/index.html`)).toBe(index);
  expect(host.text(`${base.root}/guide/page.html`)).toBe("the same");
  expect(host.list("/var/www/docs/.edox-ops-backups/demo/previews/fix-7").some((name) => /^\d/.test(name))).toBe(false);
});

test("a preview of what is live already is deployed, and again is satisfied", async () => {
  expect(await host.deploy({ target: preview, base })).toMatchObject({ replaced: true, changed: 0, bytes: 0 });
  expect(await host.deploy({ target: preview, base })).toMatchObject({ replaced: false, changed: 0 });
});

test("a version has backups of its own, and its kept files are the site's below its name", async () => {
  const version = versionTarget("demo", "1.4");
  host.write("/srv/site/assets/app.4f283b18.js", "old");
  await host.deploy({ target: version, base });
  host.remove("/srv/site/assets/app.4f283b18.js");
  const { backup } = await host.deploy({ target: version, base });
  expect(backup).toStartWith("/var/www/docs/.edox-ops-backups/demo/versions/1.4/");
  expect(host.text("/var/www/docs/.edox-ops-assets/demo/1.4/assets/app.4f283b18.js")).toBe("old");
  await host.deploy();
  expect(host.text("/var/www/docs/.edox-ops-assets/demo/1.4/assets/app.4f283b18.js")).toBe("old");
  for (const dir of [version.root, `${backup}`]) {
    expect(dirsOf("demo", base.root).some((owned) => dir.startsWith(`${owned}/`))).toBe(true);
  }
});

test("what is prepared for a new tree is undone if the probe fails, and the old tree is live", async () => {
  host.write("/srv/site/index.html", "two");
  const log: string[] = [];
  const prepare = async (tree: string) => {
    log.push(`prepared ${host.text(`${tree}/index.html`)}`);
    return async () => void log.push("undone");
  };
  const probe = async () => ({ reason: "no answer", hint: [] });
  await expect(host.deploy({ probe, prepare })).rejects.toThrow("no answer");
  expect(log).toEqual(["prepared two", "undone"]);
  expect(host.text(`${base.root}/index.html`)).toBe("one");
});

test("an error while a tree is prepared changes nothing", async () => {
  host.write("/srv/site/index.html", "two");
  const prepare = () => Promise.reject(new Error("line 3 is invalid"));
  await expect(host.deploy({ prepare })).rejects.toThrow("line 3 is invalid");
  expect(host.text(`${base.root}/index.html`)).toBe("one");
});
