// The place where a limit is set, found in the kernel's files of a unit, a container and a session.

import { describe, expect, test } from "bun:test";
import { childError, demandTasks, executableMemoryError } from "../../src/host/local-limits.ts";
import { LimitError } from "../../src/host/system-error.ts";

const reader = (files: Record<string, string>) => (path: string) => files[path] ?? null;
const inUnit = { "/proc/self/cgroup": "0::/system.slice/deploy.service\n" };

function limitOf(files: Record<string, string>): [string, readonly string[] | undefined] | null {
  try {
    demandTasks(reader(files));
    return null;
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    return [error.message, error.hint];
  }
}

describe("limits", () => {
  test("tasks: the error names the unit, slice or container that sets the limit, and there is none with enough room", () => {
    const at = (dir: string, max: string, current: string) => ({
      [`/sys/fs/cgroup${dir}/pids.max`]: max,
      [`/sys/fs/cgroup${dir}/pids.current`]: current,
    });
    expect(limitOf({ ...inUnit, ...at("/system.slice/deploy.service", "3\n", "2\n") })).toEqual([
      "only 3 processes and threads may run here; 32 must be free (TasksMax= of deploy.service)",
      ["systemctl", "show", "--property=TasksMax", "deploy.service"],
    ]);
    expect(limitOf({ ...inUnit, ...at("/system.slice", "1000\n", "990\n") })).toEqual([
      "only 1000 processes and threads may run here, and 990 are running; 32 must be free (TasksMax= of system.slice)",
      ["systemctl", "show", "--property=TasksMax", "system.slice"],
    ]);
    expect(limitOf({ "/proc/self/cgroup": "0::/docker/4711\n", ...at("/docker/4711", "8\n", "2\n") })?.[1]).toEqual([
      "cat",
      "/sys/fs/cgroup/docker/4711/pids.max",
    ]);
    expect(limitOf({ "/proc/self/cgroup": "0::/\n", ...at("", "8\n", "2\n") })).toEqual([
      "only 8 processes and threads may run here; 32 must be free (/sys/fs/cgroup/pids.max)",
      ["cat", "/sys/fs/cgroup/pids.max"],
    ]);
    expect(limitOf({ ...inUnit, ...at("/system.slice/deploy.service", "max\n", "9000\n") })).toBeNull();
    expect(limitOf({ ...inUnit, ...at("/system.slice/deploy.service", "64\n", "12\n") })).toBeNull();
    expect(limitOf({ "/proc/self/cgroup": "4:pids:/old\n" })).toBeNull();
    expect(limitOf({})).toBeNull();
  });

  test("memory: the error names the unit that denies executable memory, and other errors are unchanged", () => {
    const cause = new TypeError("bun:ffi requires the JIT");
    const limits = "Max address space         unlimited            unlimited            bytes\n";
    const error = executableMemoryError(cause, reader({ ...inUnit, "/proc/self/limits": limits })) as LimitError;
    expect([error.message, error.hint, error.cause]).toEqual([
      "memory of this process may not become executable (MemoryDenyWriteExecute= of deploy.service, or SELinux); edox-ops needs it to take locks",
      ["systemctl", "show", "--property=MemoryDenyWriteExecute", "deploy.service"],
      cause,
    ]);
    const other = new Error("libc.so.6: cannot open shared object file");
    expect(executableMemoryError(other, reader({}))).toBe(other);
  });

  test("children: the error names the limit behind the kernel's error code", () => {
    const failed = (code: string) => Object.assign(new Error(`${code}: posix_spawn`), { code });
    const error = childError("systemctl", failed("EAGAIN")) as Error;
    expect(error.message).toBe(
      "systemctl cannot be started: the process limit is reached (ulimit -u, TasksMax= of a unit)",
    );
    const other = failed("EACCES");
    expect(childError("systemctl", other)).toBe(other);
  });
});
