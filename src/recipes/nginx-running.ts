// Which nginx runs, and since when, from /proc.

import { textOf } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";

/** USER_HZ: /proc/PID/stat counts in hundredths of a second on every architecture we run on. */
const ticksPerSecond = 100;
/** Fields 4 and 22 of /proc/PID/stat, counted from the third. */
const parentField = 1;
const startField = 19;
/** /proc/uptime and the start of a process are known to a hundredth of a second each. */
const clockErrorMs = 20;
/** A log may be larger than the memory of a small host: its end says why. */
const enoughLog = 64 * 1024;

/** When the oldest worker that is not shutting down was started, Unix milliseconds; null where none runs. */
function workersSinceMs(see: HostReader): number | null {
  const master = textOf(see, "/run/nginx.pid")?.trim();
  const uptime = Number(textOf(see, "/proc/uptime")?.split(" ")[0]);
  if (!master) return null;
  const starts = childrenOf(see, master)
    .filter((pid) => isWorker(textOf(see, `/proc/${pid}/cmdline`)))
    .flatMap((pid) => statOf(see, pid)[startField] ?? [])
    .map((ticks) => Number(ticks) / ticksPerSecond);
  return starts.length === 0 ? null : see.now() - (uptime - Math.min(...starts)) * 1000;
}

/** The kernel's list, or where it was built without one (CONFIG_PROC_CHILDREN) every process asked for its parent. */
function childrenOf(see: HostReader, pid: string): string[] {
  const told = textOf(see, `/proc/${pid}/task/${pid}/children`);
  if (told !== null) return told.split(" ").filter(Boolean);
  const all = (see.list("/proc") ?? []).filter((name) => /^\d+$/.test(name));
  return all.filter((each) => statOf(see, each)[parentField] === pid);
}

/** The fields of proc(5) from the third on: the second, the command, may hold any character. */
function statOf(see: HostReader, pid: string): string[] {
  const text = textOf(see, `/proc/${pid}/stat`) ?? "";
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** By what nginx writes over its command line; where its processor is emulated the kernel shows another, the emulator's. */
function isWorker(title: string | null): boolean {
  if (!title?.startsWith("nginx: ")) return Boolean(title);
  return title.startsWith("nginx: worker process") && !title.includes("is shutting down");
}

/**
 * Whether the running workers were started after the last change of these files. A process killed between writing and
 * reloading leaves files that are right and never loaded: only this tells. Times in the future (a clock that was set
 * back) say nothing and count as old.
 */
export function tookFiles(see: HostReader, paths: readonly string[]): boolean {
  const since = workersSinceMs(see);
  if (since === null) return false;
  return paths.every((path) => {
    const changed = see.statTarget(path)?.changedMs ?? 0;
    return changed <= since + clockErrorMs || changed > see.now();
  });
}

/** What nginx wrote into its error log since then, as far as it stopped it: the reason of a reload that was not taken. */
export function emergency(see: HostReader, sinceMs: number): string | null {
  const log = new TextDecoder().decode(see.tail("/var/log/nginx/error.log", enoughLog) ?? undefined);
  const lines = [...log.matchAll(/^(\d{4})\/(\d\d)\/(\d\d) (\S+) \[emerg\] \S+ (.+)$/gm)];
  // The log knows whole seconds.
  const recent = lines.filter(([, y, m, d, t]) => new Date(`${y}-${m}-${d}T${t}`).getTime() >= sinceMs - 1000);
  // Which socket it could not bind stands in the lines before.
  return recent.findLast(([, , , , , said]) => !said?.startsWith("still could not bind"))?.[5] ?? null;
}
