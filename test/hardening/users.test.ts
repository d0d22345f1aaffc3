import { expect, test } from "bun:test";
import { sudoRule } from "../../src/hardening/proof/users.ts";

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
