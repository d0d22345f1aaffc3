// Determines from /proc which nginx runs, and since when.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

/** USER_HZ: /proc/PID/stat counts in hundredths of a second on every supported architecture. */
const ticksPerSecond = 100;
/** Fields 4 and 22 of /proc/PID/stat, counted from the third. */
const parentField = 1;
const startField = 19;
/** /proc/uptime and the start time of a process each have a resolution of a hundredth of a second. */
const clockErrorMs = 20;
/** A log may be larger than the memory of a small host. Its end contains the reason. */
const enoughLog = 64 * 1024;

/** btime in /proc/stat has whole seconds. A step of the clock between both reads differs by less than the rest. */
const sameBootMs = 2000;

/**
 * Returns when the kernel was booted, in Unix milliseconds. In a container, lxcfs shows the uptime of that container, but
 * the start times of processes count from the boot of its host, and so does btime. The end of that second is returned
 * then, so that no worker seems older than the files that it has loaded.
 */
function bootedMs(reader: HostReader): number {
  const uptime = Number(textOf(reader, "/proc/uptime")?.split(" ")[0]);
  const booted = reader.now() - uptime * 1000;
  const [, second] = /^btime (\d+)$/m.exec(textOf(reader, "/proc/stat") ?? "") ?? [];
  const kernels = (Number(second) + 1) * 1000;
  return Math.abs(booted - kernels) > sameBootMs ? kernels : booted;
}

/** Returns when the oldest worker that is not shutting down was started, in Unix milliseconds, or null if none runs. */
function workersSinceMs(reader: HostReader): number | null {
  const master = textOf(reader, "/run/nginx.pid")?.trim();
  if (!master) return null;
  const starts = childrenOf(reader, master)
    .filter((pid) => isWorker(textOf(reader, `/proc/${pid}/cmdline`)))
    .flatMap((pid) => statOf(reader, pid)[startField] ?? [])
    .map((ticks) => Number(ticks) / ticksPerSecond);
  return starts.length === 0 ? null : bootedMs(reader) + Math.min(...starts) * 1000;
}

/**
 * Returns the child processes from the kernel's list. On a kernel without one (CONFIG_PROC_CHILDREN), it compares the
 * parent of each process with `pid`.
 */
function childrenOf(reader: HostReader, pid: string): string[] {
  const text = textOf(reader, `/proc/${pid}/task/${pid}/children`);
  if (text !== null) return text.split(" ").filter(Boolean);
  const all = (reader.list("/proc") ?? []).filter((name) => /^\d+$/.test(name));
  return all.filter((each) => statOf(reader, each)[parentField] === pid);
}

/** Returns the fields of proc(5) from the third on. The second, the command, may contain any character. */
function statOf(reader: HostReader, pid: string): string[] {
  const text = textOf(reader, `/proc/${pid}/stat`) ?? "";
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/**
 * Recognizes a worker by the title that nginx writes over its command line. On an emulated processor, the kernel shows
 * the emulator's command line instead.
 */
function isWorker(title: string | null): boolean {
  if (!title?.startsWith("nginx: ")) return Boolean(title);
  return title.startsWith("nginx: worker process") && !title.includes("is shutting down");
}

/**
 * Returns whether the running workers were started after the last change of these files. This is the only way to detect
 * a process that was killed between write and reload. Future times (a clock that was set back) are ignored.
 */
export function hasLoadedFiles(reader: HostReader, paths: readonly string[]): boolean {
  const since = workersSinceMs(reader);
  if (since === null) return false;
  return paths.every((path) => {
    const changed = reader.statTarget(path)?.changedMs ?? 0;
    return changed <= since + clockErrorMs || changed > reader.now();
  });
}

/** Returns nginx's last [emerg] message since then, the reason of a failed reload, or null. */
export function emergencyMessage(reader: HostReader, sinceMs: number): string | null {
  const log = new TextDecoder().decode(reader.tail("/var/log/nginx/error.log", enoughLog) ?? undefined);
  const lines = [...log.matchAll(/^(\d{4})\/(\d\d)\/(\d\d) (\S+) \[emerg\] \S+ (.+)$/gm)];
  // The log has a resolution of one second.
  const recent = lines.filter(([, y, m, d, t]) => new Date(`${y}-${m}-${d}T${t}`).getTime() >= sinceMs - 1000);
  // The lines before it name the socket that could not be bound.
  return recent.findLast(([, , , , , said]) => !said?.startsWith("still could not bind"))?.[5] ?? null;
}
