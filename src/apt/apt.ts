// Runs one apt transaction without any interactive question.

import type { Host, HostReader, Output } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { type Stop, throwIfInterrupted, type WaitWatch, waitFor } from "../problem/wait.ts";
import { linesOf, shellLine } from "../text/lines.ts";
import {
  dpkgInterrupted,
  halfUnpacked,
  hasJournal,
  heldPackages,
  installedPackage,
  presentPackages,
  unfinishedPackages,
} from "./dpkg.ts";
import { commandToFinish, commandToUnhold, heldProblem, installFailure } from "./failure.ts";
import { failedHook } from "./hook.ts";
import { failedSources } from "./output.ts";

/**
 * One apt transaction. Without names, only an interrupted dpkg is finished; `unfinished` names its packages if they are
 * known. `remove` names the packages to remove, with their configuration if `purge` is set. No other package is ever
 * removed.
 */
export interface PackagesChange {
  names: string[];
  remove?: string[];
  purge?: true;
  unfinished?: string[];
}

/** apt's own limit for its dpkg locks, in seconds. The lists lock has no limit in apt, so it is retried here. */
const lockSeconds = 600;
/**
 * The maximum run time of apt-get. It times out by itself after 30 s without data, but not on a trickle of single
 * bytes. apt 2.6 can also hang on a resumed list that has grown over its limit.
 */
const limitMinutes = { update: 20, install: 60 };
/**
 * The limit for dpkg without apt, and for the commands after it. When it expires, dpkg is ended together with the
 * scripts that it runs.
 */
const dpkgMinutes = 60;
const simulateLimitMs = 120_000;
const certificatesTool = "/usr/sbin/update-ca-certificates";
/** How long to wait for a clock that is behind the lists, in seconds. */
const clockSeconds = 120;

/**
 * Suppresses every question: from debconf, needrestart (22.04 asks regardless of debconf), listchanges, and listbugs,
 * which aborts apt if it cannot ask.
 */
const env = {
  DEBIAN_FRONTEND: "noninteractive",
  NEEDRESTART_MODE: "l",
  NEEDRESTART_SUSPEND: "1",
  APT_LISTCHANGES_FRONTEND: "none",
  APT_LISTBUGS_FRONTEND: "none",
  // apt cannot check a signature if /tmp is full, and cannot run a package's questions if /tmp is mounted noexec.
  TMPDIR: "/var/tmp",
  // Without this setting, the gitlab-runner package deletes images and containers that are not in use.
  NO_DOCKER_PRUNE: "1",
};

const options = [
  "-q",
  "-y",
  "-o",
  `DPkg::Lock::Timeout=${lockSeconds}`,
  "-o",
  "Dpkg::Options::=--force-confdef",
  "-o",
  "Dpkg::Options::=--force-confold",
  "-o",
  "APT::Status-Fd=3",
  "-o",
  "Dpkg::Use-Pty=0",
  "-o",
  "Acquire::Retries=3",
  "-o",
  "Acquire::http::Timeout=30",
  "-o",
  "Acquire::https::Timeout=30",
];

/** Prevents apt from removing foreign packages to make room for the requested ones. */
const keepAll = "--no-remove";

/**
 * Installs these packages in one transaction, after it has finished an interrupted dpkg. Packages that are installed
 * stay as they are, and so do edited configuration files. Returns warnings: sources whose lists could not be fetched
 * although the others had every package, and apt hooks that failed after dpkg succeeded. Throws a Problem that names
 * the failed packages and sources otherwise.
 */
