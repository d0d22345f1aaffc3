// host admin that is killed before the user has proven to log in, on a Debian in memory.

import { describe, expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import { killedAt, moments } from "../engine/killed-host.ts";
import type { FakeHost } from "../fake-host.ts";
import { runs } from "../runs.ts";
import { addOutside } from "./outside.ts";
import { publicKey, sshHost } from "./ssh-host.ts";

const line = "host admin carol --key /srv/carol.pub --yes";

function keyHost(): FakeHost {
  const host = sshHost();
  host.put("/srv/carol.pub", publicKey);
  host.put("/etc/skel/.profile", "umask 077\n");
  host.taught.unshift((argv) => {
    if (argv[0] !== "useradd") return undefined;
    host.dir("/home/carol", { mode: 0o700, uid: 1002, gid: 1002 });
    host.put("/home/carol/.profile", "umask 077\n", { mode: 0o644, uid: 1002, gid: 1002 });
    return undefined;
  });
  return host;
}

const left = (host: FakeHost): unknown[] => [
  host.text("/etc/passwd"),
  host.listing("/home"),
  host.listing("/etc/sudoers.d"),
  host.list("/var/lib/edox-ops/journal") ?? [],
];

/** Kills the command at its calls, and expects this of each host that is left. */
async function eachKill(
  expectOf: (host: FakeHost, where: string) => Promise<void>,
  makeHost: () => FakeHost = keyHost,
  typedLine = line,
): Promise<void> {
  const whole = killedAt(makeHost(), Number.POSITIVE_INFINITY, "after");
  await typed(typedLine, whole.host);
  for (let call = 0; call < whole.calls(); call += runs(2, 1)) {
    for (const moment of moments) {
      const host = makeHost();
      await typed(typedLine, killedAt(host, call, moment).host).catch(() => {});
      await expectOf(host, `call ${call}, ${moment}`);
    }
  }
}

describe("host admin: killed at any call,", () => {
  const before = left(keyHost());

  test("it was to succeed", async () => {
    expect(await typed(line, keyHost())).toMatchObject({ exit: 0, err: "" });
  });

  test("recover removes the account that it has created, or leaves a complete one", async () => {
    await eachKill(async (host, where) => {
      expect([where, (await typed("recover", host)).exit]).toEqual([where, 0]);
      const hasRule = host.stat("/etc/sudoers.d/edox-ops-admin-carol") !== null;
      if (!hasRule) expect([where, ...left(host)]).toEqual([where, ...before]);
    });
  }, 60_000);

  test("the next run completes the account", async () => {
    await eachKill(async (host, where) => {
      expect([where, (await typed(line, host)).exit]).toEqual([where, 0]);
      expect(host.text("/home/carol/.ssh/authorized_keys")).toContain("edox-ops-admin");
      expect(host.stat("/etc/sudoers.d/edox-ops-admin-carol")).not.toBeNull();
    });
  }, 60_000);

  test("a next run after which the user cannot log in leaves no account", async () => {
    await eachKill(async (host, where) => {
      if (
        host.stat("/etc/sudoers.d/edox-ops-admin-carol") !== null &&
        (host.list("/var/lib/edox-ops/journal") ?? []).length === 0
      )
        return;
      addOutside(host, () => false);
      expect([where, (await typed(line, host)).exit]).toEqual([where, 1]);
      expect([where, ...left(host)]).toEqual([where, ...before]);
    });
  }, 60_000);

  test("recover removes an account that useradd, killed as well, has left without a home", async () => {
    const makeHost = (): FakeHost => {
      const host = keyHost();
      host.taught.unshift((argv) => {
        if (argv[0] !== "useradd") return undefined;
        host.put("/etc/passwd", `${host.text("/etc/passwd")}carol:x:1002:1002::/home/carol:/bin/bash\n`);
        return { code: 137, stdout: "", stderr: "" };
      });
      return host;
    };
    await eachKill(async (host, where) => {
      expect([where, (await typed("recover", host)).exit]).toEqual([where, 0]);
      expect([where, ...left(host)]).toEqual([where, ...before]);
      expect(host.ran).not.toContain("userdel --force --remove carol");
    }, makeHost);
  }, 60_000);

  test("recover keeps an account of this name that somebody has created since", async () => {
    await eachKill(async (host, where) => {
      const wasKilledBefore = !host.text("/etc/passwd")?.includes("carol");
      if (!wasKilledBefore || (host.list("/var/lib/edox-ops/journal") ?? []).length === 0) return;
      const other = "carol:x:999:999::/srv/carol:/bin/bash\n";
      host.put("/etc/passwd", `${host.text("/etc/passwd")}${other}`);
      expect([where, (await typed("recover", host)).exit]).toEqual([where, 0]);
      expect([where, host.text("/etc/passwd")]).toEqual([where, expect.stringContaining(other)]);
    });
  }, 60_000);

  test("the dry run of recover shows whether the account is removed", async () => {
    await eachKill(async (host, where) => {
      const { out } = await typed("recover --dry-run", host);
      await typed("recover", host);
      const removed = host.ran.find((each) => each.startsWith("userdel"));
      expect([where, /userdel .*carol/.exec(out)?.[0]]).toEqual([where, removed]);
    });
  }, 60_000);

  test("recover keeps an account whose home was used, and removes its rule", async () => {
    await eachKill(async (host, where) => {
      if (host.stat("/home/carol") === null || (host.list("/var/lib/edox-ops/journal") ?? []).length === 0) return;
      host.put("/home/carol/notes", "mine", { mode: 0o600, uid: 1002, gid: 1002 });
      expect([where, (await typed("recover", host)).exit]).toEqual([where, 0]);
      expect([where, host.text("/etc/passwd"), host.text("/home/carol/notes")]).toEqual([
        where,
        expect.stringContaining("\ncarol:"),
        "mine",
      ]);
      expect([where, host.listing("/etc/sudoers.d")]).toEqual([where, { "/etc/sudoers.d": "directory 750 0:0 " }]);
    });
  }, 60_000);

  test("recover keeps a key that somebody has added since, of an existing user and of a new one", async () => {
    const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther of-another-device\n";
    for (const [name, uid] of [
      ["bob", 1001],
      ["carol", 1002],
    ] as const) {
      const path = `/home/${name}/.ssh/authorized_keys`;
      await eachKill(
        async (host, where) => {
          if ((host.list("/var/lib/edox-ops/journal") ?? []).length === 0 || host.stat(path) === null) return;
          host.put(path, `${host.text(path)}${other}`, { mode: 0o600, uid, gid: uid });
          expect([where, (await typed("recover", host)).exit]).toEqual([where, 0]);
          expect([where, name, host.text(path)]).toEqual([where, name, other]);
        },
        keyHost,
        line.replace("carol", name),
      );
    }
  }, 60_000);
});
