// Hints that are typed on the test machine, because what they show exists on every machine.

import { readFileSync } from "node:fs";
import { installPackages } from "../../src/apt/apt.ts";
import { newerVersions } from "../../src/apt/lists.ts";
import { shortage } from "../../src/bundle/fit.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import type { Context } from "../../src/cli/context.ts";
import { runOptionsOf } from "../../src/cli/flags.ts";
import { showShims } from "../../src/docker/recipe.ts";
import { examine } from "../../src/doctor/doctor.ts";
import { pi } from "../../src/doctor/pi.ts";
import type { Check } from "../../src/engine/finding.ts";
import type { HostReader } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";
import { demandTasks, executableMemoryError } from "../../src/host/local-limits.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { LimitError } from "../../src/host/system-error.ts";
import { withDiskFault } from "../../src/problem/disk-fault.ts";
import { Problem } from "../../src/problem/problem.ts";
import { hintFor } from "../../src/report/style.ts";
import { portFree } from "../../src/resources/port.ts";
import { reporterFor } from "../../src/run/reporter.ts";
import { runnerChecks } from "../../src/runner/checks.ts";
import { planDeletion } from "../../src/sites/deletion.ts";
import { siteFront } from "../../src/sites/serve/answer.ts";
import { hintToAsk } from "../../src/sites/serve/site-hints.ts";
import { makeBundle } from "../bundle/small.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { project } from "../sites/tree.ts";

/** Listens on a port of this machine for as long as the tests run. */
const listening = Bun.serve({ port: 0, fetch: () => new Response() });
listening.unref();

export interface MachineCase {
  of: string;
  hint: () => readonly string[] | Promise<readonly string[]>;
  /** Shell commands that run before and after the hint. */
  before?: string;
  afterwards?: string | ((hint: readonly string[]) => string);
  /** The namespace of its own that it is typed in, as root. */
  within?: "--mount" | "--net";
  shows: string;
}

