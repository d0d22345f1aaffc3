// Hints that are typed on the test machine, because what they show exists on every machine.

import { withDiskFault } from "../../src/engine/disk-fault.ts";
import { Problem } from "../../src/engine/step.ts";
import type { HostReader } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";
import { demandTasks, executableMemoryError } from "../../src/host/local-limits.ts";
import { LimitError } from "../../src/host/system-error.ts";

export interface MachineCase {
  of: string;
  hint: () => readonly string[];
  /** Shell commands that run before and after the hint. */
  before?: string;
  afterwards?: string;
  shows: string;
}

const diskHint =
  (message: string, more: Partial<HostReader> = {}) =>
  (): readonly string[] => {
    return withDiskFault(new Problem("internal", message), { ...localHost(), ...more }).hint ?? [];
  };

/** Runs in a process with these limits, in a control group. */
const limitHint =
  (limits: string, group = "0::/\n") =>
  (): readonly string[] => {
    const cause = new TypeError("bun:ffi requires the JIT");
    const read = (path: string) => ({ "/proc/self/limits": limits, "/proc/self/cgroup": group })[path] ?? null;
    const error = executableMemoryError(cause, read);
    return (error instanceof LimitError && error.hint) || [];
  };

const noInodes = { bytesFree: 5e9, inodes: 1e6, inodesFree: 0 };

export const machineCases: MachineCase[] = [
  {
    of: 'engine/disk-fault.ts ["findmnt", path]',
    hint: diskHint("/proc: resource busy or locked"),
    shows: "proc",
  },
  {
    of: 'engine/disk-fault.ts ["df", "-h", path]',
    hint: diskHint("ENOSPC: no space left on device, write '/usr/bin/x'"),
    shows: "Use%",
  },
  {
    of: 'engine/disk-fault.ts ["df", "-i", path]',
    hint: diskHint("ENOSPC: no space left on device, write '/usr/bin/x'", { space: () => noInodes }),
    shows: "IUse%",
  },
  { of: 'engine/disk-fault.ts ["df", "-h"]', hint: diskHint("no space left on device"), shows: "Use%" },
  {
    of: 'engine/disk-fault.ts ["ulimit", "-f", "unlimited"]',
    hint: diskHint("EFBIG: file too large, write '/etc/x'", {
      read: () => Buffer.from("Max file size             1024000              unlimited            bytes\n"),
    }),
    before: "ulimit -S -f 1000",
    afterwards: "ulimit -f",
    shows: "unlimited",
  },
  {
    of: 'host/local-limits.ts ["ulimit", flag, "unlimited"]',
    hint: limitHint("Max address space         1073741824           unlimited            bytes\n"),
    before: "ulimit -S -v 1048576",
    afterwards: "ulimit -v",
    shows: "unlimited",
  },
  {
    of: 'host/local-limits.ts ["grep", "Seccomp", "/proc/self/status"]',
    hint: limitHint("Max address space         unlimited            unlimited            bytes\n"),
    shows: "Seccomp:",
  },
  {
    of: 'host/local-limits.ts ["cat", `{dir}/pids.max`]',
    hint() {
      const files: Record<string, string> = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/pids.max": "8\n" };
      try {
        demandTasks((path) => files[path] ?? null);
        return [];
      } catch (error) {
        return (error instanceof LimitError && error.hint) || [];
      }
    },
    // The root control group has no limit, except in a container.
    before: "cat() { printf '%s is read' \"$1\"; }",
    shows: "/sys/fs/cgroup/pids.max is read",
  },
];

export interface AnswerCase {
  of: string;
  status: number;
  headers: Record<string, string>;
  body: string;
  /** A pattern in the output of curl. */
  shows: string;
}

export const answerCases: AnswerCase[] = [
  {
    of: 'runner/gitlab.ts ["curl", "-v", ...(caPath === undefined ? [] : ["--cacert", caPath]), url]',
    status: 403,
    headers: { "content-type": "text/html", server: "filter" },
    body: "<p>blocked",
    shows: "filter",
  },
  {
    of: 'runner/gitlab.ts ["curl", "-I", url]',
    status: 302,
    headers: { location: "/login" },
    body: "",
    shows: "/login",
  },
  {
    of: 'runner/gitlab.ts ["curl", "-I", url]',
    status: 503,
    headers: { "retry-after": "3600" },
    body: "",
    shows: "503",
  },
  {
    of: 'runner/gitlab.ts ["curl", "-I", server.url]',
    status: 200,
    headers: { "content-type": "application/json", server: "old" },
    body: JSON.stringify({ id: 1, token: "glrt-0123456789", token_expires_at: "soon" }),
    shows: "old",
  },
];
