// A live tree on a file system of its own, whose inodes have the numbers of other files beside the backups.

import { expect, test } from "bun:test";
import { localHost } from "../../src/host/local.ts";

/** Deploys and restores in a mount namespace. Prints whether the inodes are the same, and the page that is live. */
const inside = `
  const { TreeHost } = await import("${import.meta.dir}/tree.ts");
  const [live, backups] = ["/var/www/docs/demo", "/var/www/docs/.edox-ops-backups/demo"];
  using host = new TreeHost();
  const mount = (path) => Bun.spawnSync(["mount", "-t", "tmpfs", "none", host.root + path]);
  const umount = (path) => Bun.spawnSync(["umount", host.root + path]);
  const inode = (path) => host.stat(path).ino;
  const deploy = (page, keep) => {
    host.write("/srv/site/index.html", page);
    return host.deploy({ keep });
  };
  mount("/var/www/docs");
  host.write(live + "/x", "");
  mount(live);
  await deploy("page 0", 1);
  await deploy("page 1", 1);
  if (process.argv.at(-1) === "spare") await deploy("page 2", 1);
  const [name] = host.list(backups).filter((each) => !each.startsWith("."));
  const wanted = inode(backups + "/" + name + "/index.html");
  for (let last = 0; last < wanted - 1; host.remove(live + "/filler")) {
    host.write(live + "/filler", "");
    last = inode(live + "/filler");
  }
  if (process.argv.at(-1) === "spare") {
    await deploy("page 3", 1);
    console.log(inode(backups + "/.spare/index.html") === inode(live + "/index.html"));
    host.write("/srv/site/new.html", "new");
    await deploy("page 3", 1);
  } else {
    await deploy("page 3", 5);
    console.log(wanted === inode(live + "/index.html"));
    await host.restore(name);
  }
  console.log(host.text(live + "/index.html"));
  umount(live);
  umount("/var/www/docs");
`;

async function livePage(scenario: string): Promise<string> {
  const unshared = ["unshare", "--mount", ...(process.geteuid?.() === 0 ? [] : ["--map-root-user"])];
  const { stdout, stderr } = await localHost().run([...unshared, process.execPath, "-e", inside, scenario]);
  return stdout + stderr;
}

test("restore: a mount point gets the backup's page, also if both files have one inode number", async () => {
  expect(await livePage("restore")).toBe("true\npage 0\n");
});

test("deploy: a mount point keeps its page, also if a pruned backup has one with the same inode number", async () => {
  expect(await livePage("spare")).toBe("true\npage 3\n");
});
