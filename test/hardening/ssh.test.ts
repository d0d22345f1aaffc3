// host ssh-harden on a Debian in memory.

import { describe, expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addOutside } from "./outside.ts";
import { config, debianConfig, dropIn, loggedInByPassword, sshHost } from "./ssh-host.ts";

const python = "/etc/ssh/sshd_config.d/edox-ops.conf";
const cloudInit = "/etc/ssh/sshd_config.d/50-cloud-init.conf";
const done = `SSH hardened via ${dropIn} (password/root login disabled).\n`;
const harden = (host: FakeHost, flags = "") => typed(`host ssh-harden --yes ${flags}`, host);
const record = (host: FakeHost) => JSON.parse(host.text("/etc/edox-ops/host.json") ?? "null");
const settings = (host: FakeHost): string[] =>
  (host.text(dropIn) ?? "").split("\n").filter((line) => /^\s*\w/.test(line));

/** Returns the findings of doctor about SSH, as "status: detail". */
async function findings(host: FakeHost): Promise<Record<string, string>> {
  const { out } = await typed("doctor --json", host);
  const all = JSON.parse(out).findings as { name: string; status: string; detail: string; hint?: string[] }[];
  return Object.fromEntries(
    all
      .filter(({ name }) => name.startsWith("host:ssh-"))
      .map(({ name, status, detail }) => [name.slice(9), `${status}: ${detail}`]),
  );
}

/** Returns what a run may have changed. */
const files = (host: FakeHost) => [host.listing("/etc"), host.listing("/home")];

/** Answers as systemd does where sshd was last loaded at this time. */
const showing = (loadedMs: () => number) => (argv: readonly string[]) => {
  if (argv[0] !== "systemctl" || !argv.includes("--property=StateChangeTimestamp")) return undefined;
  const [day, time] = new Date(loadedMs()).toISOString().slice(0, -1).split("T");
  return ok(`ActiveState=active\nStateChangeTimestamp=Mon ${day} ${time}000 UTC\n`);
};

const strict = [
  "PasswordAuthentication no",
  "KbdInteractiveAuthentication no",
  "PermitRootLogin no",
  "X11Forwarding no",
  "MaxAuthTries 4",
  "LoginGraceTime 30",
  "LogLevel VERBOSE",
  "AllowAgentForwarding no",
];

