import { expect, test } from "bun:test";
import { bootstrap } from "../../src/bootstrap/recipe.ts";
import { examine } from "../../src/doctor/doctor.ts";
import { pi } from "../../src/doctor/pi.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { piByHand } from "../../src/resources/pi.ts";
import { fakeDebian, type Like } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const cmdline = "/boot/firmware/cmdline.txt";
const throttled = "/sys/devices/platform/soc/soc:firmware/get_throttled";

/** Returns a Raspberry Pi without faults. */
function fakePi(like: Like = {}): FakeHost {
  const host = fakeDebian({ architecture: "arm64", model: "Raspberry Pi 4 Model B Rev 1.5", ...like });
  host.put("/sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
  host.put(cmdline, "console=tty1 root=PARTUUID=x\n");
  host.put("/proc/self/auxv", pages(16384));
  host.put("/proc/meminfo", "MemTotal:         900000 kB\nSwapTotal:        500000 kB\n");
  host.put("/proc/self/mounts", "none / rootfs ro 0 0\n/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n");
  host.put(throttled, "0\n");
  host.put("/sys/class/thermal/thermal_zone0/temp", "48312\n");
  host.put("/usr/sbin/fake-hwclock", "");
  return host;
}

function pages(size: number): Uint8Array {
  return new Uint8Array(new BigUint64Array([3n, 64n, 6n, BigInt(size), 0n, 0n]).buffer);
}

async function finding(name: string, host: FakeHost) {
  const found = (await examine(host, [bootstrap(gatherFacts(host))], pi)).filter((each) => each.name === name);
  expect(found).toBeArrayOfSize(1);
  return found[0];
}

function toldBefore(host: FakeHost): string[] {
  const warnings: string[] = [];
  for (const each of piByHand(gatherFacts(host))) each.check(host, (sentence) => warnings.push(sentence));
  return warnings;
}

test("pi: no other host has these checks, and on a Pi without faults all pass", async () => {
  expect(await examine(fakeDebian(), [], pi)).toEqual([]);
  const findings = await examine(fakePi(), [], pi);
  expect(findings.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(findings.length).toBe(pi.length);
  expect(toldBefore(fakePi())).toEqual([]);
});

type Case = [string, (host: FakeHost) => void, status: string, detail: string];
const cases: Case[] = [
  ["pi:page-size", (host) => host.put("/proc/self/auxv", pages(65536)), "error", "65536 bytes"],
  ["pi:page-size", (host) => host.put("/proc/self/auxv", "short"), "warning", "does not report it"],
  ["pi:power", (host) => host.put(throttled, "50005\n"), "error", "undervoltage, throttled: now"],
  ["pi:power", (host) => host.put(throttled, "50000\n"), "warning", "undervoltage, throttled: since boot"],
  ["pi:power", (host) => host.remove(throttled), "warning", "neither the kernel nor vcgencmd"],
  ["pi:temperature", (host) => host.put("/sys/class/thermal/thermal_zone0/temp", "81000"), "warning", "81 °C"],
  ["pi:temperature", (host) => host.put("/sys/class/thermal/thermal_zone0/temp", "86000"), "error", "86 °C"],
  ["pi:storage", (host) => host.put("/proc/self/mounts", "/dev/x / ext4 ro,noatime 0 0\n"), "error", "read-only"],
  ["pi:storage", (host) => host.put("/sys/fs/ext4/mmcblk0p2/errors_count", "3\n"), "error", "3 file system errors"],
  ["pi:storage", (host) => host.put("/sys/block/mmcblk0/device/life_time", "0x01 0x0b\n"), "error", "worn out"],
  ["pi:storage", (host) => host.put("/sys/block/mmcblk0/device/pre_eol_info", "0x02\n"), "warning", "nearly"],
  ["pi:swap", (host) => host.put("/proc/meminfo", "MemTotal: 900000 kB\nSwapTotal: 0 kB\n"), "warning", "no swap"],
  ["pi:clock", (host) => host.remove("/usr/sbin/fake-hwclock"), "warning", "there is no hardware clock"],
];
for (const [name, change, status, detail] of cases) {
  test(`${name}: ${detail}, with a hint`, async () => {
    const host = fakePi();
    change(host);
    const found = await finding(name, host);
    expect(found).toMatchObject({ status, detail: expect.stringContaining(detail) });
    expect(found?.hint?.length).toBeGreaterThan(0);
  });
}

test("pi:cgroup-memory: a disabled memory cgroup gets the edit of cmdline.txt, at either path, before a bootstrap too", async () => {
  const host = fakePi();
  host.put("/sys/fs/cgroup/cgroup.controllers", "cpu io pids\n");
  const edit = ["sudo", "sed", "-i", "1 s/$/ cgroup_enable=memory cgroup_memory=1/"];
  expect((await finding("pi:cgroup-memory", host))?.hint).toEqual([...edit, cmdline]);
  expect(toldBefore(host)).toEqual([expect.stringContaining(`does not edit cmdline.txt`)]);
  host.remove(cmdline);
  host.put("/boot/cmdline.txt", "console=tty1\n");
  expect((await finding("pi:cgroup-memory", host))?.hint).toEqual([...edit, "/boot/cmdline.txt"]);
  host.put("/boot/cmdline.txt", "console=tty1 cgroup_enable=memory\n");
  expect((await finding("pi:cgroup-memory", host))?.hint).toEqual(["sudo", "systemctl", "reboot"]);
});

test("pi:cgroup-memory: cgroups of version 1 report it in another file", async () => {
  const host = fakePi();
  host.remove("/sys/fs/cgroup/cgroup.controllers");
  host.put("/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t60\t0\n");
  expect((await finding("pi:cgroup-memory", host))?.status).toBe("warning");
  host.put("/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t3\t60\t1\n");
  expect((await finding("pi:cgroup-memory", host))?.status).toBe("ok");
});

test("pi:userland: a 32-bit userland is a failure", async () => {
  expect((await finding("pi:userland", fakePi({ architecture: "armhf" })))?.status).toBe("error");
});

test("pi:power: without the kernel's file, vcgencmd or the driver's alarm reports the voltage", async () => {
  const host = fakePi();
  host.remove(throttled);
  host.put("/sys/class/hwmon/hwmon1/name", "rpi_volt\n");
  host.put("/sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
  expect((await finding("pi:power", host))?.detail).toBe("undervoltage: now");
  host.put("/usr/bin/vcgencmd", "");
  host.taught.unshift((argv) => (argv[0] === "vcgencmd" ? ok("throttled=0x80000\n") : undefined));
  expect((await finding("pi:power", host))?.detail).toBe("soft temperature limit reached: since boot");
});

test("pi:swap: 2 GiB of memory and more need no swap", async () => {
  const host = fakePi();
  host.put("/proc/meminfo", "MemTotal: 3900000 kB\nSwapTotal: 0 kB\n");
  expect((await finding("pi:swap", host))?.status).toBe("ok");
});
