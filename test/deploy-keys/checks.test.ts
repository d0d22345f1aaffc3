// What doctor reports about deploy keys, for each state of sshd, sudo and the account.

import { beforeEach, describe, expect, test } from "bun:test";
import { deployKeyChecks } from "../../src/deploy-keys/checks.ts";
import { prepared, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const register = prepared("bootstrap --yes", "project add demo --domain demo.test");

let host: FakeHost;
beforeEach(async () => {
  host = await register(fakeDebian());
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  expect(await typed("project key add demo --generate", host)).toMatchObject({ exit: 0 });
});

async function check(name: string, reader: FakeHost = host) {
  const found = deployKeyChecks.find((each) => each.name === `deploy-keys:${name}`);
  return await found?.run(reader);
}

test("doctor: every check of a host with a key is ok, and a host without one has none of them", async () => {
  for (const each of deployKeyChecks)
    expect([each.name, await each.run(host)]).toMatchObject([each.name, { status: "ok" }]);
  expect((await typed("doctor --all", host)).out).toContain("[OK] deploy-keys:sshd: ");
  expect((await typed("doctor --all", await register(fakeDebian()))).out).not.toContain("deploy-keys:");
});

describe("doctor: sshd", () => {
  const usual = ["pubkeyauthentication yes", "authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2"];
  const open: Record<string, string[]> = {
    "the defaults of Debian": usual,
    "an absolute path with tokens": ["authorizedkeysfile /etc/keys/%u %h/.ssh/authorized_keys"],
    "the variables of Debian": [
      ...usual,
      "acceptenv LANG",
      "acceptenv LC_*",
      "acceptenv COLORTERM",
      "acceptenv NO_COLOR",
    ],
    "AllowUsers with the user": [...usual, "allowusers admin", "allowusers edox-deploy"],
    "AllowUsers with a pattern": [...usual, "allowusers edox-*@10.0.0.0/8"],
    "AllowGroups with its group": [...usual, "allowgroups edox-deploy"],
    "AuthenticationMethods with a key alone": [...usual, "authenticationmethods publickey"],
    "settings that are off": [...usual, "forcecommand none", "chrootdirectory none", "authenticationmethods any"],
  };
  for (const [name, lines] of Object.entries(open)) {
    test(`${name}: lets the user in`, async () => {
      host.taught.unshift(([program]) => (program === "sshd" ? ok(`${lines.join("\n")}\n`) : undefined));
      expect(await check("sshd")).toMatchObject({ status: "ok" });
    });
  }
  const shut: Record<string, [lines: string[], reason: string]> = {
    "no keys at all": [["pubkeyauthentication no"], "PubkeyAuthentication no"],
    "another file of keys": [
      ["authorizedkeysfile /etc/ssh/keys/%u"],
      "does not read /var/lib/edox-ops/deploy/.ssh/authorized_keys",
    ],
    "AllowUsers of others": [[...usual, "allowusers admin"], "AllowUsers without edox-deploy"],
    "AllowGroups of others": [[...usual, "allowgroups ssh-users"], "AllowGroups without edox-deploy"],
    "DenyUsers with a pattern": [[...usual, "denyusers edox*"], "DenyUsers or DenyGroups"],
    "a dot, which is no pattern": [[...usual, "allowusers edox.deploy"], "AllowUsers without edox-deploy"],
    "a command of sshd's own": [[...usual, "forcecommand internal-sftp"], "ForceCommand"],
    "a root of its own": [[...usual, "chrootdirectory /srv"], "ChrootDirectory"],
    "variables that run the code of a client": [
      [...usual, "acceptenv LANG", "acceptenv LD_*"],
      "AcceptEnv for LD_PRELOAD",
    ],
    "every variable": [[...usual, "acceptenv *"], "AcceptEnv for LD_PRELOAD"],
    "a second factor": [[...usual, "authenticationmethods publickey,password"], "AuthenticationMethods"],
  };
  for (const [name, [lines, reason]] of Object.entries(shut)) {
    test(`${name}: is an error`, async () => {
      host.taught.unshift(([program]) => (program === "sshd" ? ok(`${lines.join("\n")}\n`) : undefined));
      expect(await check("sshd")).toMatchObject({ status: "error", detail: expect.stringContaining(reason) });
    });
  }
  test("an sshd that prints nothing is unknown, and a missing directory is named", async () => {
    const stderr = "Missing privilege separation directory: /run/sshd\r\n";
    host.taught.unshift(([program]) => (program === "sshd" ? { code: 255, stdout: "", stderr } : undefined));
    expect(await check("sshd")).toEqual({
      status: "unknown",
      detail: "sshd does not print its settings: Missing privilege separation directory: /run/sshd",
      hint: ["sudo", "mkdir", "-m", "0755", "/run/sshd"],
    });
  });
});

describe("doctor: the account, the rule and the keys", () => {
  test("a second rule of sudo, or none, is an error", async () => {
    const rules = "    (root) NOPASSWD: /usr/local/bin/edox-ops deploy-session\n    (ALL) NOPASSWD: ALL\n";
    host.taught.unshift(([program]) => (program === "sudo" ? ok(rules) : undefined));
    expect(await check("sudo")).toMatchObject({
      status: "error",
      detail: expect.stringContaining("2 commands instead of one"),
    });
    host.taught.unshift(([program]) => (program === "sudo" ? { code: 1, stdout: "", stderr: "" } : undefined));
    expect(await check("sudo")).toMatchObject({
      status: "error",
      detail: expect.stringContaining("does not let edox-deploy run"),
    });
  });

  test("another group, a writable directory, an expired key and a key of no project are reported", async () => {
    host.put("/etc/group", `${host.text("/etc/group")}docker:x:998:admin,edox-deploy\n`);
    expect(await check("groups")).toMatchObject({ status: "error", detail: "edox-deploy is in docker" });
    host.dir("/var/lib/edox-ops/deploy", { mode: 0o777 });
    expect(await check("modes")).toMatchObject({
      status: "error",
      hint: ["sudo", "chmod", "go-w", "/var/lib/edox-ops/deploy"],
    });
    const path = "/etc/edox-ops/deploy-keys.json";
    host.put(path, (host.text(path) ?? "").replace('"rate"', '"expires": "2020-01-01T00:00:00Z", "rate"'));
    expect(await check("keys")).toMatchObject({ status: "warning", detail: "expired: demo/ci" });
    host.put(path, (host.text(path) ?? "").replace('"demo"', '"gone"'));
    expect(await check("keys")).toMatchObject({ status: "warning", detail: "gone/ci is a key of no project" });
  });

  test("an edited authorized_keys, rule, shell or password is an error that doctor --fix corrects", async () => {
    const paths = ["/var/lib/edox-ops/deploy/.ssh/authorized_keys", "/etc/sudoers.d/edox-ops-deploy"];
    const before = paths.map((path) => host.text(path));
    for (const path of paths) host.put(path, `${host.text(path)}# more\n`, { mode: host.stat(path)?.mode as number });
    const { out } = await typed("doctor", host);
    for (const path of paths)
      expect(out).toContain(`[WARN] deploy-keys:${path}: ${path} differs from what edox-ops writes`);
    await typed("doctor --fix --yes", host);
    expect(paths.map((path) => host.text(path))).toEqual(before);
    host.put("/etc/shadow", "edox-deploy:$6$salt$hash:1:0:99999:7:::\n");
    host.put("/etc/passwd", (host.text("/etc/passwd") ?? "").replace("/bin/sh", "/bin/bash"));
    const found = await typed("doctor", host);
    expect(found.out).toMatch(/\[FAIL\] deploy-keys:user:edox-deploy: the shell of edox-deploy is not \/bin\/sh/);
  });

  test("without root, what only root may read is unknown", async () => {
    const user = Object.assign(Object.create(host), host, { uid: 1000 }) as FakeHost;
    for (const name of ["sshd", "sudo"]) expect(await check(name, user)).toMatchObject({ status: "unknown" });
  });
});