const diskHint =
  (message: string, more: Partial<HostReader> = {}) =>
  (): readonly string[] => {
    return withDiskFault({ ...localHost(), ...more }, new Problem("internal", message)).hint ?? [];
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

/** Returns the hint of a finding of doctor, on a host in memory in this state. */
const foundHint = (entries: readonly Check[], name: string, host: FakeHost) => async () => {
  const findings = await examine(host, [], entries);
  return findings.find((finding) => finding.name === name)?.hint ?? [];
};

/** Returns the hint of a call that throws. */
async function thrownHint(call: () => unknown): Promise<readonly string[]> {
  try {
    await call();
    return [];
  } catch (error) {
    return Problem.of(error).hint ?? [];
  }
}

/** A Raspberry Pi with the files that its checks read. */
function raspberryPi(files: Record<string, string> = {}, architecture = "arm64"): FakeHost {
  const host = fakeDebian({ architecture, model: "Raspberry Pi 4 Model B" });
  for (const [path, content] of Object.entries(files)) host.put(path, content);
  return host;
}

/** A host with a default route over this interface, and a bridge of Docker with longer packets. */
function narrowHost(name: string): FakeHost {
  const host = fakeDebian();
  host.put("/var/lib/dpkg/status", "Package: gitlab-runner\nStatus: install ok installed\nVersion: 1\n\n");
  host.put("/run/docker.sock", "");
  host.put("/sys/class/net/docker0/mtu", "99999\n");
  host.put(`/sys/class/net/${name}/mtu`, "1400\n");
  host.put("/proc/net/route", `Iface\tDestination\n${name}\t00000000\n`);
  return host;
}

/** A host whose apt would remove another package, too. */
function removingHost(): FakeHost {
  const host = fakeDebian();
  host.taught.unshift((argv) => (argv.includes("--simulate") ? ok("Remv curl [1]\nRemv other [1]\n") : undefined));
  return host;
}

const pageBytes = 1024 * Number(/^KernelPageSize: +(\d+) kB$/m.exec(readFileSync("/proc/self/smaps", "utf8"))?.[1]);
const architectures: Record<string, string> = { x64: "amd64", arm64: "arm64" };

/** Lets apt read only the installed packages. The lists of a release would take it a second. */
const withoutLists = {
  before: `export APT_CONFIG=$(mktemp); echo 'Dir::State::Lists "/none";' >$APT_CONFIG`,
  afterwards: "rm $APT_CONFIG",
};

const noInodes = { bytesFree: 5e9, inodes: 1e6, inodesFree: 0 };

export const machineCases: MachineCase[] = [
  {
    of: 'bundle/parts.ts ["ls", "-l", parentOf(path) || "."]',
    before: "mount -t tmpfs none /mnt; mkdir /mnt/stick; touch /mnt/stick/b.tar.1of2",
    within: "--mount",
    hint: () => {
      const host = fakeDebian();
      host.put("/mnt/stick/b.tar.1of2", "");
      try {
        openBundle(host, "/mnt/stick/b.tar");
      } catch (error) {
        return Problem.of(error).hint ?? [];
      }
      return [];
    },
    shows: "b.tar.1of2",
  },
  {
    of: 'bundle/fit.ts ["df", "-h", path]',
    async hint() {
      const host = fakeDebian();
      host.dir("/mnt");
      await makeBundle(host, "/mnt/b.tar", {});
      const full = { ...host, space: () => ({ bytesFree: 0, inodes: 1, inodesFree: 1 }) };
      return shortage(full, openBundle(host, "/mnt/b.tar"), [], 1)?.hint ?? [];
    },
    shows: "Use%",
  },
  {
    of: 'problem/disk-fault.ts ["findmnt", path]',
    hint: diskHint("/proc: resource busy or locked"),
    shows: "proc",
  },
  {
    of: 'problem/disk-fault.ts ["df", "-h", path]',
    hint: diskHint("ENOSPC: no space left on device, write '/usr/bin/x'"),
    shows: "Use%",
  },
  {
    of: 'problem/disk-fault.ts ["df", "-i", path]',
    hint: diskHint("ENOSPC: no space left on device, write '/usr/bin/x'", { space: () => noInodes }),
    shows: "IUse%",
  },
  { of: 'problem/disk-fault.ts ["df", "-h"]', hint: diskHint("no space left on device"), shows: "Use%" },
  {
    of: 'problem/disk-fault.ts ["ulimit", "-f", "unlimited"]',
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
  {
    of: 'problem/disk-fault.ts ["findmnt", "--options", "ro"]',
    hint: diskHint("read-only file system"),
    within: "--mount",
    before: "mount -t tmpfs -o ro none /mnt",
    shows: "/mnt",
  },
  {
    of: 'problem/disk-fault.ts ["sudo", "mount", "-o", "remount,rw", point]',
    hint: diskHint("EROFS: read-only file system, open '/mnt/x'", {
      read: () => Buffer.from("none / ext4 rw 0 0\nnone /mnt tmpfs ro 0 0\n"),
    }),
    within: "--mount",
    before: "mount -t tmpfs -o ro none /mnt",
    afterwards: "touch /mnt/x && ls /mnt",
    shows: "x\n",
  },
  {
    of: 'sites/deletion.ts ["sudo", "umount", path]',
    hint: () => {
      const trees = { ...localTrees(), pinned: (path: string) => (path === "/mnt" ? ("mount point" as const) : null) };
      return thrownHint(() => planDeletion(trees, "demo", ["/mnt"]));
    },
    within: "--mount",
    before: "mount -t tmpfs none /mnt",
    afterwards: "mountpoint /mnt",
    shows: "/mnt is not a mountpoint",
  },
  {
    of: 'sites/serve/site-hints.ts ["curl", "-sSIk", "--noproxy", "*", "--resolve", resolve, frontUrl(front)]',
    hint: () => hintToAsk(siteFront(project)),
    within: "--net",
    shows: "curl: (7)",
  },
  {
    of: 'doctor/pi.ts ["dpkg", "--print-architecture"]',
    hint: foundHint(pi, "pi:userland", raspberryPi({}, "armhf")),
    shows: architectures[process.arch] ?? process.arch,
  },
  {
    of: 'doctor/pi.ts ["getconf", "PAGESIZE"]',
    hint: foundHint(pi, "pi:page-size", raspberryPi({ "/proc/self/auxv": "short" })),
    shows: `${pageBytes}\n`,
  },
  {
    of: 'runner/checks.ts ["ip", "link", "show", out]',
    hint: foundHint(runnerChecks(narrowHost("lo")), "ci-runner:mtu", narrowHost("lo")),
    shows: "mtu 65536",
  },
  {
    of: 'apt/lists.ts ["apt-cache", "policy", ...names]',
    hint() {
      const refused = { code: 100, stdout: "", stderr: "" };
      return thrownHint(() => newerVersions({ ...fakeDebian(), probe: async () => refused }, ["dpkg"]));
    },
    ...withoutLists,
    shows: "Installed: ",
  },
  {
    of: 'apt/apt.ts ["sudo", "apt-get", "remove", "--simulate", ...instead]',
    hint: () =>
      thrownHint(() => {
        return installPackages(removingHost(), { names: ["x"], remove: ["curl"] }, () => null);
      }),
    ...withoutLists,
    shows: "Remv curl",
  },
  {
    of: 'docker/recipe.ts ["pgrep", "-a", "containerd-shim"]',
    hint: () => showShims,
    before: [
      "dir=$(mktemp -d)",
      "printf '#!/bin/sh\\nread line <>/dev/null; sleep 2\\n' >$dir/containerd-shim",
      "chmod +x $dir/containerd-shim",
      // The sleep outlives its shell, and would keep the pipe of the output open.
      '$dir/containerd-shim >/dev/null 2>&1 & until [ "$(cat /proc/$!/comm)" = containerd-shim ]; do sleep 0.01; done',
    ].join("; "),
    afterwards: "kill $!; rm -r $dir",
    shows: "/containerd-shim",
  },
  {
    of: 'resources/port.ts ["sudo", "ss", "-ltnp", "sport", "=", `:{port}`]',
    async hint() {
      const port = listening.port ?? 0;
      const unmet = await portFree(port, "nginx", () => false).check(localHost(), () => {});
      return unmet?.hint ?? [];
    },
    shows: `:${listening.port}`,
  },
  {
    of: 'run/program-watch.ts ["sudo", "kill", String(script.pid)]',
    async hint() {
      const started = Bun.spawnSync(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]).stdout.toString();
      const said: string[] = [];
      const console = {
        out: async () => {},
        err: (text: string) => void said.push(text),
        width: () => null,
        unicode: () => true,
      };
      const context = {
        console: { ...console, colour: () => false },
        hint: hintFor("/usr/bin/edox-ops", true),
      } as unknown as Context;
      const script = { pid: Number(started), path: "/var/lib/dpkg/info/nginx.postinst" };
      const options = runOptionsOf({});
      const reporter = (await reporterFor(options, context))(options, context, () => null);
      reporter.watch.ending?.(["apt-get", "install"], "SIGTERM", script);
      return /\((kill \d+) ends that\)/.exec(said.join(""))?.[1]?.split(" ") ?? [];
    },
    afterwards: ([, pid]) =>
      `for i in $(seq 100); do grep -qs sleep /proc/${pid}/cmdline || break; sleep 0.05; done; grep -qs sleep /proc/${pid}/cmdline || echo ended`,
    shows: "ended",
  },
];

export interface AnswerCase {
  of: string;
  /** The words that make a command ask this address; those of a registration without it. */
  words?: (url: string) => string[];
  status: number;
  headers: Record<string, string>;
  body: string;
  /** A pattern in the output of curl. */
  shows: string;
}

export const answerCases: AnswerCase[] = [
  {
    of: 'resources/apt-repository.ts ["curl", "-fsSL", keyOrigin]',
    words: (url) => [
      ...["gitlab-runner", "install", "--yes", "--runner-apt-url", `${url}/debian`],
      ...["--runner-apt-key", `${url}/key.asc`, "--runner-apt-fingerprint", "A".repeat(40)],
    ],
    status: 200,
    headers: { "content-type": "text/html" },
    body: "<p>sign in",
    shows: "<p>sign in",
  },
  {
    of: 'runner/registration/gitlab-response.ts ["curl", "-v", ...(caPath === undefined ? [] : ["--cacert", caPath]), url]',
    status: 403,
    headers: { "content-type": "text/html", server: "filter" },
    body: "<p>blocked",
    shows: "filter",
  },
  {
    of: 'runner/registration/gitlab-response.ts ["curl", "-I", url]',
    status: 302,
    headers: { location: "/login" },
    body: "",
    shows: "/login",
  },
  {
    of: 'runner/registration/gitlab-response.ts ["curl", "-I", url]',
    status: 503,
    headers: { "retry-after": "3600" },
    body: "",
    shows: "503",
  },
  {
    of: 'runner/registration/gitlab.ts ["curl", "-I", server.url]',
    status: 200,
    headers: { "content-type": "application/json", server: "old" },
    body: JSON.stringify({ id: 1, token: "glrt-0123456789", token_expires_at: "soon" }),
    shows: "old",
  },
];