export async function installPackages(
  host: Host,
  { names, remove = [], purge }: PackagesChange,
  stop: Stop,
  watch?: WaitWatch,
): Promise<string[]> {
  const failedHooks: string[] = [];
  const started = runner(host, stop);
  const run: Run = async (...argv) => {
    const answer = await started(...argv);
    const hook = answer.code === 0 ? null : failedHook(host, answer);
    if (!hook?.isAfter) return answer;
    failedHooks.push(hook.title);
    return { ...answer, code: 0 };
  };
  const apt = ["apt-get", ...options];
  const replace = async (added: readonly string[]): Promise<Output> => {
    const words = await removalWords(added, remove, run);
    return run(...apt, ...(purge ? ["--purge"] : []), "--no-install-recommends", "install", ...words);
  };
  // A package to be removed is not configured first, because its own scripts may be what fails.
  const others = unfinishedPackages(host).filter((name) => !remove.includes(name));
  const goes = remove.length > 0 && others.length === 0 && !isDamaged(host);
  if (names.length === 0 && remove.length > 0 && others.length > 0 && !isDamaged(host)) {
    // apt removes packages beside one whose scripts fail, but not beside one that lacks a dependency.
    const { code } = await replace([]);
    const finish = commandToFinish(host);
    if (presentPackages(host, remove).length === 0 && (code === 0 || finish !== null)) {
      const left = unfinishedPackages(host).join(", ");
      const warning = finish && `dpkg did not finish installing ${left} (run: ${shellLine(finish)})`;
      return [...(warning === null ? [] : [warning]), ...new Set(failedHooks)];
    }
  }
  const isInterrupted = (): boolean => !goes && dpkgInterrupted(host);
  // Packages that cannot be configured yet, because a dependency was never unpacked, are left to --fix-broken.
  const configured = isInterrupted()
    ? await run("dpkg", "--configure", "-a", "--force-confdef", "--force-confold")
    : null;
  // A held package that is configured by now cannot change further, so it is not requested.
  const isAsked = (name: string): boolean =>
    installedPackage(host, name) === null || heldPackages(host, [name]).length === 0;
  const requested = configured === null ? names : names.filter(isAsked);
  const isHalf = configured !== null && (configured.code !== 0 || halfUnpacked(host).length > 0);
  const warnings = names.length === 0 && !isHalf ? [] : await update(host, run, stop, watch);
  const fix = [...apt, keepAll, "--fix-broken", "--no-install-recommends", "install"];
  // If dpkg stopped between packages that depend on each other, apt finds the missing ones only when nothing else is
  // requested. A script that has just failed is not run again for that.
  const isScript = configured !== null && stopsAtScripts(configured) && halfUnpacked(host).length === 0;
  let install = isScript ? configured : isInterrupted() ? await run(...fix) : null;
  // apt skips some half-unpacked packages, or would remove them, unless they are named.
  const half = install === null ? [] : halfUnpacked(host);
  const again = half.length === 0 ? null : await run(...fix, "--reinstall", ...half);
  // A half-unpacked package that no source offers any more does not affect the requested packages.
  if (again !== null && (again.code === 0 || install?.code !== 0)) install = again;
  // If a package's own scripts fail, only a newer version helps, and apt upgrades only the packages that are named.
  const failing = install === null || install.code === 0 ? [] : unfinishedPackages(host);
  const isWhole = failing.length > 0 && remove.length === 0;
  if (failing.length > 0) {
    const named = await run(...fix, ...new Set([...(isWhole ? requested : []), ...failing]));
    // If apt refused at once because it knows no version of them, dpkg's own error is the relevant one.
    if (!/^E: (Unable to locate package|Package '.*' has no installation candidate)/m.test(named.stderr))
      install = named;
  }
  if (install === null || (install.code === 0 && !isWhole && names.length + remove.length > 0)) {
    install = remove.length === 0 ? await run(...fix, ...requested) : await replace(requested);
  }
  if (install.code === 0) {
    // If update-ca-certificates was interrupted while it created its hash links, it recreates them only with --fresh.
    if (configured && host.stat(certificatesTool) !== null) await run(certificatesTool, "--fresh");
    return [...warnings, ...new Set(failedHooks)];
  }
  throw installFailure(host, install, configured, { names, instead: remove, warnings });
}

/** Fetches the package lists. Returns the sources that failed, with the reasons. */
export function updateLists(host: Host, stop: Stop, watch?: WaitWatch): Promise<string[]> {
  return update(host, runner(host, stop), stop, watch);
}

/**
 * Returns the version that apt would now install in place of an older one, by package name. Throws a Problem if apt
 * refuses: the packages are held, or no source has them.
 */
