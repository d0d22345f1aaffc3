import { expect, test } from "bun:test";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { localHost } from "../../src/host/local.ts";
import { withDiskFault } from "../../src/problem/disk-fault.ts";
import { Problem } from "../../src/problem/problem.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";

/** Returns the message and the hint for a failure with this stderr. */
function problemFor(stderr: string, host: FakeHost = fakeHost()): [string, readonly string[] | undefined] {
  for (const path of ["/etc", "/usr", "/usr/bin", "/var/cache/apt/archives", "/var/lib/apt/lists", "/srv/data"]) {
    host.dir(path);
  }
  const { message, hint } = withDiskFault(host, new Problem("command-failed", "it failed", { stderr }));
  return [message, hint];
}

test("disk fault: a full disk is reported with the target directory, for messages of apt, dpkg and the system", () => {
  const lines = {
    "E: You don't have enough free space in /var/cache/apt/archives/.": "/var/cache/apt/archives",
    "E: Could not open lock file /var/lib/apt/lists/lock - open (28: No space left on device)": "/var/lib/apt/lists",
    " cannot copy extracted data for './usr/bin/git' to '/usr/bin/git.dpkg-new': failed to write (No space left on device)":
      "/usr/bin",
    "ENOSPC: no space left on device, write '/etc/edox-ops/state'": "/etc",
  };
  for (const [line, path] of Object.entries(lines)) {
    expect(problemFor(`first\n${line}\nlast\n`)).toEqual([`no space left at ${path}: it failed`, ["df", "-h", path]]);
  }
});

test("disk fault: a full disk without a path in the messages is reported without a path", () => {
  const full = "E: Write error - write (28: No space left on device)\n";
  expect(problemFor(full)).toEqual(["no space left: it failed", ["df", "-h"]]);
  expect(problemFor("Read-only file system\n")).toEqual([
    "read-only file system: it failed",
    ["findmnt", "--options", "ro"],
  ]);
});

test("disk fault: a program that prints no path is reported with the target path of its command", () => {
  const host = fakeHost();
  host.dir("/srv/work");
  const problem = new Problem("command-failed", "dpkg-deb --extract /root/a.deb /srv/work/new failed", {
    stderr: "tar: ./usr/bin/a: Wrote only 6144 of 10240 bytes\n",
  });
  expect(withDiskFault(host, problem).message).toStartWith("no space left at /srv/work: dpkg-deb");
});

test("disk fault: exhausted inodes are reported as such, except on a file system that does not count them", () => {
  const line = "ENOSPC: no space left on device, mkdir '/etc/edox-ops'";
  const without = fakeHost();
  without.space = () => ({ bytesFree: 5e9, inodes: 1e6, inodesFree: 0 });
  expect(problemFor(line, without)).toEqual(["no inodes left at /etc: it failed", ["df", "-i", "/etc"]]);
  const uncounted = fakeHost();
  uncounted.space = () => ({ bytesFree: 0, inodes: 0, inodesFree: 0 });
  expect(problemFor(line, uncounted)[0]).toBe("no space left at /etc: it failed");
});

test("disk fault: a read-only file system is reported with its mount point", () => {
  const host = fakeHost();
  host.put("/proc/self/mounts", "overlay / overlay rw 0 0\n/dev/sdb1 /srv ext4 ro 0 0\n/dev/sdc1 /srv2 ext4 ro 0 0\n");
  expect(problemFor("EROFS: read-only file system, mkdir '/srv/data/x'", host)).toEqual([
    "/srv is a read-only file system: it failed",
    ["sudo", "mount", "-o", "remount,rw", "/srv"],
  ]);
  expect(problemFor("W: Not using locking for read only lock file /var/lib/dpkg/lock", host)[0]).toStartWith(
    "/ is a read-only",
  );
});

test("disk fault: any other problem stays unchanged", () => {
  const problem = new Problem("conflict", "a is b", { hint: ["ls"] });
  expect(withDiskFault(fakeHost(), problem)).toBe(problem);
});

test("disk fault: write errors of the real file system contain the path", () => {
  expect(() => localHost().append("/dev/full", "x", 0o600)).toThrow(
    "ENOSPC: no space left on device, write '/dev/full'",
  );
  const dir = mkdtempSync(`${tmpdir()}/edox-ops-disk-fault-`);
  const { uid } = localHost();
  const write = (): void => localHost().writeFile(dir, new Uint8Array(), { mode: 0o600, uid, gid: uid });
  expect(write).toThrow(`rename '${dir}' -> '${dir}'`);
  rmdirSync(dir);
});

test("disk fault: an exceeded file size is attributed to the limit of the process, if there is one", () => {
  const host = fakeHost();
  host.put("/proc/self/limits", "Max file size             1024000              unlimited            bytes\n");
  const line = "EFBIG: file too large, write '/etc/edox-ops/x'";
  expect(problemFor(line, host)).toEqual([
    "this process may write files of 1024000 bytes at the most (ulimit -f, LimitFSIZE= of a unit): it failed",
    ["ulimit", "-f", "unlimited"],
  ]);
  host.put("/proc/self/limits", "Max file size             unlimited            unlimited            bytes\n");
  expect(problemFor(line, host)).toEqual(["it failed", undefined]);
});
