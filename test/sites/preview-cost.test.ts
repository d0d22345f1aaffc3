// What previews of a site take on a disk: 500 of them in `npm run test:soak`, fewer among the other checks.

import { expect, test } from "bun:test";
import { localHost } from "../../src/host/local.ts";

const previews = process.env.EDOX_SOAK === "1" ? 500 : 50;
const folders = 6;
const changedBytes = 100 * 1024;
const pageBytes = 4096;

/** Deploys in a mount namespace. Prints the bytes and the inodes that all previews take, and a removal frees. */
const inside = `
  import { lstatSync, readdirSync, statfsSync } from "node:fs";
  const { TreeHost } = await import("${import.meta.dir}/tree.ts");
  const { previewTarget, siteTarget } = await import("${import.meta.dir}/../../src/sites/target.ts");
  const { writeMetadata } = await import("${import.meta.dir}/../../src/sites/previews/metadata.ts");
  const { removePreview } = await import("${import.meta.dir}/../../src/sites/previews/removal.ts");
  const { project } = await import("${import.meta.dir}/tree.ts");
  using host = new TreeHost();
  const docs = host.root + "/var/www/docs";
  Bun.spawnSync(["mount", "-t", "tmpfs", "none", docs]);
  const used = () => {
    const { blocks, bfree, bsize } = statfsSync(docs);
    // A tmpfs counts each name of a file as an inode, in contrast to the file systems of disks.
    const inodes = new Set(readdirSync(docs, { recursive: true }).map((path) => lstatSync(docs + "/" + path).ino));
    return { bytes: (blocks - bfree) * bsize, inodes: inodes.size };
  };
  for (let i = 0; i < 60; i++) host.write("/srv/site/" + (i % ${folders}) + "/" + i + ".html", "x".repeat(100 * 1024));
  await host.deploy();
  const before = used();
  const base = siteTarget(project);
  for (let i = 0; i < ${previews}; i++) {
    host.write("/srv/site/index.html", String(i).padEnd(${changedBytes}));
    const name = "p" + i;
    await host.deploy({
      target: previewTarget("demo", name),
      base,
      keep: 0,
      backup: false,
      async prepare() {
        const at = new Date().toISOString();
        writeMetadata(host.host, "demo", name, { created: at, expires: at, branch: null, key: null });
        return async () => {};
      },
    });
  }
  const after = used();
  for (let i = 0; i < ${previews}; i++) removePreview(host.host, host.trees, "demo", "p" + i);
  const rest = used();
  Bun.spawnSync(["umount", docs]);
  console.log(JSON.stringify({
    bytes: after.bytes - before.bytes,
    inodes: after.inodes - before.inodes,
    left: rest.bytes - before.bytes,
  }));
`;

test("previews take the files that differ, their folders, and three small files each, and nothing once they are removed", async () => {
  const unshared = ["unshare", "--mount", ...(process.geteuid?.() === 0 ? [] : ["--map-root-user"])];
  const { stdout, stderr } = await localHost().run([...unshared, process.execPath, "-e", inside]);
  expect(stderr).toBe("");
  const { bytes, inodes, left } = JSON.parse(stdout);
  // The tree with its folders, the file that differs, the metadata, the working directory with its stamp.
  expect(inodes).toBeLessThanOrEqual(previews * (1 + folders + 1 + 1 + 2) + 5);
  expect(bytes).toBeGreaterThanOrEqual(previews * changedBytes);
  expect(bytes).toBeLessThanOrEqual(previews * 1.1 * changedBytes);
  expect(left).toBeLessThanOrEqual(4 * pageBytes);
}, 60_000);