export async function newerVersions(reader: HostReader, names: readonly string[]): Promise<Map<string, string>> {
  const argv = ["apt-get", "-q", "-y", "--simulate", "--only-upgrade", "install", ...names];
  // apt reads all of its lists, which takes a small busy host longer than the default limit of a probe.
  const { code, stdout, stderr } = await reader.probe(argv, { limitMs: simulateLimitMs });
  if (code !== 0) {
    const held = heldPackages(reader, names);
    const message = `apt-get would not bring ${names.join(", ")} up to date${held.length > 0 ? `: ${heldProblem(held)}` : ""}`;
    const hint = held.length > 0 ? commandToUnhold(held) : ["apt-cache", "policy", ...names];
    throw new Problem("package-failed", message, { returncode: code, stderr, hint });
  }
  const found = [...stdout.matchAll(/^Inst (\S+) \[\S+\] \((\S+) /gm)];
  return new Map(found.map(([, name = "", version = ""]) => [name, version]));
}

function runner(host: Host, stop: Stop): Run {
  return async (...argv) => {
    throwIfInterrupted(stop);
    const isApt = argv[0] === "apt-get";
    const what = argv.includes("update") ? "update" : "install";
    const minutes = isApt ? limitMinutes[what] : dpkgMinutes;
    // On a signal, apt-get lets its dpkg finish, and aborts a download.
    const aptGet = isApt && { endsInOrder: true as const, onStatus: () => {} };
    const answer = await host.run(argv, { env, limitMs: minutes * 60_000, ...aptGet });
    throwIfInterrupted(stop);
    if (answer.code !== 124) return answer;
    if (isApt) throw timeoutProblem(answer, `apt-get ${what}`, minutes, ["sudo", "apt-get", "update"]);
    const line = argv.filter((word) => !word.startsWith("--force-"));
    throw timeoutProblem(answer, line.join(" "), minutes, ["sudo", ...line]);
  };
}

/**
 * Returns the arguments that install and remove these packages. Throws a Problem if a simulation shows that apt would
 * remove others as well.
 */
async function removalWords(names: readonly string[], instead: readonly string[], run: Run): Promise<string[]> {
  const words = [...names, ...instead.map((name) => `${name}-`)];
  const { stdout } = await run("apt-get", ...options, "--simulate", "--no-install-recommends", "install", ...words);
  const removed = [...stdout.matchAll(/^(?:Remv|Purg) (\S+)/gm)].map(([, name = ""]) => name.replace(/:.*$/, ""));
  const others = removed.filter((name) => !instead.includes(name));
  if (others.length === 0) return words;
  const message = `with ${instead.join(", ")} apt would take away ${others.join(", ")} too: nothing was removed`;
  throw new Problem("package-failed", message, { hint: ["sudo", "apt-get", "remove", "--simulate", ...instead] });
}

function timeoutProblem({ code, stdout, stderr }: Output, what: string, minutes: number, hint: string[]): Problem {
  const last = linesOf(stdout).at(-1);
  const failures = last ? `; the last it said is ${last}` : "";
  const message = `${what} was given up after ${minutes} min${failures}`;
  return new Problem("timeout", message, { returncode: code, stderr, hint });
}

/**
 * Returns whether dpkg is in a state that blocks a removal: it cannot remove a half-unpacked package, and apt-get
 * refuses to run while a journal exists.
 */
function isDamaged(reader: HostReader): boolean {
  return hasJournal(reader) || halfUnpacked(reader).length > 0;
}

/** Returns whether dpkg did not finish because of failing scripts alone, and not because a dependency is missing. */
function stopsAtScripts({ code, stderr }: Output): boolean {
  const isMissing = /^ {2}(?:Package .* is (?:not installed|to be removed)|Version of .* on system is)/m.test(stderr);
  return code !== 0 && /^Errors were encountered while processing:$/m.test(stderr) && !isMissing;
}

type Run = (...argv: string[]) => Promise<Output>;

/**
 * Fetches the lists and returns the failures. apt-get exits with 0 if a source is unreachable and with 100 if one is
 * invalid, so its output decides.
 */
async function update(host: Host, run: Run, stop: Stop, watch?: WaitWatch): Promise<string[]> {
  let failures: string[] = [];
  const clockEnd = host.now() + clockSeconds * 1000;
  const fetched: Requirement = {
    name: "apt:lists",
    title: "apt-get can fetch its lists",
    waitMs: lockSeconds * 1000,
    async check() {
      failures = failedSources(await run("apt-get", ...options, "update"));
      const held = failures.find((line) => /^Could not get lock \S+\/lists\/lock/.test(line));
      // The list is dated in the future: a host without a battery-backed clock sets its clock after a time server has
      // answered.
      const early = host.now() < clockEnd ? failures.find((line) => line.includes("is not valid yet")) : undefined;
      const reason = held ?? early;
      // The code distinguishes this from the timeout of apt-get itself.
      return reason === undefined ? null : { reason, code: "precondition-failed" };
    },
  };
  try {
    await waitFor(host, fetched, watch, stop);
  } catch (error) {
    // The installation reports whether the remaining sources are sufficient.
    if (!(error instanceof Problem) || error.code !== "precondition-failed") throw error;
  }
  return failures;
}