describe("host ssh-harden:", () => {
  test("writes one file, lets sshd validate and load it, and has nothing to do again", async () => {
    const host = sshHost();
    expect(await harden(host)).toMatchObject({ exit: 0, err: "", out: expect.stringContaining(done) });
    expect(settings(host)).toEqual(strict);
    expect(host.ran.filter((line) => /sshd|ssh\.service/.test(line))).toEqual([
      "sshd -t",
      "systemctl reload-or-restart ssh.service",
    ]);
    const [before, ran] = [files(host), host.ran.length];
    expect(await harden(host)).toMatchObject({ exit: 0, out: expect.stringContaining(done) });
    expect((await typed("host ssh-harden --check", host)).exit).toBe(0);
    expect([files(host), host.ran.length]).toEqual([before, ran]);
  });

  test("has precedence over a file of cloud-init", async () => {
    const host = sshHost();
    host.put(cloudInit, "PasswordAuthentication yes\n");
    expect(await harden(host)).toMatchObject({ exit: 0 });
    expect(await findings(host)).toMatchObject({ harden: "ok: no password, no root (3 accounts)" });
  });

  test("replaces the file of the Python version, and keeps a copy", async () => {
    const host = sshHost();
    host.put(python, "PasswordAuthentication no\nPermitRootLogin no\n");
    expect(await findings(host)).toMatchObject({ harden: expect.stringMatching(/^warning: .*of the Python version/) });
    expect(await harden(host)).toMatchObject({ exit: 0 });
    expect(host.stat(python)).toBeNull();
    const copies = Object.keys(host.listing("/etc/edox-ops/replaced")).filter((path) =>
      path.includes("/edox-ops.conf."),
    );
    expect(copies).toHaveLength(1);
  });

  const precedence: [name: string, change: (host: FakeHost) => void, says: RegExp, hint: RegExp][] = [
    [
      "a line above Include",
      (host) => host.put(config, `PasswordAuthentication yes\n${debianConfig}`),
      /sshd_config:1 sets PasswordAuthentication yes, and sshd reads it before/,
      /sed -i '1s\/\^\/#\/' \/etc\/ssh\/sshd_config$/m,
    ],
    [
      "a file whose name sorts first",
      (host) => host.put("/etc/ssh/sshd_config.d/00-a.conf", "# ours\nPermitRootLogin prohibit-password\n"),
      /00-a\.conf:2 sets PermitRootLogin prohibit-password/,
      /sed -i '2s\/\^\/#\/' \/etc\/ssh\/sshd_config\.d\/00-a\.conf$/m,
    ],
    [
      "no Include line",
      (host) => host.put(config, debianConfig.replace(/^Include.*\n/m, "")),
      /sshd_config has no line that includes .*00-edox-ops\.conf/,
      /sed -i '1i Include \/etc\/ssh\/sshd_config\.d\/\*\.conf' \/etc\/ssh\/sshd_config$/m,
    ],
    [
      "an Include line in a Match block",
      (host) => host.put(config, `Match User bob\n${debianConfig}`),
      /has no line that includes/,
      /sed -i '1i Include/,
    ],
    [
      "a Match block for a user",
      (host) => host.put(config, `${debianConfig}Match User bob\n  PasswordAuthentication yes\n`),
      /sshd_config:9 sets PasswordAuthentication yes in a Match block for bob: remove the line, or pass --allow-password USER/,
      /sed -i '9s/,
    ],
    [
      "a Match block for a group",
      (host) => host.put("/etc/ssh/sshd_config.d/60-sftp.conf", "Match Group sftp\nPasswordAuthentication yes\n"),
      /60-sftp\.conf:2 sets PasswordAuthentication yes in a Match block for bob/,
      /sed -i '2s/,
    ],
    [
      "a Match block for an address",
      (host) => host.put(config, `${debianConfig}Match Address 10.0.0.0/8\n  PermitRootLogin yes\n`),
      /sshd_config:9 sets PermitRootLogin yes in a Match block for root/,
      /sed -i '9s/,
    ],
  ];
  test.each(precedence)("changes nothing because of %s, and names the line", async (_, change, says, hint) => {
    const host = sshHost();
    change(host);
    const before = files(host);
    const { exit, err } = await harden(host);
    expect([exit, err]).toEqual([1, expect.stringMatching(says)]);
    expect(err).toMatch(hint);
    expect((await typed("host ssh-harden --dry-run", host)).err).toMatch(says);
    expect([files(host), host.ran]).toEqual([before, []]);
  });

  test("ignores a Match block of a group without members, and one that is as strict", async () => {
    const host = sshHost();
    const blocks = "Match Group nobody\nPasswordAuthentication yes\nMatch User bob\nPasswordAuthentication no\n";
    host.put(config, debianConfig + blocks);
    expect(await harden(host)).toMatchObject({ exit: 0, err: "" });
  });

  test("leaves another setting of the admin, and names its line", async () => {
    const host = sshHost();
    host.put(config, `X11Forwarding yes\nLoginGraceTime 1m\nMaxAuthTries 2\n${debianConfig}`);
    const { exit, out, err } = await harden(host);
    expect(exit).toBe(0);
    expect(out + err).toContain("/etc/ssh/sshd_config:1 sets X11Forwarding yes, and sshd reads it before");
    expect(out + err).toContain("sshd_config:2 sets LoginGraceTime 1m");
    expect(out + err).not.toContain("MaxAuthTries");
    expect(await findings(host)).toMatchObject({
      harden: expect.stringMatching(/^warning: .*:1 sets X11Forwarding yes/),
    });
  });

  test("rolls back, and names the value, if sshd itself does not apply a setting", async () => {
    const host = sshHost();
    const { taught } = host;
    taught.unshift((argv) => {
      if (argv[0] !== "sshd" || argv[1] !== "-T") return undefined;
      return { code: 0, stdout: "passwordauthentication yes\nauthorizedkeysfile .ssh/authorized_keys\n", stderr: "" };
    });
    const { exit, err } = await harden(host);
    expect([exit, err]).toEqual([1, expect.stringContaining("PasswordAuthentication is yes for root from 127.0.0.1")]);
    expect(host.stat(dropIn)).toBeNull();
    expect(host.ran.filter((line) => line === "systemctl reload-or-restart ssh.service")).toHaveLength(2);
  });

  test("changes nothing if sshd would load changes of others as well, and names the command that loads them", async () => {
    const host = sshHost();
    let loadedMs = host.now();
    host.taught.unshift(showing(() => loadedMs));
    const extra = "/etc/ssh/sshd_config.d/99-extra.conf";
    await host.sleep(200_000);
    host.put(extra, "Banner none\n");
    const before = files(host);
    const { exit, err } = await harden(host);
    expect(exit).toBe(1);
    expect(err).toContain(`${extra} was changed after sshd was last loaded`);
    expect(err).toContain("hint: systemctl reload ssh\n");
    expect(files(host)).toEqual(before);
    loadedMs = host.now();
    expect(await harden(host)).toMatchObject({ exit: 0 });
  });

  test("a file from before the clock was set back is no change, because no reload would be newer", async () => {
    const host = sshHost();
    host.taught.unshift(showing(() => host.now()));
    host.put("/etc/ssh/sshd_config.d/99-extra.conf", "Banner none\n");
    await host.sleep(-3_600_000);
    expect(await harden(host)).toMatchObject({ exit: 0 });
  });

  test("changes nothing if only root has a key, and names the command that adds an admin", async () => {
    const host = sshHost();
    host.remove("/home/alice/.ssh/authorized_keys");
    const before = files(host);
    const { exit, err } = await harden(host);
    expect([exit, err]).toEqual([1, expect.stringContaining("only root can log in and become root")]);
    expect(err).toContain("hint: edox-ops host admin NAME --key FILE");
    expect(files(host)).toEqual(before);
  });

  test("rolls back if the admin no longer gets in", async () => {
    const host = sshHost();
    addOutside(host, () => host.stat(dropIn) === null);
    const before = files(host);
    const { exit, err } = await harden(host);
    expect([exit, err]).toEqual([1, expect.stringContaining("a login from outside is no longer possible: alice")]);
    expect(files(host)).toEqual(before);
  });

  test("rolls back if sshd does not accept its configuration", async () => {
    const host = sshHost();
    host.put("/etc/ssh/sshd_config.d/70-bad.conf", "Bogus yes\n");
    const { exit, err } = await harden(host);
    expect([exit, err]).toEqual([1, expect.stringContaining("Bad configuration option")]);
    expect(host.stat(dropIn)).toBeNull();
  });

  test("creates /run/sshd where no server has run yet, and reads the settings of a socket-activated one", async () => {
    const host = sshHost();
    host.remove("/run/sshd");
    host.remove("/run/systemd/units/invocation:ssh.service");
    host.taught.unshift((argv) => {
      const isSocket = argv.join(" ") === "systemctl show --property=ActiveState ssh.socket";
      return isSocket ? { code: 0, stdout: "ActiveState=active\n", stderr: "" } : undefined;
    });
    expect(await harden(host)).toMatchObject({ exit: 0, err: "" });
    expect(host.ran.filter((line) => /sshd|ssh\.service/.test(line))).toEqual([
      "install -d -m 0755 /run/sshd",
      "sshd -t",
      "systemctl try-restart ssh.service",
    ]);
    host.remove("/run/sshd");
    expect((await typed("host ssh-harden --check", host)).exit).toBe(0);
    expect(await findings(host)).toMatchObject({ harden: expect.stringMatching(/^unknown: .*privilege separation/) });
  });

  test("reloads a server whose unit is named sshd", async () => {
    const host = sshHost();
    host.remove("/lib/systemd/system/ssh.service");
    host.remove("/run/systemd/units/invocation:ssh.service");
    host.put("/lib/systemd/system/sshd.service", "[Service]\n");
    host.link("/run/systemd/units/invocation:sshd.service", "0123456789abcdef");
    host.taught.unshift((argv) => {
      const isReload = argv.join(" ") === "systemctl try-reload-or-restart sshd.service";
      return isReload ? { code: 0, stdout: "", stderr: "" } : undefined;
    });
    expect(await harden(host)).toMatchObject({ exit: 0, err: "" });
  });

  test("changes nothing without a server, or with a stopped one", async () => {
    const host = sshHost();
    host.remove("/run/systemd/units/invocation:ssh.service");
    const before = files(host);
    expect(await harden(host)).toMatchObject({ exit: 1, err: expect.stringContaining("hint: systemctl start ssh") });
    host.remove("/usr/sbin/sshd");
    expect(await harden(host)).toMatchObject({ exit: 1, err: expect.stringContaining("sshd is not installed") });
    expect(files(host)).toEqual(before);
  });

  test("names the users who logged in with a password and no longer can", async () => {
    const host = sshHost();
    loggedInByPassword(host, "alice", "bob", "alice", "gone");
    const line =
      "alice, bob logged in with a password in the last 90 days, and cannot any more: pass --allow-password alice";
    const dry = await typed("host ssh-harden --dry-run", host);
    expect(dry.out + dry.err).toContain(line);
    const { out, err } = await harden(host, "--allow-password bob");
    expect(out + err).toContain("alice logged in with a password in the last 90 days");
  });
});

