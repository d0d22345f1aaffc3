// Checks the limits of this process and names the setting behind each. The runtime shows them only as crashes or in
// unclear messages.

import * as fs from "node:fs";
import { nameOf } from "../text/path.ts";
import { LimitError } from "./system-error.ts";

/**
 * apt-get with its methods and dpkg, in addition to the threads of the runtime, which aborts if it cannot start one.
 */
const neededTasks = 32;
/** The runtime reserves 2 GiB at once for compiled code. */
const neededBytes = 4 * 1024 ** 3;
const mebibyte = 1024 ** 2;

/** Throws a LimitError if too few processes and threads may run. Takes 0.1 ms and starts none. */
export function demandTasks(read: (path: string) => string | null = contentOf): void {
  const group = controlGroup(read);
  for (let path = group; ; path = path.slice(0, path.lastIndexOf("/"))) {
    const dir = `/sys/fs/cgroup${path}`;
    const most = Number.parseInt(read(`${dir}/pids.max`) ?? "max", 10);
    // This process and its first threads are already counted.
    const others = most >= neededTasks ? Number.parseInt(read(`${dir}/pids.current`) ?? "0", 10) : 0;
    if (most - others < neededTasks) {
      const unit = nameOf(path);
      const isUnit = /\.(service|scope|slice)$/.test(unit);
      const where = isUnit ? `TasksMax= of ${unit}` : `${dir}/pids.max`;
      const hint = isUnit ? ["systemctl", "show", "--property=TasksMax", unit] : ["cat", `${dir}/pids.max`];
      throw new LimitError(`${tooFewTasks(most, others)} (${where})`, hint);
    }
    if (path === "") break;
  }
  // Root is exempt from this limit.
  const most = process.geteuid?.() === 0 ? null : softLimit(read, "Max processes");
  if (most !== null && most < neededTasks) throw new LimitError(`${tooFewTasks(most, 0)} (ulimit -u, LimitNPROC=)`);
}

function tooFewTasks(most: number, others: number): string {
  const used = others > 0 ? `, and ${others} are running` : "";
  return `only ${most} processes and threads may run here${used}; ${neededTasks} must be free`;
}

/**
 * Returns a LimitError with the reason why no memory of this process may become executable. Each call of the C library
 * needs such memory, and the runtime then throws `cause`. Returns any other error as it is.
 */
export function executableMemoryError(cause: unknown, read: (path: string) => string | null = contentOf): unknown {
  if (!(cause instanceof Error && cause.message.includes("requires the JIT"))) return cause;
  for (const [row, flag, setting] of [
    ["Max address space", "-v", "LimitAS="],
    ["Max data size", "-d", "LimitDATA="],
  ] as const) {
    const bytes = softLimit(read, row);
    if (bytes === null || bytes >= neededBytes) continue;
    const [has, needs] = [bytes, neededBytes].map((each) => Math.floor(each / mebibyte));
    const message = `the memory of this process is limited to ${has} MiB (ulimit ${flag}, ${setting}); ${needs} MiB are needed`;
    return new LimitError(message, ["ulimit", flag, "unlimited"], cause);
  }
  const [, unit] = /\/([^/]+\.service)$/.exec(controlGroup(read)) ?? [];
  const where = unit === undefined ? "MemoryDenyWriteExecute= of a unit" : `MemoryDenyWriteExecute= of ${unit}`;
  const message = `memory of this process may not become executable (${where}, or SELinux); edox-ops needs it to take locks`;
  const hint =
    unit === undefined
      ? ["grep", "Seccomp", "/proc/self/status"]
      : ["systemctl", "show", "--property=MemoryDenyWriteExecute", unit];
  return new LimitError(message, hint, cause);
}

/** Returns a LimitError if a limit kept a child from being started. Returns any other error as it is. */
export function childError(name: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const limits: Record<string, string> = {
    EAGAIN: "the process limit is reached (ulimit -u, TasksMax= of a unit)",
    ENOMEM: "not enough memory",
    EMFILE: "the limit of open files is reached (ulimit -n, LimitNOFILE= of a unit)",
  };
  const limit = limits[code ?? ""];
  return limit === undefined ? error : new LimitError(`${name} cannot be started: ${limit}`, undefined, error);
}

/** Returns the cgroup v2 path of this process, without a trailing slash. */
function controlGroup(read: (path: string) => string | null): string {
  return /^0::(\/.*)$/m.exec(read("/proc/self/cgroup") ?? "")?.[1]?.replace(/\/$/, "") ?? "";
}

/** Returns null for "unlimited". */
function softLimit(read: (path: string) => string | null, row: string): number | null {
  const found = new RegExp(`^${row} +(\\d+)`, "m").exec(read("/proc/self/limits") ?? "");
  return found === null ? null : Number(found[1]);
}

function contentOf(path: string): string | null {
  try {
    return fs.readFileSync(path, "latin1");
  } catch {
    return null;
  }
}
