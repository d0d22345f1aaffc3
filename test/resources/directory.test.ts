import { expect, test } from "bun:test";
import { directory } from "../../src/resources/directory.ts";
import { fakeHost } from "../fake-host.ts";

const noWarning = (): void => {};

test("directory: a link that root owns is followed, and the mode of its target is corrected", async () => {
  const host = fakeHost();
  host.dir("/srv/sites", { mode: 0o700 });
  host.link("/var/www/docs", "/srv/sites");
  const [change] = await directory("/var/www/docs", 0o755).check(host, [], noWarning);
  expect(change).toMatchObject({ kind: "directory", path: "/var/www/docs/.", before: { mode: 0o700 }, mode: 0o755 });
  host.setAttributes("/var/www/docs/.", { mode: 0o755, uid: 0, gid: 0 });
  expect(host.stat("/srv/sites")?.mode).toBe(0o755);
  expect(await directory("/var/www/docs", 0o755).check(host, [], noWarning)).toEqual([]);
});

test("directory: a link that root does not own, a dangling link and a file are refused", async () => {
  const host = fakeHost();
  host.link("/theirs", "/srv");
  const node = host.nodes.get("/theirs");
  if (node) node.uid = 1000;
  host.link("/dangling", "/none");
  host.put("/file", "");
  for (const [path, reason] of [
    ["/theirs", "is a link, and not root's"],
    ["/dangling", "is not a directory"],
    ["/file", "is not a directory"],
  ] as const) {
    await expect(directory(path, 0o755).check(host, [], noWarning)).rejects.toThrow(reason);
  }
});
