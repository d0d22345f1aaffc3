// How often doctor asks sshd on a host with many Match blocks and users: each answer is a process.

import { describe, expect, test } from "bun:test";
import { ineffectiveSettings } from "../../src/hardening/ssh/effective.ts";
import { passwordLogins } from "../../src/hardening/ssh/passwords.ts";
import { settingsFor } from "../../src/hardening/ssh/settings.ts";
import { readSshdConfig } from "../../src/ssh/config.ts";
import type { FakeHost } from "../fake-host.ts";
import { config, debianConfig, hash, sshHost } from "./ssh-host.ts";

const names = Array.from({ length: 20 }, (_, i) => `u${i}`);
const addresses = Array.from({ length: 50 }, (_, i) => `10.0.0.${i + 1}`);
const quiet = "PasswordAuthentication no\nPermitRootLogin no\n";

/** Returns a host with 23 accounts that can log in, and these lines at the end of sshd's configuration. */
function crowded(blocks: readonly string[], answerMs = 0) {
  const host = sshHost();
  host.put(
    "/etc/passwd",
    host.text("/etc/passwd") + names.map((name, i) => `${name}:x:${2000 + i}:100::/:/bin/sh\n`).join(""),
  );
  host.put("/etc/shadow", names.map((name) => `${name}:${hash}:20000::::::\n`).join(""), { mode: 0o640 });
  host.put(config, `${quiet}${debianConfig}${blocks.map((block) => `Match ${block}\n`).join("")}`);
  const asked: string[] = [];
  host.taught.unshift(([program, flag, , connection = ""]) => {
    if (program !== "sshd" || flag !== "-T") return undefined;
    asked.push(connection);
    void host.sleep(answerMs);
    return undefined;
  });
  return { host, asked };
}

const passwordFaults = async (host: FakeHost, limitMs?: number) => {
  const choices = { passwordUsers: [], modern: false };
  const settings = (await settingsFor(host, choices)).filter(({ name }) => name === "PasswordAuthentication");
  return ineffectiveSettings(host, { settings, choices, lines: readSshdConfig(host) }, limitMs);
};

const usersOf = (found: Awaited<ReturnType<typeof passwordFaults>>): string[] =>
  "failure" in found ? [found.failure] : [...new Set(found.map(({ user }) => user))];

describe("doctor: with 50 Match blocks and 20 users,", () => {
  test("sshd is asked once for all accounts that no block tells apart", async () => {
    const { host, asked } = crowded(addresses.map((each) => `Address ${each}`));
    expect(await passwordFaults(host)).toEqual([]);
    expect(asked.length).toBe(51);
    expect(await passwordLogins(host)).toEqual([]);
    expect(asked.length).toBe(102);
  });

  test("sshd is asked for the address of a block only with the users whom it can apply to", async () => {
    const blocks = addresses.map((each, i) => `User u${i % 20} Address ${each}`);
    const { host, asked } = crowded([...blocks.slice(0, -1), `${blocks.at(-1)}\nPasswordAuthentication yes`]);
    expect(usersOf(await passwordFaults(host))).toEqual(["u9"]);
    // Each of the users, the others together, and each block.
    expect(asked.length).toBe(20 + 1 + 50);
    expect(await passwordLogins(host)).toEqual(["u9"]);
  });

  test("a setting that is too weak is reported for each account that has it", async () => {
    const { host } = crowded([
      ...addresses.map((each) => `Address ${each}`),
      "User u*,bob Address 10.1.0.0/16\nPasswordAuthentication yes",
    ]);
    expect(usersOf(await passwordFaults(host))).toEqual(["bob", ...names]);
    expect(await passwordLogins(host)).toEqual(names);
  });

  test("a block that runs a command has sshd asked for each account", async () => {
    const { host, asked } = crowded(['exec "/usr/local/bin/is-admin %u"']);
    expect(await passwordFaults(host)).toEqual([]);
    expect(new Set(asked.map((each) => each.split(",")[0])).size).toBe(23);
  });

  test("an sshd that is slow is asked until the limit, and the check says how many answers it has", async () => {
    const { host, asked } = crowded(
      addresses.map((each) => `Address ${each}`),
      100,
    );
    const failure = "sshd gave only 32 of 51 answers within 3 s";
    expect(await passwordFaults(host, 3000)).toEqual({ failure });
    expect(asked.length).toBe(32);
    expect(await passwordLogins(host, { limitMs: 3000 })).toEqual({ failure });
  });

  test("a part of the answers shows a user with a password, but not that there is no other one", async () => {
    const { host } = crowded(
      ["User u0\nPasswordAuthentication yes", ...addresses.map((each) => `Address ${each}`)],
      100,
    );
    const failure = expect.stringContaining("sshd gave only");
    expect(await passwordLogins(host, { limitMs: 3000 })).toEqual(["u0"]);
    expect(await passwordLogins(host, { limitMs: 3000, allowed: ["u0"] })).toEqual({ failure });
    expect(await passwordLogins(host, { allowed: ["u0"] })).toEqual(["u0"]);
  });

  test("with groups of a directory service, sshd is asked for each account and each block of a group", async () => {
    const { host, asked } = crowded(["Group staff Address 10.0.0.1", "User u3 Address 10.0.0.2"]);
    await passwordFaults(host);
    expect(asked.length).toBe(3);
    host.put("/etc/nsswitch.conf", "passwd: files\ngroup: files [SUCCESS=merge] systemd\n");
    await passwordFaults(host);
    expect(asked.length).toBe(6);
    host.put("/etc/nsswitch.conf", "passwd: files\ngroup: files [SUCCESS=merge] systemd sss # domain\n");
    await passwordFaults(host);
    expect(asked.slice(6).filter((each) => each.includes("addr=10.0.0.1,")).length).toBe(23);
    expect(asked.length).toBe(6 + 23 + 23 + 1);
  });
});
