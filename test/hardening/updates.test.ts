// Automatic security updates on a Debian in memory.

import { expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import type { fakeDebian } from "../fake-debian.ts";
import { hardenableHost } from "./hardened-host.ts";

const periodic = "/etc/apt/apt.conf.d/20auto-upgrades";
const rebootPath = "/etc/apt/apt.conf.d/52edox-ops-reboot";
const findings = async (host: ReturnType<typeof fakeDebian>, name: string) => {
  const { findings } = JSON.parse((await typed("doctor --json", host)).out);
  return findings.find((each: { name: string }) => each.name === name);
};

test("host security-updates: keeps the file of the package, and has nothing to do again", async () => {
  const host = hardenableHost();
  expect(await typed("host security-updates --yes", host)).toMatchObject({ exit: 0, err: "" });
  expect(host.text(periodic)).toBe(
    'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n',
  );
  expect((await typed("host security-updates --check", host)).exit).toBe(0);
  expect((await findings(host, "host:security-updates")).status).toBe("ok");
});

test("host security-updates: turns updates on that an admin had turned off, and keeps a copy", async () => {
  const host = hardenableHost();
  const before = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "0";\n';
  host.put(periodic, before);
  expect((await findings(host, "host:security-updates")).status).toBe("not-set-up");
  expect((await typed("host security-updates --yes", host)).exit).toBe(0);
  expect(host.text(periodic)).toContain('Unattended-Upgrade "1"');
  expect((await typed("host unharden security-updates --yes", host)).exit).toBe(0);
  expect(host.text(periodic)).toBe(before);
});

test("host security-updates: keeps a foreign file that sets the same and more", async () => {
  const host = hardenableHost();
  const text = '// mine\nAPT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\nX "1";\n';
  host.put(periodic, text);
  expect((await typed("host security-updates --yes", host)).exit).toBe(0);
  expect(host.text(periodic)).toBe(text);
});

for (const [of, path, text] of [
  ["a later file", "/etc/apt/apt.conf.d/99off", 'APT::Periodic::Unattended-Upgrade "0";\n'],
  ["a switch for all of it", "/etc/apt/apt.conf.d/10periodic", 'APT::Periodic::Enable "0";\n'],
] as const) {
  test(`host security-updates: ${of} that turns updates off fails with its path, and doctor names it`, async () => {
    const host = hardenableHost();
    host.put(path, text);
    const { exit, err } = await typed("host security-updates --yes", host);
    expect([exit, err]).toEqual([1, expect.stringContaining(`is turned off by ${path}`)]);
    expect(err).toContain(`cat -n ${path}`);
    expect(await findings(host, "host:security-updates")).toMatchObject({ status: "error" });
  });
}

test("host security-updates --reboot: sets the time, keeps it without the flag, and never removes it", async () => {
  const host = hardenableHost();
  expect((await typed("host security-updates --reboot 03:30 --yes", host)).exit).toBe(0);
  expect(host.text(rebootPath)).toEndWith(
    'Unattended-Upgrade::Automatic-Reboot "true";\nUnattended-Upgrade::Automatic-Reboot-Time "03:30";\n',
  );
  expect((await typed("host security-updates --check", host)).exit).toBe(0);
  expect((await typed("host security-updates --reboot never --yes", host)).exit).toBe(0);
  expect(host.text(rebootPath)).toBeNull();
  for (const time of ["3:30", "24:00", "now"]) {
    expect(await typed(`host security-updates --reboot ${time}`, host)).toMatchObject({ exit: 2 });
  }
});

test("doctor: warns of updates that have not run for days, and not of the first one", async () => {
  const host = hardenableHost();
  expect((await typed("host security-updates --yes", host)).exit).toBe(0);
  expect(await findings(host, "host:security-updates-run")).toMatchObject({ status: "ok" });
  await host.sleep(5 * 86_400_000);
  expect(await findings(host, "host:security-updates-run")).toMatchObject({
    status: "warning",
    detail: "updates were never installed automatically",
    hint: ["unattended-upgrade", "--verbose"],
  });
  host.put("/var/lib/apt/periodic/unattended-upgrades-stamp", "");
  expect((await findings(host, "host:security-updates-run")).status).toBe("ok");
  await host.sleep(6 * 86_400_000);
  expect((await findings(host, "host:security-updates-run")).detail).toBe(
    "updates were last installed automatically 6 days ago",
  );
  await host.sleep(-30 * 86_400_000);
  expect(await findings(host, "host:security-updates-run")).toMatchObject({
    status: "warning",
    detail: expect.stringContaining("the last automatic update has a time in the future"),
  });
});
