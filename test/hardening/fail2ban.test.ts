// The jail of SSH on a Debian in memory.

import { expect, test } from "bun:test";
import { converge } from "../../src/engine/converge.ts";
import { fail2ban } from "../../src/hardening/fail2ban/recipe.ts";
import { typed } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import { ok } from "../fake-host.ts";
import { hardenableHost } from "./hardened-host.ts";

const jail = "/etc/fail2ban/jail.d/edox-ops-sshd.local";
const setting = (host: FakeHost, key: string) => new RegExp(`^${key} = (.*)$`, "m").exec(host.text(jail) ?? "")?.[1];
const listensOn = (host: FakeHost, ...ports: number[]): void => {
  host.taught.unshift(([program]) =>
    program === "sshd" ? ok(ports.map((port) => `port ${port}\n`).join("")) : undefined,
  );
};

test("host fail2ban: covers the ports that sshd listens on, and has nothing to do again", async () => {
  const host = hardenableHost();
  listensOn(host, 2222, 22);
  expect(await typed("host fail2ban --yes", host)).toMatchObject({ exit: 0, err: "" });
  expect(setting(host, "port")).toBe("22,2222");
  expect(setting(host, "mode")).toBe("aggressive");
  expect(setting(host, "ignoreip")).toBe("127.0.0.1/8 ::1 198.18.0.0/15");
  expect(host.ran.filter((line) => line.includes("reload") && line.includes("fail2ban"))).toEqual([]);
  expect((await typed("host fail2ban --check", host)).exit).toBe(0);
});

test("host fail2ban --ssh-port: adds a port to the real ones, keeps it, and refuses one that does not exist", async () => {
  const host = hardenableHost();
  expect((await typed("host fail2ban --ssh-port 2200 --yes", host)).exit).toBe(0);
  expect(setting(host, "port")).toBe("22,2200");
  expect((await typed("host fail2ban --check", host)).exit).toBe(0);
  for (const port of ["0", "65536", "ssh"]) {
    expect((await typed(`host fail2ban --ssh-port ${port}`, host)).exit).toBe(2);
  }
});

test("host fail2ban: never bans the address of the session, which stays without one", async () => {
  const host = hardenableHost();
  const apply = async (address?: string) => {
    const results = await converge(fail2ban(address === undefined ? {} : { address }).steps, host, { act: host });
    expect(results.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    return setting(host, "ignoreip");
  };
  expect(await apply("203.0.113.9")).toBe("127.0.0.1/8 ::1 198.18.0.0/15 203.0.113.9");
  expect(await apply()).toBe("127.0.0.1/8 ::1 198.18.0.0/15 203.0.113.9");
  expect(await apply("2001:db8::7")).toBe("127.0.0.1/8 ::1 198.18.0.0/15 2001:db8::7");
});

for (const [of, path, text, keeps] of [
  ["in [DEFAULT] of jail.local", "/etc/fail2ban/jail.local", "[DEFAULT]\nignoreip = 10.0.0.0/8\n", true],
  ["of another jail", "/etc/fail2ban/jail.local", "[nginx]\nignoreip = 10.0.0.0/8\n", false],
  ["in a file that is read later", "/etc/fail2ban/jail.d/z.local", "[DEFAULT]\nignoreip = 10.0.0.0/8\n", false],
] as const) {
  test(`host fail2ban: ${keeps ? "keeps" : "does not refer to"} the ignored addresses ${of}`, async () => {
    const host = hardenableHost();
    host.put(path, text);
    expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
    expect(setting(host, "ignoreip")?.startsWith("%(known/ignoreip)s")).toBe(keeps);
  });
}

test("host fail2ban: keeps the action of the distribution, and has one of its own without it", async () => {
  const host = hardenableHost();
  host.put("/etc/fail2ban/jail.d/defaults-debian.conf", "[DEFAULT]\nbanaction = nftables\n");
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  expect(setting(host, "banaction")).toBeUndefined();
  host.remove("/etc/fail2ban/jail.d/defaults-debian.conf");
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  expect(setting(host, "banaction")).toBe("nftables[type=multiport]");
});

test("host fail2ban: a configuration that fail2ban refuses rolls the jail back", async () => {
  const host = hardenableHost();
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  const before = host.text(jail);
  host.taught.unshift((argv) =>
    argv.join(" ") === "fail2ban-client --test" ? { code: 255, stdout: "", stderr: "bad file\n" } : undefined,
  );
  const { exit, err } = await typed("host fail2ban --ssh-port 2200 --yes", host);
  expect([exit, err]).toEqual([1, expect.stringContaining("fail2ban-client --test failed")]);
  expect(host.text(jail)).toBe(before);
  expect(host.ran.at(-1)).toBe("systemctl restart fail2ban.service");
});

test("doctor: reports what fail2ban has loaded, not what the file says", async () => {
  const host = hardenableHost();
  const finding = async () => {
    const { findings } = JSON.parse((await typed("doctor --json", host)).out);
    return findings.find(({ name }: { name: string }) => name === "host:fail2ban");
  };
  expect((await finding()).status).toBe("not-set-up");
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  expect((await finding()).status).toBe("ok");
  host.taught.unshift((argv) =>
    argv.join(" ") === "fail2ban-client get sshd action nftables port" ? ok("2022\n") : undefined,
  );
  expect(await finding()).toMatchObject({
    status: "error",
    detail: "the jail of SSH does not cover port 22",
    hint: ["edox-ops", "host", "fail2ban", "--yes"],
  });
  host.taught.unshift(([program]) =>
    program === "fail2ban-client" ? { code: 255, stdout: "", stderr: "Is fail2ban running?\n" } : undefined,
  );
  expect((await finding()).detail).toBe("fail2ban does not answer");
});