describe("host ssh-harden --allow-password:", () => {
  test("lets these users log in with a password, also when the flag is left out later, and none ends it", async () => {
    const host = sshHost();
    host.put(config, `${debianConfig}Match User bob\nPasswordAuthentication yes\n`);
    expect(await harden(host, "--allow-password bob --allow-password alice")).toMatchObject({ exit: 0 });
    expect(settings(host).slice(-2)).toEqual(["Match User alice,bob", "    PasswordAuthentication yes"]);
    expect(record(host)).toEqual({ ssh: { password_users: ["alice", "bob"] } });
    expect(await findings(host)).toEqual({
      harden: "ok: no password except for alice, bob, no root (3 accounts)",
      passwords: "ok: only alice, bob may log in with a password",
    });
    expect(await harden(host)).toMatchObject({ exit: 0 });
    expect(record(host)).toEqual({ ssh: { password_users: ["alice", "bob"] } });
    host.put(config, debianConfig);
    expect(await harden(host, "--allow-password none")).toMatchObject({ exit: 0 });
    expect([settings(host), record(host)]).toEqual([strict, null]);
  });

  test("keeps the other keys of the record", async () => {
    const host = sshHost();
    host.put("/etc/edox-ops/host.json", '{"ssh_port": 22, "more": 1, "ssh": {"later": 2}}', { mode: 0o600 });
    expect(await harden(host, "--allow-password alice --modern")).toMatchObject({ exit: 0 });
    expect(record(host)).toEqual({ ssh_port: 22, more: 1, ssh: { later: 2, password_users: ["alice"], modern: true } });
  });

  test("refuses root, users who do not exist, and names that sshd would read as patterns", async () => {
    const host = sshHost();
    const before = files(host);
    for (const [name, exit, says] of [
      ["root", 1, "root may not log in over SSH"],
      ["carol", 1, "this host has no such user"],
      ["*", 2, "invalid user name '*'"],
      ["alice,*", 2, "invalid user name '*'"],
      ["-x", 2, "--allow-password needs a value"],
      ["none,alice", 2, "none cannot be used with a name"],
    ] as const) {
      const { exit: ended, err } = await harden(host, `--allow-password ${name}`);
      expect([name, ended, err]).toEqual([name, exit, expect.stringContaining(says)]);
    }
    expect(files(host)).toEqual(before);
  });

  test("a name in the record cannot add a line to the configuration", async () => {
    const host = sshHost();
    host.put("/etc/edox-ops/host.json", JSON.stringify({ ssh: { password_users: ["a\nPermitRootLogin yes"] } }), {
      mode: 0o600,
    });
    expect(await harden(host)).toMatchObject({ exit: 1, err: expect.stringContaining("is not the name of a user") });
    expect(host.stat(dropIn)).toBeNull();
  });
});

