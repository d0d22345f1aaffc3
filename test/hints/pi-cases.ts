// States of a Raspberry Pi in memory, each with the hint that doctor gives.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { type FakeHost, ok } from "../fake-host.ts";
import type { Case } from "./cases.ts";

const controllers = "/sys/fs/cgroup/cgroup.controllers";
const cmdline = "/boot/firmware/cmdline.txt";
const config = "/boot/firmware/config.txt";
const auxiliary = "/proc/self/auxv";
const emmc = "/sys/block/mmcblk0/device";
const temperature = "/sys/class/thermal/thermal_zone0/temp";
const memory = "MemTotal:         900000 kB\n";

/** Turns a host into a Raspberry Pi without faults, whose boots read the files of the firmware. */
function raspberryPi(host: FakeHost, change: (host: FakeHost) => void = () => {}): void {
  host.put("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0");
  host.put(controllers, "cpu io memory pids\n");
  host.put(auxiliary, pages(16384));
  host.put("/proc/meminfo", `${memory}SwapTotal:        500000 kB\n`);
  host.put(cmdline, "console=tty1 root=PARTUUID=x\n");
  host.put(config, "[all]\n");
  host.put("/usr/sbin/fake-hwclock", "");
  host.taught.unshift((argv) => {
    const line = argv.join(" ");
    if (line === "systemctl reboot") {
      const isOn = host.text(cmdline)?.includes("cgroup_enable=memory") === true;
      host.put(controllers, isOn ? "cpu io memory pids\n" : "cpu io pids\n");
      host.put(auxiliary, pages(host.text(config)?.includes("kernel=kernel8.img") ? 4096 : 65536));
    } else if (line === "apt-get install fake-hwclock") host.put("/usr/sbin/fake-hwclock", "");
    else if (line === "apt-get install dphys-swapfile")
      host.put("/proc/meminfo", `${memory}SwapTotal:        102396 kB\n`);
    else return undefined;
    return { code: 0, stdout: "", stderr: "" };
  });
  change(host);
}

/** The auxiliary vector of a kernel with pages of this many bytes. */
export function pages(size: number): Uint8Array {
  return new Uint8Array(new BigUint64Array([6n, BigInt(size), 0n, 0n]).buffer);
}

const on = (change: (host: FakeHost) => void) => (host: FakeHost) => raspberryPi(host, change);

export const piCases: Case[] = [
  {
    of: 'resources/pi.ts ["sudo", "sed", "-i", `1 s/$/ {cgroupWords}/`, path]',
    state: on((host) => host.put(controllers, "cpu io pids\n")),
    from: "pi:cgroup-memory",
    steps: 2,
  },
  {
    of: 'resources/pi.ts ["sudo", "systemctl", "reboot"]',
    state: on((host) => {
      host.put(controllers, "cpu io pids\n");
      host.put(cmdline, "console=tty1 cgroup_enable=memory cgroup_memory=1\n");
    }),
    from: "pi:cgroup-memory",
  },
  {
    of: 'doctor/pi.ts ["sudo", "sed", "-i", "$ a kernel=kernel8.img", path]',
    state: on((host) => host.put(auxiliary, pages(65536))),
    from: "pi:page-size",
    steps: 2,
  },
  {
    of: 'doctor/pi.ts ["sudo", "systemctl", "reboot"]',
    state: on((host) => {
      host.put(auxiliary, pages(65536));
      host.put(config, "[all]\nkernel=kernel8.img\n");
    }),
    from: "pi:page-size",
  },
  {
    of: 'doctor/pi.ts ["sudo", "apt-get", "install", "fake-hwclock"]',
    state: on((host) => host.remove("/usr/sbin/fake-hwclock")),
    from: "pi:clock",
  },
  {
    of: 'resources/pi.ts ["sudo", "apt-get", "install", tool]',
    state: on((host) => host.put("/proc/meminfo", `${memory}SwapTotal: 0 kB\n`)),
    from: "pi:swap",
  },
  {
    of: 'doctor/pi.ts ["cat", thermalPath]',
    state: on((host) => host.put(temperature, "81000\n")),
    from: "pi:temperature",
    shows: "81000",
  },
  {
    of: 'doctor/pi-storage.ts ["cat", `{emmcDir}/life_time`, `{emmcDir}/pre_eol_info`]',
    state: on((host) => {
      host.put(`${emmc}/life_time`, "0x01 0x0b\n");
      host.put(`${emmc}/pre_eol_info`, "0x01\n");
    }),
    from: "pi:storage",
    shows: "0x01 0x0b",
  },
  {
    of: 'doctor/pi-storage.ts ["sudo", "dmesg", "--level=emerg,alert,crit,err,warn"]',
    state: on((host) => {
      host.put("/proc/self/mounts", "/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n");
      host.taught.unshift(([program, ...flags]) => (program === "dmesg" ? kernelLog(flags) : undefined));
    }),
    from: "pi:storage",
    shows: "mmcblk0: error -110",
  },
  {
    of: 'doctor/pi.ts ["vcgencmd", "measure_temp"]',
    state: on((host) => firmware(host, "measure_temp", "temp=48.3'C\n")),
    from: "pi:temperature",
    shows: "temp=48.3'C",
  },
  {
    of: 'doctor/pi-power.ts ["vcgencmd", "get_throttled"]',
    state: on((host) => firmware(host, "get_throttled", "throttled=0x50005\n")),
    from: "pi:power",
    shows: "throttled=0x50005",
  },
];

/**
 * Simulates vcgencmd, which asks the firmware of a Raspberry Pi and runs on no other machine. The output has the form
 * that Raspberry Pi's documentation shows.
 */
function firmware(host: FakeHost, word: string, stdout: string): void {
  host.put("/usr/bin/vcgencmd", "");
  host.taught.unshift((argv) => (argv.join(" ") === `vcgencmd ${word}` ? ok(stdout) : undefined));
}

/** Runs this machine's dmesg on the kernel log of a failing card. */
function kernelLog(flags: readonly string[]) {
  const path = `${mkdtempSync(`${tmpdir()}/edox-dmesg-`)}/log`;
  const lines = [
    "<6>[    1.0] mmc0: new high speed SDHC card",
    "<3>[   64.2] mmcblk0: error -110 sending status command",
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  const { stdout, stderr, exitCode } = Bun.spawnSync(["dmesg", ...flags, "--file", path]);
  rmSync(dirname(path), { recursive: true });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}
