// Tests which newer version self-update offers, and who may install it.

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { sign } from "../install/release.ts";
import { asRelease } from "./as-release.ts";
import { typed, variables } from "./typed.ts";

const { dir, keys } = asRelease("1.2.3");
const own = new Bun.CryptoHasher("sha256").update("this one").digest("hex");
const program = "/usr/local/bin/edox-ops";

/** Returns a host with this program at its path, and a server whose latest version is `latest`. */
function hostWith(
  latest: string,
  options: { uid?: number; at?: string; sum?: string; architecture?: string; sums?: string; only?: string } = {},
): FakeHost {
  const host = fakeDebian({ uid: options.uid ?? 0, architecture: options.architecture ?? "amd64" });
  host.put(options.at ?? program, "this one", { mode: 0o755 });
  const all = `${options.sum ?? "0".repeat(64)}  edox-ops-linux-x64\n${"1".repeat(64)}  edox-ops_${latest}_amd64.deb\n${options.sums ?? ""}`;
  const sums = options.only ?? all;
  writeFileSync(`${dir}/SHA256SUMS`, sums);
  sign(dir, keys);
  const signature = readFileSync(`${dir}/SHA256SUMS.sig`);
  host.served.push((_, url) => {
    if (!/\/(permalink\/latest|v\d+\.\d+\.\d+)\/downloads\/SHA256SUMS/.test(url)) return undefined;
    return { status: 200, body: url.endsWith(".sig") ? signature : Buffer.from(sums) };
  });
  return host;
}