test("host ssh-harden --modern: accepts the modern algorithms that this OpenSSH knows, until --no-modern", async () => {
  const host = sshHost();
  expect(await harden(host, "--modern")).toMatchObject({ exit: 0 });
  const lists = [
    "KexAlgorithms sntrup761x25519-sha512,curve25519-sha256",
    "MACs hmac-sha2-512-etm@openssh.com",
    "Ciphers aes256-gcm@openssh.com,aes128-ctr",
    "HostKeyAlgorithms ssh-ed25519,rsa-sha2-512",
  ];
  expect(settings(host)).toEqual([...strict, ...lists]);
  expect(record(host)).toEqual({ ssh: { modern: true } });
  expect((await typed("host ssh-harden --check", host)).exit).toBe(0);
  expect(await findings(host)).toMatchObject({ harden: expect.stringMatching(/^ok/) });
  expect(await harden(host, "--no-modern")).toMatchObject({ exit: 0 });
  expect([settings(host), record(host)]).toEqual([strict, null]);
  expect((await harden(host, "--modern --no-modern")).exit).toBe(2);
});

describe("doctor host:ssh-harden:", () => {
  test("is not configured on a host without it, and is unknown without root", async () => {
    const listed = (out: string) => /^\[OK\] host:ssh-harden: (.*)$/m.exec(out)?.[1];
    const plain = await typed("doctor --all", sshHost());
    expect(listed(plain.out)).toBe("not configured (optional; run edox-ops host ssh-harden --yes)");
    const user = sshHost({ uid: 1000 });
    user.put(dropIn, "");
    expect(await findings(user)).toEqual({
      harden: expect.stringMatching(/^unknown: /),
      passwords: expect.stringMatching(/^unknown: /),
    });
  });

  test("fails if another file takes precedence later, and for the Python version's file that never applied", async () => {
    const host = sshHost();
    expect(await harden(host)).toMatchObject({ exit: 0 });
    host.put("/etc/ssh/sshd_config.d/00-admin.conf", "PasswordAuthentication yes\n");
    expect(await findings(host)).toEqual({
      harden: expect.stringMatching(/^error: .*00-admin\.conf:1 sets PasswordAuthentication yes/),
      passwords: "warning: a password is enough to log in as alice, bob",
    });
    const taken = sshHost();
    taken.put(cloudInit, "PasswordAuthentication yes\n");
    taken.put(python, "PasswordAuthentication no\nPermitRootLogin no\n");
    expect(await findings(taken)).toMatchObject({
      harden: "error: sshd does not harden: PasswordAuthentication is yes for root from 127.0.0.1",
    });
  });
});

