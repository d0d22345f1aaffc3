// Checks settings of a Raspberry Pi that only its owner changes. edox-ops never edits them.

import type { Facts } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Requirement } from "../problem/requirement.ts";

export interface MissingSetting {
  detail: string;
  hint: string[];
}

/** Containers have no memory limit without these words, because the firmware disables the memory cgroup. */
const cgroupWords = "cgroup_enable=memory cgroup_memory=1";
const enoughMemoryKib = 2 * 1024 * 1024;

export function isPi(reader: HostReader): boolean {
  return textOf(reader, "/proc/device-tree/model")?.startsWith("Raspberry Pi") === true;
}

/** Returns the path of a file on the boot partition: /boot/firmware from Debian 12 on, or /boot before. */
export function bootPath(reader: HostReader, name: string): string {
  const now = `/boot/firmware/${name}`;
  return reader.stat(now) === null && reader.stat(`/boot/${name}`) !== null ? `/boot/${name}` : now;
}

/**
 * Returns why the memory of control groups cannot be limited, or null. The words belong on the single line of
 * cmdline.txt.
 */
export function memoryCgroupMissing(reader: HostReader): MissingSetting | null {
  const controllers = textOf(reader, "/sys/fs/cgroup/cgroup.controllers");
  const enabled =
    controllers === null
      ? /^memory\t\d+\t\d+\t1$/m.test(textOf(reader, "/proc/cgroups") ?? "")
      : controllers.trim().split(" ").includes("memory");
  if (enabled) return null;
  const path = bootPath(reader, "cmdline.txt");
  if (textOf(reader, path)?.includes("cgroup_enable=memory")) {
    const detail = `the memory cgroup is disabled until the next boot: ${path} enables it`;
    return { detail, hint: ["sudo", "systemctl", "reboot"] };
  }
  const detail = `the memory cgroup is disabled: append ${cgroupWords} to the one line of ${path}, then reboot`;
  return { detail, hint: ["sudo", "sed", "-i", `1 s/$/ ${cgroupWords}/`, path] };
}

/** Returns why a small memory may be exhausted, or null. */
export function swapMissing(reader: HostReader, version: string): MissingSetting | null {
  const memory = textOf(reader, "/proc/meminfo") ?? "";
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(memory)?.[1] ?? Number.NaN);
  if (!(kib("MemTotal") <= enoughMemoryKib) || kib("SwapTotal") > 0) return null;
  const tool = Number(version) >= 13 ? "rpi-swap" : "dphys-swapfile";
  const detail = `${Math.round(kib("MemTotal") / 1024)} MiB of memory and no swap`;
  return { detail, hint: ["sudo", "apt-get", "install", tool] };
}

/** Returns requirements that never fail. They warn about settings that are left to the owner. */
export function piByHand({ model, version }: Facts): Requirement[] {
  const instructions = {
    "pi:cgroup-memory": memoryCgroupMissing,
    "pi:swap": (reader: HostReader) => swapMissing(reader, version),
  };
  return Object.entries(instructions).map(([name, look]) => ({
    name,
    title: `no manual step is left on this ${model}`,
    check(reader, warn) {
      const missing = look(reader);
      if (missing) warn(`edox-ops does not edit cmdline.txt, config.txt or swap: ${missing.detail}`);
      return null;
    },
  }));
}