describe("self-update", () => {
  test("self-update --check: exits 3 with a hint if there is another version, and 0 if there is none", async () => {
    const newer = hostWith("1.3.0");
    expect(await typed("self-update --check", newer)).toEqual({
      exit: 3,
      out: "edox-ops 1.2.3 can become 1.3.0: edox-ops self-update\n",
      err: "",
    });
    expect(newer.asked[0]).toBe("GET https://releases.test/-/releases/permalink/latest/downloads/SHA256SUMS");
    expect(await typed("self-update --check", hostWith("1.2.3", { sum: own }))).toEqual({
      exit: 0,
      out: "edox-ops 1.2.3 is the latest release\n",
      err: "",
    });
    expect((await typed("self-update --version v1.2.3", hostWith("1.2.3", { sum: own }))).out).toBe(
      "edox-ops 1.2.3 is installed already\n",
    );
  });

  test("self-update --check: it needs no root, and --json reports the same", async () => {
    const { exit, out } = await typed("self-update --check --json", hostWith("1.3.0", { uid: 1000 }));
    expect([exit, JSON.parse(out)]).toMatchObject([
      3,
      { outcome: "pending", exit: 3, update: { from: "1.2.3", to: "1.3.0", path: program, previous: null } },
    ]);
    const denied = await typed("self-update", hostWith("1.3.0", { uid: 1000 }));
    expect([denied.exit, denied.err]).toEqual([2, expect.stringContaining("sudo edox-ops self-update")]);
  });

  test("self-update --rollback: a signal before the swap leaves both programs, and is the exit code", async () => {
    const previous = "/usr/local/bin/.edox-ops.previous";
    const host = hostWith("1.3.0");
    host.put(previous, "the one before", { mode: 0o755 });
    host.taught.push(([name]) => {
      if (name !== previous) return undefined;
      host.signal = { name: "SIGTERM", number: 15 };
      return ok("1.2.2\n");
    });
    const state = host.listing();
    expect(await typed("self-update --rollback", host)).toMatchObject({
      exit: 143,
      out: "",
      err: expect.stringContaining("error: interrupted by SIGTERM"),
    });
    const after = host.listing();
    for (const path of Object.keys(after)) if (path.startsWith("/var/log/edox-ops")) delete after[path];
    expect(after).toEqual(state);
  });

  test("self-update: it requests the mirror in EDOX_BASE_URL, and rejects an invalid address", async () => {
    try {
      variables.EDOX_BASE_URL = "https://mirror.test/edox/";
      const host = hostWith("1.3.0");
      expect((await typed("self-update --check", host)).exit).toBe(3);
      expect(host.asked[0]).toStartWith("GET https://mirror.test/edox/permalink/");
      for (const wrong of ["mirror.test", "file:///srv", "https://"]) {
        variables.EDOX_BASE_URL = wrong;
        const { exit, err } = await typed("self-update --check");
        expect([exit, err]).toEqual([
          2,
          expect.stringContaining(`EDOX_BASE_URL '${wrong.replace(/\/+$/, "")}' is no address`),
        ]);
      }
    } finally {
      delete variables.EDOX_BASE_URL;
    }
  });

  test("self-update: a version without all files for this architecture is refused", async () => {
    for (const [sums, missing] of [
      ["", "edox-ops-linux-arm64"],
      [`${"2".repeat(64)}  edox-ops-linux-arm64\n`, "edox-ops_1.3.0_arm64.deb"],
    ] as const) {
      const host = hostWith("1.3.0", { architecture: "arm64", sums });
      const { exit, out, err } = await typed("self-update", host);
      const message = `edox-ops 1.3.0 was not released for arm64: it has no checksum for ${missing}`;
      expect([exit, out, err]).toEqual([1, "", `error: ${message}\n`]);
      expect([host.text(program), host.asked.some((url) => url.includes(".deb"))]).toEqual(["this one", false]);
    }
  });

  test("self-update: a version for arm64 alone is refused on amd64 by the same words", async () => {
    const host = hostWith("1.3.0", { only: `${"2".repeat(64)}  edox-ops_1.3.0_arm64.deb\n` });
    const message = "edox-ops 1.3.0 was not released for amd64: it has no checksum for edox-ops-linux-x64";
    expect(await typed("self-update", host)).toEqual({ exit: 1, out: "", err: `error: ${message}\n` });
  });

  test("self-update: an invalid --version is rejected, and so is --version with --rollback", async () => {
    for (const wrong of ["1.2", "latest", "../1.2.3", "1.2.3-rc1"]) {
      const { exit, err } = await typed(`self-update --version ${wrong}`);
      expect([exit, err]).toEqual([2, expect.stringContaining(`--version '${wrong}' is no version`)]);
    }
    expect(await typed("self-update --rollback --version 1.2.3")).toMatchObject({
      exit: 2,
      err: expect.stringContaining("--rollback and --version cannot be used together"),
    });
  });

  test("self-update: a program from a Debian package is left to apt, and the package to fetch is printed", async () => {
    const packaged = "/usr/bin/edox-ops";
    const { exit, err } = await typed(
      "self-update",
      apt(hostWith("1.3.0", { at: packaged })),
      undefined,
      undefined,
      packaged,
    );
    expect([exit, err]).toEqual([
      1,
      `error: apt owns ${packaged}: fetch https://releases.test/-/releases/v1.3.0/downloads/edox-ops_1.3.0_amd64.deb\nhint: apt-get install ./edox-ops_1.3.0_amd64.deb\n`,
    ]);
    const back = await typed(
      "self-update --rollback",
      apt(hostWith("1.3.0", { at: packaged })),
      undefined,
      undefined,
      packaged,
    );
    expect([back.exit, back.err]).toEqual([1, expect.stringContaining(`apt owns ${packaged}\n`)]);
  });

  test("self-update --check: for a program from a Debian package it prints the command for apt", async () => {
    const packaged = "/usr/bin/edox-ops";
    const line = "self-update --check";
    const { exit, out } = await typed(line, apt(hostWith("1.3.0", { at: packaged })), undefined, undefined, packaged);
    expect([exit, out]).toEqual([
      3,
      "edox-ops 1.2.3 can become 1.3.0: apt-get install ./edox-ops_1.3.0_amd64.deb, from https://releases.test/-/releases/v1.3.0/downloads/edox-ops_1.3.0_amd64.deb\n",
    ]);
  });

  test("self-update --check: the same version with other bytes is not called newer", async () => {
    const { out } = await typed("self-update --check", hostWith("1.2.3"));
    expect(out).toBe("this is not edox-ops 1.2.3 as it was released: edox-ops self-update\n");
  });

  test("self-update: the hint repeats the mirror, and its password is printed nowhere", async () => {
    try {
      variables.EDOX_BASE_URL = "https://bob:s3cret@mirror.test/edox";
      const { out } = await typed("self-update --check", hostWith("1.3.0", { uid: 1000 }));
      expect(out).toEndWith(": sudo EDOX_BASE_URL=https://mirror.test/edox edox-ops self-update\n");
      const unreachable = await typed("self-update --json", fakeWith(program));
      expect(unreachable.out + unreachable.err).not.toContain("s3cret");
      expect(unreachable.out).toContain(
        "https://mirror.test/edox/permalink/latest/downloads/SHA256SUMS cannot be fetched",
      );
    } finally {
      delete variables.EDOX_BASE_URL;
    }
  });

  test("self-update and uninstall: they are refused if this program's file was removed", async () => {
    const gone = `${program} (deleted)`;
    for (const line of ["self-update", "self-update --rollback", "self-update --check", "uninstall --yes"]) {
      const { exit, err } = await typed(line, hostWith("1.3.0"), undefined, undefined, gone);
      expect([exit, err]).toEqual([1, expect.stringContaining(`error: this program is no longer at ${gone}`)]);
    }
  });

  test("self-update: a user's file in root's directory needs root, and one in the user's own directory does not", async () => {
    const host = hostWith("1.3.0", { uid: 1000 });
    host.put(program, "this one", { mode: 0o755, uid: 1000 });
    expect(await typed("self-update", host)).toMatchObject({ exit: 2, err: expect.stringContaining("sudo edox-ops") });
    host.dir("/usr/local/bin", { uid: 1000, mode: 0o755, gid: 1000 });
    expect((await typed("self-update --check", host)).out).toEndWith(": edox-ops self-update\n");
  });

  test("self-update: a user's own program has its lock in a directory beside it", async () => {
    const host = hostWith("1.3.0", { uid: 1000 });
    host.put(program, "this one", { mode: 0o755, uid: 1000 });
    host.dir("/usr/local/bin", { uid: 1000, mode: 0o755, gid: 1000 });
    host.locks.set("/usr/local/bin/.edox-ops.locks/program.lock", { pid: 7, command: "sh", sinceMs: 0 });
    expect(await typed("self-update", host)).toMatchObject({ exit: 75, err: expect.stringContaining("sh (pid 7") });
    expect(host.stat("/usr/local/bin/.edox-ops.locks")).toMatchObject({ mode: 0o700, uid: 1000 });
  });

  test("self-update and bootstrap: a directory for locks that others can open is refused", async () => {
    const host = hostWith("1.3.0");
    host.dir("/run/edox-ops", { mode: 0o755 });
    for (const [line, lock] of [
      ["self-update", "program.lock"],
      ["bootstrap --yes", "host.lock"],
    ]) {
      const { exit, err } = await typed(line ?? "", host);
      expect([exit, err]).toEqual([
        1,
        expect.stringContaining(
          `error: the lock /run/edox-ops/${lock} cannot be taken: /run/edox-ops is not a directory`,
        ),
      ]);
      expect(err).toEndWith("hint: ls -ld /run/edox-ops\n");
    }
  });

  test("self-update: it does not wait for another run that replaces the program", async () => {
    const host = hostWith("1.3.0");
    host.locks.set("/run/edox-ops/program.lock", { pid: 7, command: "sh", sinceMs: 0 });
    expect(await typed("self-update", host)).toMatchObject({ exit: 75, err: expect.stringContaining("sh (pid 7") });
  });
});

