// host admin on a Debian in memory.

import { describe, expect, test } from "bun:test";
import { secretLine, typed, typedWords } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import { addOutside } from "./outside.ts";
import { hash, publicKey, sshHost } from "./ssh-host.ts";

const keyPath = "/srv/carol.pub";
const [type = "", base64 = ""] = publicKey.split(" ");
const added = `${type} ${base64} edox-ops-admin\n`;

function keyHost(): FakeHost {
  const host = sshHost();
  host.put(keyPath, publicKey);
  return host;
}

const admin = (host: FakeHost, name: string) => typed(`host admin ${name} --key ${keyPath} --yes`, host);
const files = (host: FakeHost) => [host.listing("/etc"), host.listing("/home")];

describe("host admin:", () => {
  test("adds a user with the key and sudo, and has nothing to do again", async () => {
    const host = keyHost();
    const { exit, out, err } = await admin(host, "carol");
    expect([exit, err, out]).toEqual([
      0,
      "",
      expect.stringContaining("carol can log in over SSH and become root with sudo.\n"),
    ]);
    expect(host.ran.filter((line) => line.startsWith("useradd"))).toEqual([
      "useradd --uid 1002 --user-group --create-home --home-dir /home/carol --shell /bin/bash --password * carol",
    ]);
    expect(host.listing("/home/carol/.ssh")).toEqual({
      "/home/carol/.ssh": "directory 700 1002:1002 ",
      "/home/carol/.ssh/authorized_keys": `file 600 1002:1002 ${added}`,
    });
    expect(host.listing("/etc/sudoers.d")["/etc/sudoers.d/edox-ops-admin-carol"]).toBe(
      "file 440 0:0 # Written by edox-ops host admin. carol has no password.\ncarol ALL=(ALL:ALL) NOPASSWD: ALL\n",
    );
    const before = files(host);
    expect(await admin(host, "carol")).toMatchObject({ exit: 0, err: "" });
    expect((await typed(`host admin carol --key ${keyPath} --check`, host)).exit).toBe(0);
    expect(files(host)).toEqual(before);
  });

  test("adds the key to those of an existing user, whose other lines stay", async () => {
    const host = keyHost();
    host.dir("/home/bob/.ssh", { mode: 0o755, uid: 1001, gid: 1001 });
    host.put("/home/bob/.ssh/authorized_keys", "# mine\nssh-ed25519 AAAA other", { mode: 0o644, uid: 1001, gid: 1001 });
    expect(await admin(host, "bob")).toMatchObject({ exit: 0, err: "" });
    expect(host.text("/home/bob/.ssh/authorized_keys")).toBe(`# mine\nssh-ed25519 AAAA other\n${added.trimEnd()}`);
    expect(host.listing("/home/bob/.ssh")["/home/bob/.ssh"]).toStartWith("directory 755 1001:1001");
    expect(host.ran.filter((line) => line.startsWith("useradd"))).toEqual([]);
    // A user of the name with a dot has a rule that sudo reads.
    host.put("/etc/passwd", `${host.text("/etc/passwd")}carol.x:x:1005:1005::/home/carol:/bin/bash\n`);
    host.dir("/home/carol", { mode: 0o700, uid: 1005, gid: 1005 });
    addOutside(host, () => true);
    host.taught.unshift(([program, ...words]) =>
      program === "sudo" && words[0] === "-l"
        ? { code: 0, stdout: "    (ALL : ALL) NOPASSWD: ALL\n", stderr: "" }
        : undefined,
    );
    expect(await admin(host, "carol.x")).toMatchObject({ exit: 0, err: "" });
    expect(host.text("/etc/sudoers.d/edox-ops-admin-carol+x")).toContain("carol.x ALL=(ALL:ALL) NOPASSWD: ALL");
  });

  test("corrects a directory of keys that others may change, and keeps a key that the user has", async () => {
    const host = keyHost();
    host.dir("/home/alice/.ssh", { mode: 0o777, uid: 1000, gid: 1000 });
    host.put("/home/alice/.ssh/authorized_keys", publicKey, { mode: 0o600, uid: 1000, gid: 1000 });
    host.dir("/home/bob/.ssh", { mode: 0o777, uid: 1001, gid: 1001 });
    expect(await admin(host, "alice")).toMatchObject({ exit: 0, err: "" });
    expect(host.text("/home/alice/.ssh/authorized_keys")).toBe(publicKey);
    expect(await admin(host, "bob")).toMatchObject({ exit: 0, err: "" });
    expect(host.listing("/home/bob/.ssh")["/home/bob/.ssh"]).toStartWith("directory 700 1001:1001");
  });

  test("writes the key where sshd reads it", async () => {
    const host = keyHost();
    host.put("/etc/ssh/sshd_config", "AuthorizedKeysFile /etc/ssh/keys/%u\n");
    addOutside(host, () => true);
    expect(await admin(host, "carol")).toMatchObject({ exit: 0, err: "" });
    expect(host.listing("/etc/ssh/keys")).toEqual({
      "/etc/ssh/keys": "directory 755 0:0 ",
      "/etc/ssh/keys/carol": `file 644 0:0 ${added}`,
    });
  });

  test("removes key and rule again if the user cannot log in", async () => {
    const host = keyHost();
    addOutside(host, () => false);
    const { exit, err } = await admin(host, "bob");
    expect([exit, err]).toEqual([1, expect.stringContaining("bob cannot log in from outside and become root")]);
    expect([host.stat("/home/bob/.ssh"), host.stat("/etc/sudoers.d/edox-ops-admin-bob")]).toEqual([null, null]);
  });

  test("removes the key again if the user cannot log in, and keeps a new directory of keys with another file", async () => {
    const host = keyHost();
    addOutside(host, () => {
      host.put("/home/bob/.ssh/known_hosts", "", { mode: 0o600, uid: 1001, gid: 1001 });
      return false;
    });
    const { exit, err } = await admin(host, "bob");
    expect([exit, err]).toEqual([1, expect.stringContaining("the previous files were restored")]);
    expect(host.list("/home/bob/.ssh")).toEqual(["known_hosts"]);
    expect(await typed("host admin bob --key /srv/carol.pub --check", host)).toMatchObject({ exit: 3 });
  });

  test("removes a new account again if the user cannot log in, unless somebody has used it", async () => {
    const profile = { mode: 0o644, uid: 1002, gid: 1002 };
    for (const use of [
      (host: FakeHost) => host.put("/home/carol/notes", "mine", profile),
      (host: FakeHost) => host.put("/home/carol/.profile", "mine", profile),
      (host: FakeHost) => host.link("/home/carol/.profile", "/etc/shadow"),
      (host: FakeHost) => host.put("/home/carol/.ssh/known_hosts", "", profile),
      (host: FakeHost) => host.put("/home/carol/.ssh/authorized_keys", `${added}ssh-rsa AAAA mine\n`, profile),
      (host: FakeHost) => host.put("/etc/shadow", `${host.text("/etc/shadow")}carol:${hash}:20000::::::\n`),
    ]) {
      const [host, used] = [keyHost(), keyHost()];
      for (const each of [host, used]) each.put("/etc/skel/.profile", "umask 077\n");
      const before = files(host);
      const logIn = (each: FakeHost, act: (host: FakeHost) => void) => () => {
        each.put("/home/carol/.profile", "umask 077\n", profile);
        act(each);
        return false;
      };
      addOutside(
        host,
        logIn(host, () => {}),
      );
      addOutside(used, logIn(used, use));
      const { exit, err } = await admin(host, "carol");
      expect([exit, err]).toEqual([1, expect.stringContaining("carol cannot log in from outside and become root")]);
      expect(files(host)).toEqual(before);
      expect(host.ran).toContain("userdel --force --remove carol");
      expect((await admin(used, "carol")).err).toContain("the account carol stays, because somebody has used it");
      expect([used.text("/etc/passwd")?.includes("carol"), used.stat("/home/carol")?.uid]).toEqual([true, 1002]);
    }
  });

  const refused: [name: string, user: string, change: (host: FakeHost) => void, says: string][] = [
    ["root", "root", () => {}, "the account root may not log in on a hardened host"],
    [
      "the account of a service",
      "www-data",
      (host) => host.put("/etc/passwd", "www-data:x:33:33::/var/www:/bin/sh\n"),
      "belongs to a service",
    ],
    [
      "nobody",
      "nobody",
      (host) => host.put("/etc/passwd", "nobody:x:65534:65534::/:/bin/sh\n"),
      "belongs to a service",
    ],
    [
      "a user without a shell",
      "bob",
      (host) => host.put("/etc/passwd", "bob:x:1001:1001::/home/bob:/usr/sbin/nologin\n"),
      "usermod --shell /bin/bash bob",
    ],
    ["an expired user", "bob", (host) => host.put("/etc/shadow", "bob:*:1:::::1:\n"), "chage --expiredate -1 bob"],
    [
      "a name that only a group has",
      "docker",
      (host) => host.put("/etc/group", `${host.text("/etc/group")}docker:x:990:\n`),
      "a group docker exists, but no user: choose another name",
    ],
    ["a user without a home", "bob", (host) => host.remove("/home/bob"), "mkhomedir_helper bob"],
    [
      "a new user whose home exists",
      "carol",
      (host) => host.dir("/home/carol", { uid: 1009 }),
      "/home/carol exists, but no user carol",
    ],
    [
      "a key that has options already",
      "alice",
      (host) =>
        host.put("/home/alice/.ssh/authorized_keys", `command="id" ${publicKey}`, {
          mode: 0o600,
          uid: 1000,
          gid: 1000,
        }),
      "authorized_keys:1 has this key with options",
    ],
    [
      "a directory of keys that is a link",
      "bob",
      (host) => host.link("/home/bob/.ssh", "/etc"),
      "/home/bob/.ssh is not a directory",
    ],
    [
      "a rule that sudo does not accept",
      "bob",
      (host) =>
        host.taught.unshift(([program]) =>
          program === "visudo" ? { code: 1, stdout: "", stderr: "syntax error" } : undefined,
        ),
      "sudo does not accept /etc/sudoers.d/edox-ops-admin-bob: syntax error",
    ],
  ];
  test.each(refused)("changes nothing for %s", async (_, user, change, says) => {
    const host = keyHost();
    change(host);
    const before = files(host);
    const { exit, err } = await admin(host, user);
    expect([exit, err]).toEqual([1, expect.stringContaining(says)]);
    expect(files(host)).toEqual(before);
  });

  test("refuses hostile names, and texts that are no public key", async () => {
    const host = keyHost();
    const before = files(host);
    for (const name of [
      "",
      "a b",
      "../x",
      "ALL",
      "%wheel",
      "a,ALL",
      "a:b",
      "a\nb ALL=(ALL) ALL",
      "1000",
      "a".repeat(33),
      "é",
      "a=b",
      "Alice",
      "$(id)",
      "a;id",
      "a'b",
      "a\\b",
      "a*",
      "a\0b",
      "#0",
    ]) {
      const { exit, err } = await typedWords(["host", "admin", name, "--key", keyPath, "--yes"], host);
      expect([name, exit, err]).toEqual([name, 2, expect.stringContaining("name")]);
    }
    expect(await typedWords(["host", "admin", "-x", "--key", keyPath, "--yes"], host)).toMatchObject({ exit: 2 });
    for (const text of [
      "",
      "hello\n",
      `command="id" ${publicKey}`,
      `${publicKey}${publicKey}`,
      `${type} ${base64.slice(0, -4)}\n`,
      "-----BEGIN OPENSSH PRIVATE KEY-----\n",
      `# a comment\n${publicKey}`,
      `${type}-cert-v01@openssh.com ${base64}\n`,
      `cert-authority ${publicKey}`,
      `${type}\r${base64}\n`,
      `${type} ${base64}\0\n`,
      `${type} ${base64}\u2028\n${publicKey}`,
    ]) {
      host.put(keyPath, text);
      expect([text, (await admin(host, "carol")).exit]).toEqual([text, 1]);
    }
    expect((await typed("host admin carol --key /none --yes", host)).err).toContain("/none does not exist");
    expect(await typed("host admin carol --yes", host)).toMatchObject({
      exit: 2,
      err: expect.stringContaining("--key is missing"),
    });
    // The line on stdin is read, but is no key.
    expect((await typed("host admin carol --key - --yes", host)).err).toContain(
      "the key on stdin does not begin with the type of a key",
    );
    expect([files(host), secretLine.length > 0]).toEqual([before, true]);
  });
});
