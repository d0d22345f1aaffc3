// Several parts of the hardening at once, on a Debian in memory.

import { expect, test } from "bun:test";
import { bootstrap, typed } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import { hardenableHost } from "./hardened-host.ts";

const record = "/etc/edox-ops/host.json";
const jail = "/etc/fail2ban/jail.d/edox-ops-sshd.local";

async function nginxHost(): Promise<FakeHost> {
  const host = await bootstrap(hardenableHost());
  host.put("/usr/sbin/nginx", "");
  return host;
}

/** The files of /etc, apart from those of packages. */
function etc(host: FakeHost): Record<string, string> {
  const isOurs = ([path]: [string, string]) =>
    !/fail2ban\/?(jail\.d)?$|20auto-upgrades|fail2ban\.service|logrotate\.d$/.test(path);
  return Object.fromEntries(Object.entries(host.listing("/etc/")).filter(isOurs));
}

test("host harden: records the port, applies the parts of the contract, and has nothing to do again", async () => {
  const host = await nginxHost();
  expect(await typed("host harden --ssh-port 2222 --yes", host)).toMatchObject({ exit: 0, err: "" });
  expect(JSON.parse(host.text(record) ?? "")).toMatchObject({ ssh_port: 2222 });
  expect(host.text(jail)).toContain("port = 22,2222\n");
  expect(host.stat("/etc/logrotate.d/edox-ops")).toBeNull();
  expect((await typed("host harden --check", host)).exit).toBe(0);
  expect((await typed("host harden --all --yes", host)).exit).toBe(0);
  expect(host.stat("/etc/logrotate.d/edox-ops")).not.toBeNull();
  expect(host.stat("/etc/systemd/system/nginx.service.d/edox-ops.conf")).not.toBeNull();
  expect((await typed("host harden --all --check", host)).exit).toBe(0);
});

test("host harden: a part that fails is reported, the others are applied, and the exit code is 1", async () => {
  const host = await nginxHost();
  host.put("/etc/apt/apt.conf.d/99off", 'APT::Periodic::Enable "0";\n');
  host.taught.unshift((argv) =>
    argv.join(" ") === "fail2ban-client --test" ? { code: 255, stdout: "", stderr: "bad file\n" } : undefined,
  );
  const { exit, err } = await typed("host harden --all --yes", host);
  expect(exit).toBe(1);
  expect(err).toContain("99off");
  expect(err).toContain("fail2ban-client --test failed");
  expect(err).toEndWith("host harden --all failed at step host.security-updates.configure, host.fail2ban.configure\n");
  expect(host.stat(jail)).toBeNull();
  expect(host.stat("/etc/logrotate.d/edox-ops")).not.toBeNull();
  expect(host.stat("/etc/systemd/system/nginx.service.d/edox-ops.conf")).not.toBeNull();
});

test("host harden: a part whose plan fails does not keep a terminal from applying the others", async () => {
  const host = await nginxHost();
  expect((await typed("host security-updates --yes", host)).exit).toBe(0);
  host.put("/etc/apt/apt.conf.d/99off", 'APT::Periodic::Enable "0";\n');
  expect((await typed("host harden", host, true)).exit).toBe(1);
  expect(host.stat(jail)).not.toBeNull();
});

test("host unharden: leaves /etc as before, keeps packages and stops the service that was not there before", async () => {
  const host = await nginxHost();
  const before = etc(host);
  expect((await typed("host harden --all --yes", host)).exit).toBe(0);
  const { exit, out } = await typed("host unharden --yes", host);
  expect(exit).toBe(0);
  expect(out).toEndWith(
    "The hardening is removed. These packages stay: fail2ban, logrotate, nftables, python3-systemd, unattended-upgrades.\n",
  );
  expect(etc(host)).toEqual(before);
  expect(host.ran).toContain("systemctl disable fail2ban.service");
  expect((await typed("host unharden --check", host)).exit).toBe(0);
});

test("host unharden: a service that ran before keeps running, without the jail", async () => {
  const host = await nginxHost();
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  host.remove(record);
  expect((await typed("host unharden fail2ban --yes", host)).exit).toBe(0);
  expect(host.stat(jail)).toBeNull();
  expect(host.ran.at(-1)).toBe("systemctl restart fail2ban.service");
});

test("host unharden PART: removes only that part, and refuses one that does not exist", async () => {
  const host = await nginxHost();
  expect((await typed("host harden --all --yes", host)).exit).toBe(0);
  expect((await typed("host unharden logrotate,nginx --yes", host)).exit).toBe(0);
  expect(host.stat("/etc/logrotate.d/edox-ops")).toBeNull();
  expect(host.stat(jail)).not.toBeNull();
  expect(JSON.parse(host.text(record) ?? "").ssh_port).toBe(22);
  expect(await typed("host unharden fail2bann", host)).toMatchObject({
    exit: 2,
    err: expect.stringContaining("did you mean fail2ban"),
  });
});

test("host status: lists each part with its state, for a pipe, a terminal and as JSON", async () => {
  const host = await nginxHost();
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  host.put(jail, `${host.text(jail)}# mine\n`);
  const { exit, out } = await typed("host status", host);
  expect(exit).toBe(0);
  const lines = out.split("\n");
  expect(lines.find((line) => line.startsWith("fail2ban:"))).toMatch(
    /^fail2ban: warning; since 20\S+Z; fail2ban:jail: \S+ differs from what edox-ops writes; run edox-ops host fail2ban$/,
  );
  expect(lines).toContain("logrotate: not-set-up; run edox-ops host logrotate");
  const { hardening } = JSON.parse((await typed("host status --json", host)).out);
  expect(hardening.map(({ part, status }: { part: string; status: string }) => `${part} ${status}`)).toEqual([
    "security-updates not-set-up",
    "fail2ban warning",
    "logrotate not-set-up",
    "nginx not-set-up",
  ]);
});