/** Returns a host with this program and without a server. */
function fakeWith(at: string): FakeHost {
  const host = fakeDebian();
  host.put(at, "this one", { mode: 0o755 });
  return host;
}

/** Records the Debian package as installed on the host. */
function apt(host: FakeHost): FakeHost {
  const status = host.text("/var/lib/dpkg/status");
  host.put("/var/lib/dpkg/status", `${status}\nPackage: edox-ops\nStatus: install ok installed\nVersion: 1.2.3\n\n`);
  return host;
}

describe("uninstall", () => {
  function installed(at = program): FakeHost {
    const host = fakeDebian();
    host.put(at, "this one", { mode: 0o755 });
    for (const left of ["previous", "new", "new.4711"])
      host.put(`/usr/local/bin/.edox-ops.${left}`, "", { mode: 0o755 });
    host.put("/usr/local/bin/.edox-ops.conf", "somebody else's");
    host.taught.unshift(([name, flag, path = ""]) => {
      if (name !== "rm" || flag !== "-r") return undefined;
      host.remove(path);
      return ok();
    });
    return host;
  }

  test("uninstall: it removes the program and the previous version, and nothing else", async () => {
    const host = installed();
    const others = Object.keys(host.listing());
    const { exit, out, err } = await typed("uninstall --yes", host);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toEndWith("edox-ops is uninstalled; what it set up is kept.\n");
    const left = Object.keys(host.listing()).filter((path) => !path.startsWith("/var/log/edox-ops"));
    expect(left).toEqual(
      others.filter((path) => !/^\/usr\/local\/bin\/(\.edox-ops\.(previous|new)|edox-ops)/.test(path)),
    );
  });

  test("uninstall --dry-run: it lists what stays, and the commands that remove that", async () => {
    const host = installed();
    host.put("/etc/edox-ops/projects.json", "{}");
    host.put("/var/www/docs/.edox-ops-backups/demo/index.html", "home");
    expect((await typed("uninstall --dry-run", host)).out).not.toContain("sites");
    host.put("/var/www/docs/demo/index.html", "home");
    const { exit, out } = await typed("uninstall --dry-run", host);
    expect(exit).toBe(0);
    expect(out).toContain("warning: the sites below /var/www/docs are kept, and nginx serves them");
    expect(out).toContain("project remove SLUG --delete-files --yes");
    expect(out).toContain("warning: what is in /etc/edox-ops is kept");
    expect(host.text(program)).toBe("this one");
  });

  test("uninstall: it does not wait for another run that replaces the program", async () => {
    const host = installed();
    host.locks.set("/run/edox-ops/program.lock", { pid: 7, command: "sh", sinceMs: 0 });
    expect(await typed("uninstall --yes", host)).toMatchObject({ exit: 75 });
    expect(host.text(program)).toBe("this one");
  });

  test("uninstall: it needs --yes or a confirmation, and leaves a Debian package to apt", async () => {
    expect(await typed("uninstall", installed())).toMatchObject({ exit: 2 });
    const packaged = "/usr/bin/edox-ops";
    const { exit, err } = await typed("uninstall --yes", apt(installed(packaged)), undefined, undefined, packaged);
    expect([exit, err]).toEqual([1, `error: apt owns ${packaged}\nhint: apt-get remove edox-ops\n`]);
  });
});
