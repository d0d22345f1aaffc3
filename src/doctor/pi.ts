// Checks of a Raspberry Pi. They do not exist on other hosts.

import { gatherFacts } from "../engine/facts.ts";
import type { Check, CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { bootPath, isPi, type MissingSetting, memoryCgroupMissing, swapMissing } from "../resources/pi.ts";
import { piPower } from "./pi-power.ts";
import { piStorage } from "./pi-storage.ts";

/** The largest page size that the runtime supports. Kernels for a Pi use 4096 or 16384. */
const largestPage = 16384;
/** AT_PAGESZ of getauxval(3). */
const pageSizeKey = 6n;
/**
 * Millidegrees Celsius. Above the first value the firmware slows the processor down, and above the second even more.
 */
const warm = 80_000;
const hot = 85_000;
const thermalPath = "/sys/class/thermal/thermal_zone0/temp";

const checks: Check[] = [
  { name: "pi:cgroup-memory", run: (reader) => warning(memoryCgroupMissing(reader), "the memory cgroup is enabled") },
  { name: "pi:page-size", run: pageSize },
  {
    name: "pi:userland",
    run(reader) {
      const { architecture } = gatherFacts(reader);
      if (architecture === "arm64") return { status: "ok", detail: "64-bit, like its kernel" };
      const detail = `${architecture || "unknown"} on a 64-bit kernel: reinstall with Raspberry Pi OS 64-bit`;
      return { status: "error", detail, hint: ["dpkg", "--print-architecture"] };
    },
  },
  { name: "pi:power", run: piPower },
  { name: "pi:temperature", run: temperature },
  { name: "pi:storage", run: piStorage },
  {
    name: "pi:swap",
    run: (reader) => warning(swapMissing(reader, gatherFacts(reader).version), "swap or enough memory is available"),
  },
  { name: "pi:clock", run: clock },
];

export const pi: Check[] = checks.map((entry) => ({ ...entry, appliesTo: isPi }));

function warning(missing: MissingSetting | null, fine: string): CheckResult {
  return missing === null ? { status: "ok", detail: fine } : { status: "warning", ...missing };
}

function pageSize(reader: HostReader): CheckResult {
  const auxiliary = reader.read("/proc/self/auxv") ?? new Uint8Array();
  const words = new BigUint64Array(auxiliary.slice(0, auxiliary.length & ~15).buffer);
  const at = words.findIndex((word, index) => index % 2 === 0 && word === pageSizeKey);
  const size = at < 0 ? 0 : Number(words[at + 1]);
  const path = bootPath(reader, "config.txt");
  if (size === 0) return { status: "warning", detail: "the kernel does not report it", hint: ["getconf", "PAGESIZE"] };
  if (size <= largestPage) return { status: "ok", detail: `${size} bytes` };
  const detail = `${size} bytes: at most ${largestPage} are supported, as with kernel8.img`;
  if (/^kernel=kernel8\.img\s*$/m.test(textOf(reader, path) ?? "")) {
    return { status: "error", detail: `${detail} from the next boot`, hint: ["sudo", "systemctl", "reboot"] };
  }
  return { status: "error", detail, hint: ["sudo", "sed", "-i", "$ a kernel=kernel8.img", path] };
}

function temperature(reader: HostReader): CheckResult {
  const text = textOf(reader, thermalPath)?.trim();
  if (!text) return { status: "warning", detail: "the kernel does not report it", hint: ["vcgencmd", "measure_temp"] };
  const status = Number(text) >= hot ? "error" : Number(text) >= warm ? "warning" : "ok";
  return { status, detail: `${Math.round(Number(text) / 1000)} °C`, hint: ["cat", thermalPath] };
}

/**
 * Checks that the time survives a restart. systemd itself only ensures that the clock is not before the date of its own
 * file.
 */
function clock(reader: HostReader): CheckResult {
  if (reader.stat("/sys/class/rtc/rtc0") !== null) return { status: "ok", detail: "a hardware clock is present" };
  const kept = ["/usr/sbin/fake-hwclock", "/sbin/fake-hwclock", "/var/lib/systemd/timesync/clock"];
  if (kept.some((path) => reader.stat(path) !== null))
    return { status: "ok", detail: "the last time is saved on disk" };
  const detail =
    "there is no hardware clock, and the last time is not saved: TLS fails until a time server has answered";
  return { status: "warning", detail, hint: ["sudo", "apt-get", "install", "fake-hwclock"] };
}