describe("doctor host:ssh-passwords:", () => {
  const cases: [name: string, change: (host: FakeHost) => void, expected: string][] = [
    ["every account with a password", () => {}, "warning: a password is enough to log in as alice, bob"],
    [
      "no account that is locked, expired or without a shell",
      (host) => {
        host.put("/etc/shadow", "root:*:1::::::\nalice:!$y$x:1::::::\nbob:$y$x:1:::::1:\ndaemon:$y$x:1::::::\n");
        host.put("/etc/passwd", `${host.text("/etc/passwd")}daemon:x:1:1::/:/usr/sbin/nologin\n`);
      },
      "ok: no account accepts a password",
    ],
    [
      "root, if it has a password and PermitRootLogin is yes",
      (host) => {
        host.put("/etc/shadow", "root:$y$x:1::::::\n");
        host.put(config, `PermitRootLogin yes\n${debianConfig}`);
      },
      "warning: a password is enough to log in as root",
    ],
    [
      "no root whose PermitRootLogin is prohibit-password",
      (host) => host.put("/etc/shadow", "root:$y$x:1::::::\n"),
      "ok: no account accepts a password",
    ],
    [
      "only users of AllowUsers",
      (host) => host.put(config, `AllowUsers bob@10.0.0.*\n${debianConfig}`),
      "warning: a password is enough to log in as bob",
    ],
    [
      "nobody with AuthenticationMethods publickey,password",
      (host) => host.put(config, `AuthenticationMethods publickey,password\n${debianConfig}`),
      "ok: no account accepts a password",
    ],
    [
      "everyone by keyboard-interactive with PAM",
      (host) => host.put(config, "PasswordAuthentication no\nUsePAM yes\n"),
      "warning: a password is enough to log in as alice, bob",
    ],
    [
      "a user of a Match block",
      (host) =>
        host.put(config, `PasswordAuthentication no\n${debianConfig}Match User bob\nPasswordAuthentication yes\n`),
      "warning: a password is enough to log in as bob",
    ],
  ];
  test.each(cases)("names %s", async (_, change, expected) => {
    const host = sshHost();
    host.put("/etc/logrotate.d/edox-ops", "");
    change(host);
    expect((await findings(host)).passwords).toBe(expected);
  });
});
