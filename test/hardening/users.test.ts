import { expect, test } from "bun:test";
import { sudoRule } from "../../src/hardening/proof/sudo.ts";
import { usersWithKeys } from "../../src/hardening/proof/users.ts";
import { publicKey, sshHost } from "./ssh-host.ts";

const listing = (...rules: string[]): string => `Matching Defaults entries for a on h:
    env_reset, mail_badpass,
    (ALL) NOPASSWD\\: ALL,
    use_pty

User a may run the following commands on h:
${rules.map((each) => `    ${each}\n`).join("")}`;

test("sudo: only a rule for all commands as root makes a user an admin", () => {
  const rules: [rules: string[], expected: "sudo" | "password" | null][] = [
    [["(ALL : ALL) ALL"], "password"],
    [["(ALL : ALL) NOPASSWD: ALL"], "sudo"],
    [["(root) SETENV: NOPASSWD: ALL"], "sudo"],
    [["(ALL, !root) NOPASSWD: ALL"], null],
    [["(www-data) NOPASSWD: ALL"], null],
    [["(root) NOPASSWD: /usr/local/bin/edox-ops deploy-session"], null],
    [["(root) NOPASSWD: /usr/bin/ALL"], null],
    [["(root) /usr/bin/id, ALL"], "password"],
    [["(ALL) NOPASSWD: ALL", "(ALL) PASSWD: ALL"], "password"],
    [["(root) /usr/bin/id", "(ALL : ALL) NOPASSWD: ALL"], "sudo"],
    [[], null],
  ];
  for (const [lines, expected] of rules) expect([lines, sudoRule(listing(...lines))]).toEqual([lines, expected]);
  expect([sudoRule("User nobody is not allowed to run sudo on h.\n"), sudoRule("")]).toEqual([null, null]);
});

test("users: an admin who is the last of many accounts is found, and accounts that are left out are counted", async () => {
  const host = sshHost();
  const people = Array.from({ length: 120 }, (_, i) => `user${i}:x:${3000 + i}:100::/home/user${i}:/bin/bash\n`);
  const [, alice = "", bob = ""] = (host.text("/etc/passwd") ?? "").split(/(?<=\n)/);
  host.put("/etc/passwd", [...people, bob, alice].join(""));
  const { users, reasons } = await usersWithKeys(host, null);
  expect(users.map(({ name }) => name)).toEqual(["alice"]);
  expect(reasons).toEqual(["22 of 122 accounts were not examined"]);
});

test("users: an admin is found among 200 users who have keys, and is the first", async () => {
  const host = sshHost();
  const people = Array.from({ length: 200 }, (_, i) => `user${i}:x:${3000 + i}:100::/home/user${i}:/bin/bash\n`);
  for (let i = 0; i < people.length; i++) {
    host.dir(`/home/user${i}/.ssh`, { mode: 0o700, uid: 3000 + i });
    host.put(`/home/user${i}/.ssh/authorized_keys`, publicKey.repeat(50), { mode: 0o600, uid: 3000 + i });
  }
  const [, alice = "", bob = ""] = (host.text("/etc/passwd") ?? "").split(/(?<=\n)/);
  host.put("/etc/passwd", [...people, bob, alice].join(""));
  for (const grant of ["group", "rule"]) {
    if (grant === "group") host.put("/etc/group", `${host.text("/etc/group")}sudo:x:27:bob,alice\n`);
    else host.put("/etc/sudoers.d/alice", "alice ALL=(ALL) NOPASSWD: ALL\n");
    const { users, reasons } = await usersWithKeys(host, null);
    expect([users[0]?.name, users.length, reasons[0]]).toEqual(["alice", 20, "102 of 202 accounts were not examined"]);
    host.put("/etc/group", (host.text("/etc/group") ?? "").replace(/^sudo:.*/m, ""));
  }
});
