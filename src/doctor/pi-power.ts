import type { CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

/**
 * The firmware's status word as the kernel of Raspberry Pi exposes it. vcgencmd reports the same word, but needs a
 * child process.
 */
const throttledPath = "/sys/devices/platform/soc/soc:firmware/get_throttled";
/** Bits of the word. The same four bits, sixteen higher, report that it happened since boot. */
const troubles = ["undervoltage", "frequency capped", "throttled", "soft temperature limit reached"];
const hint = ["vcgencmd", "get_throttled"];

/** Checks whether the power supply or heat slows the processor down. */
export async function piPower(reader: HostReader): Promise<CheckResult> {
  const word = (await throttled(reader)) ?? alarm(reader);
  if (word === null) return { status: "warning", detail: "neither the kernel nor vcgencmd reports it", hint };
  const namesFrom = (from: number): string => troubles.filter((_, bit) => (word >> (from + bit)) & 1).join(", ");
  if (namesFrom(0) !== "") return { status: "error", detail: `${namesFrom(0)}: now`, hint };
  if (namesFrom(16) !== "") return { status: "warning", detail: `${namesFrom(16)}: since boot`, hint };
  return { status: "ok", detail: "sufficient, and not throttled" };
}

async function throttled(reader: HostReader): Promise<number | null> {
  const text = textOf(reader, throttledPath)?.trim();
  if (text && /^[\da-f]+$/i.test(text)) return Number.parseInt(text, 16);
  if (reader.stat("/usr/bin/vcgencmd") === null) return null;
  const { stdout } = await reader.probe(hint);
  const word = /^throttled=0x([\da-f]+)$/im.exec(stdout)?.[1];
  return word === undefined ? null : Number.parseInt(word, 16);
}

/** Returns the voltage alarm, the first of the bits. Other kernels have a driver that reports only this one. */
function alarm(reader: HostReader): number | null {
  for (const name of reader.list("/sys/class/hwmon") ?? []) {
    const dir = `/sys/class/hwmon/${name}`;
    if (textOf(reader, `${dir}/name`)?.trim() !== "rpi_volt") continue;
    return Number(textOf(reader, `${dir}/in0_lcrit_alarm`)?.trim() === "1");
  }
  return null;
}
