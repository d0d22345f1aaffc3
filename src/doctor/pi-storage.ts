import type { CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

/**
 * The health report of an eMMC (JEDEC eMMC 5.0), which an SD card does not have: wear in tenths of its life, and used
 * spare blocks.
 */
const emmcDir = "/sys/block/mmcblk0/device";
const wornOut = 0x0b;
const nearlyWorn = 0x09;
const urgent = 3;
const kernelLog = ["sudo", "dmesg", "--level=emerg,alert,crit,err,warn"];

/** Checks the health of the card as far as the kernel reports it. */
export function piStorage(reader: HostReader): CheckResult {
  const mounts = textOf(reader, "/proc/self/mounts") ?? "";
  // The last mount of a path hides the earlier ones.
  const options = [...mounts.matchAll(/^\S+ \/ \S+ (\S+)/gm)].at(-1)?.[1]?.split(",") ?? [];
  if (options.includes("ro")) {
    return { status: "error", detail: "/ is read-only, as it is after errors of its card", hint: kernelLog };
  }
  const failing = (reader.list("/sys/fs/ext4") ?? []).find(
    (name) => number(reader, `/sys/fs/ext4/${name}/errors_count`) > 0,
  );
  if (failing !== undefined) {
    const count = number(reader, `/sys/fs/ext4/${failing}/errors_count`);
    return { status: "error", detail: `${count} file system errors on ${failing}`, hint: kernelLog };
  }
  const spare = number(reader, `${emmcDir}/pre_eol_info`);
  const wear = (textOf(reader, `${emmcDir}/life_time`) ?? "").trim().split(" ").map(Number);
  const worst = Math.max(0, ...wear.filter(Number.isFinite));
  const hint = ["cat", `${emmcDir}/life_time`, `${emmcDir}/pre_eol_info`];
  if (worst >= wornOut || spare >= urgent) return { status: "error", detail: "the eMMC is worn out", hint };
  if (worst >= nearlyWorn || spare === urgent - 1) {
    return { status: "warning", detail: "the eMMC is nearly worn out", hint };
  }
  return { status: "ok", detail: "writable, without recorded errors" };
}

/** Returns a number from the kernel, decimal or hexadecimal, or 0 if there is none. */
function number(reader: HostReader, path: string): number {
  return Number(textOf(reader, path)?.trim()) || 0;
}
