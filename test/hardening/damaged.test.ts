// Damaged files of root: each gives one clear error, and the other checks go on.

import { describe, expect, test } from "bun:test";
import { converge } from "../../src/engine/converge.ts";
import { harden } from "../../src/hardening/parts/harden.ts";
import { bootstrap, typed } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import { hardenableHost, unguarded } from "./hardened-host.ts";

const record = "/etc/edox-ops/host.json";
const rules = "/etc/ufw/user.rules";
const mib = 1024 * 1024;

/** A pipe: nothing but its type is known before it is opened, which would wait for a writer. */
function pipe(host: FakeHost, path: string): void {
  host.nodes.set(path, { type: "other", content: "", mode: 0o600, uid: 0, gid: 0, changedMs: 0 });
}

function folder(host: FakeHost, path: string): void {
  host.nodes.delete(path);
  host.dir(path);
}

async function hardened(): Promise<FakeHost> {
  const host = await bootstrap(hardenableHost());
  const results = await converge(unguarded(harden({ all: true }).steps.filter(({ part }) => part !== "nginx")), host, {
    act: host,
  });
  expect(results.flatMap(({ problem }) => problem?.message ?? [])).toEqual([]);
  return host;
}

const kinds: [kind: string, damage: (host: FakeHost, path: string) => void][] = [
  ["random bytes", (host, path) => host.put(path, new Uint8Array([0xff, 0xfe, 0, 0xc3, 10, 0x80]))],
  ["NUL", (host, path) => host.put(path, "\0a\0\n")],
  ["17 MiB", (host, path) => host.put(path, new Uint8Array(17 * mib).fill(0x61))],
  ["a pipe", pipe],
  ["a directory", folder],
  ["a link elsewhere", (host, path) => host.link(path, "/etc/passwd")],
];
const paths = [
  record,
  rules,
  "/etc/ufw/user6.rules",
  "/etc/ufw/ufw.conf",
  "/etc/fail2ban/jail.local",
  "/etc/fail2ban/jail.d/edox-ops-sshd.local",
  "/etc/logrotate.d/edox-ops",
  "/etc/apt/apt.conf.d/20auto-upgrades",
];

describe("damaged files:", () => {
  test.each(kinds)(
    "host status and doctor go on with the other checks where a file is, or has, %s",
    async (_, damage) => {
      const host = await hardened();
      const whole = JSON.parse((await typed("doctor --json", host)).out).findings.length;
      for (const path of paths) {
        const before = host.nodes.get(path);
        damage(host, path);
        const { out, err } = await typed("host status", host);
        const parts = ["security-updates", "firewall", "fail2ban", "ssh", "logrotate", "nginx"];
        expect([path, err, out.split("\n").map((line) => line.split(":")[0])]).toEqual([path, "", [...parts, ""]]);
        const { findings } = JSON.parse((await typed("doctor --json", host)).out);
        // A part that seems turned off is not checked.
        expect([path, findings.length > whole - 10]).toEqual([path, true]);
        host.nodes.delete(path);
        if (before) host.nodes.set(path, before);
      }
    },
  );

  const errors: [command: string, path: string, says: string, damage: (host: FakeHost, path: string) => void][] = [
    ["firewall", rules, "is not valid UTF-8", (host, path) => host.put(path, new Uint8Array([0xff, 0xfe]))],
    ["firewall", rules, "is a device, a pipe or a socket, and should be a file", pipe],
    ["firewall", rules, "is a directory, and should be a file", folder],
    ["firewall", rules, "is larger than 16 MiB", (host, path) => host.put(path, new Uint8Array(17 * mib))],
    ["firewall", rules, "is a link to /etc/passwd", (host, path) => host.link(path, "/etc/passwd")],
    [
      "fail2ban",
      record,
      "is invalid: it is larger than 16 MiB",
      (host, path) => host.put(path, new Uint8Array(17 * mib)),
    ],
    ["fail2ban", record, "is a device, a pipe or a socket", pipe],
    ["ssh-harden", record, "is invalid: it is not JSON", (host, path) => host.put(path, "\0")],
  ];
  test.each(errors)("host %s names %s, which %s, and changes nothing", async (command, path, says, damage) => {
    const host = await hardened();
    damage(host, path);
    const before = host.listing("/etc");
    const { exit, err } = await typed(`host ${command} --yes`, host);
    expect([exit, err]).toEqual([1, expect.stringContaining(`${path} ${says}`)]);
    expect(err.match(/error: /g)).toHaveLength(1);
    expect(host.listing("/etc")).toEqual(before);
  });
});
