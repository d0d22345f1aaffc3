// One apt transaction, on a host where nobody answers questions.

import type { Host, HostReader, Output } from "../host/host.ts";
import { areHeld, installFailure, unhold } from "./apt-failure.ts";
import { failedHook } from "./apt-hook.ts";
import { failedSources } from "./apt-said.ts";
import type { Change } from "./change.ts";
import type { Watch } from "./converge.ts";
import {
  dpkgInterrupted,
  halfUnpacked,
  hasJournal,
  heldPackages,
  installedPackage,
  unfinishedPackages,
} from "./dpkg.ts";
import { linesOf } from "./lines.ts";
import { Problem, type Requirement } from "./step.ts";
import { heed, met, type Stop } from "./wait.ts";

/** apt's own limit for its dpkg locks, in seconds; the lists lock has none, so that it is tried again here. */
const lockSeconds = 600;
/**
 * The longest that an apt-get may take. It gives up by itself where nothing comes for 30 s; not where a byte comes now
 * and then, and apt 2.6 not always where a list that it resumed has grown over its limit: it then waits for nothing.
 */
const limitMinutes = { update: 20, install: 60 };
/** Of a dpkg without an apt, and what follows it: at the end of it it is ended with the scripts that it runs. */
const dpkgMinutes = 60;
const simulateLimitMs = 120_000;
const certificatesTool = "/usr/sbin/update-ca-certificates";
/** How long a clock is waited for that is behind the lists. */
const clockSeconds = 120;

/**
 * Nobody is asked: not by debconf, not by needrestart (22.04 asks whatever debconf is told), not by listchanges and not by
 * listbugs, which aborts apt where it cannot ask.
 */
const env = {
  DEBIAN_FRONTEND: "noninteractive",
  NEEDRESTART_MODE: "l",
  NEEDRESTART_SUSPEND: "1",
  APT_LISTCHANGES_FRONTEND: "none",
  APT_LISTBUGS_FRONTEND: "none",
  // apt cannot check a signature where /tmp is full, nor run a package's questions where it is noexec.
  TMPDIR: "/var/tmp",
  // The package of GitLab's runner otherwise throws away images and containers that nobody uses at the moment.
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

/** Nothing of anybody's is taken away to make room for ours. */
const keepAll = "--no-remove";

/**
 * Installs these packages in one transaction, after an interrupted dpkg has been brought to its end. Packages that are
 * there are left as they are; configuration files that somebody edited are kept. Returns warnings: the sources whose
 * lists could not be fetched, when all that is wanted came from the others, and a hook of apt that failed after dpkg had
 * ended. Throws a Problem that names them otherwise.
 */
export async function installPackages(
  { names, instead = [], purges }: Extract<Change, { kind: "packages" }>,
  host: Host,
  stop: Stop,
  watch?: Watch,
): Promise<string[]> {
  const ended: string[] = [];
  const started = runner(host, stop);
  const run: Run = async (...argv) => {
    const answer = await started(...argv);
    const hook = answer.code === 0 ? null : failedHook(host, answer);
    if (!hook?.isAfter) return answer;
    ended.push(hook.title);
    return { ...answer, code: 0 };
  };
  // A package that is removed is not configured first: its own scripts may be what fails.
  const unfinished = unfinishedPackages(host);
  const goes = instead.length > 0 && unfinished.every((name) => instead.includes(name)) && !isDamaged(host);
  const interrupted = (): boolean => !goes && dpkgInterrupted(host);
  // What cannot be configured yet, because what it depends on was never unpacked, is left to --fix-broken.
  const configured = interrupted()
    ? await run("dpkg", "--configure", "-a", "--force-confdef", "--force-confold")
    : null;
  // One that somebody holds, and that is configured by now, is all that it may be.
  const isAsked = (name: string): boolean =>
    installedPackage(host, name) === null || heldPackages(host, [name]).length === 0;
  const asked = configured === null ? names : names.filter(isAsked);
  const isHalf = configured !== null && (configured.code !== 0 || halfUnpacked(host).length > 0);
  const warnings = names.length === 0 && !isHalf ? [] : await update(host, run, stop, watch);
  const apt = ["apt-get", ...options];
  const fix = [...apt, keepAll, "--fix-broken", "--no-install-recommends", "install"];
  // Where dpkg stopped between packages that need each other, apt finds what they lack only when nothing else is asked.
  let install = interrupted() ? await run(...fix) : null;
  // Some of what has to be unpacked again it leaves, or would take away, unless it is named.
  const half = install === null ? [] : halfUnpacked(host);
  const again = half.length === 0 ? null : await run(...fix, "--reinstall", ...half);
  // One that no source has any more is nothing that ours would need.
  if (again !== null && (again.code === 0 || install?.code !== 0)) install = again;
  // Where a package's own scripts fail, only a newer version of it helps, and apt takes one only of what is named.
  const failing = install === null || install.code === 0 ? [] : unfinishedPackages(host);
  const isWhole = failing.length > 0 && instead.length === 0;
  if (failing.length > 0) {
    const named = await run(...fix, ...new Set([...(isWhole ? asked : []), ...failing]));
    // Where apt did not even begin, because it knows no version of them, dpkg's own reason counts.
    if (!/^E: (Unable to locate package|Package '.*' has no installation candidate)/m.test(named.stderr))
      install = named;
  }
  if (install === null || (install.code === 0 && !isWhole && names.length + instead.length > 0)) {
    if (instead.length === 0) install = await run(...fix, ...asked);
    else {
      const words = await inPlace(asked, instead, run);
      install = await run(...apt, ...(purges ? ["--purge"] : []), "--no-install-recommends", "install", ...words);
    }
  }
  if (install.code === 0) {
    // Stopped while it made its links by hash, it makes them again only when it is told to.
    if (configured && host.stat(certificatesTool) !== null) await run(certificatesTool, "--fresh");
    return [...warnings, ...new Set(ended)];
  }
  throw installFailure(install, configured, { names, instead, warnings }, host);
}

/** Fetches the lists of packages, and answers which sources failed, and why. */
export function updateLists(host: Host, stop: Stop, watch?: Watch): Promise<string[]> {
  return update(host, runner(host, stop), stop, watch);
}

/**
 * What apt would install now of these packages in place of an older version: the version, by name. Throws a Problem where
 * it would not: they are held, or no source has them.
 */
export async function newerVersions(names: readonly string[], see: HostReader): Promise<Map<string, string>> {
  const argv = ["apt-get", "-q", "-y", "--simulate", "--only-upgrade", "install", ...names];
  // apt reads all of its lists, which takes a busy small host longer than a probe usually may.
  const { code, stdout, stderr } = await see.probe(argv, { limitMs: simulateLimitMs });
  if (code !== 0) {
    const held = heldPackages(see, names);
    const message = `apt-get would not bring ${names.join(", ")} up to date${held.length > 0 ? `: ${areHeld(held)}` : ""}`;
    const hint = held.length > 0 ? unhold(held) : ["apt-cache", "policy", ...names];
    throw new Problem("command-failed", message, { returncode: code, stderr, hint });
  }
  const found = [...stdout.matchAll(/^Inst (\S+) \[\S+\] \((\S+) /gm)];
  return new Map(found.map(([, name = "", version = ""]) => [name, version]));
}

function runner(host: Host, stop: Stop): Run {
  return async (...argv) => {
    heed(stop);
    const isApt = argv[0] === "apt-get";
    const what = argv.includes("update") ? "update" : "install";
    const minutes = isApt ? limitMinutes[what] : dpkgMinutes;
    // apt-get lets the dpkg that it started come to its end; a download it drops.
    const aptGet = isApt && { endsInOrder: true as const, onStatus: () => {} };
    const answer = await host.run(argv, { env, limitMs: minutes * 60_000, ...aptGet });
    heed(stop);
    if (answer.code !== 124) return answer;
    if (isApt) throw tooLong(answer, `apt-get ${what}`, minutes, ["sudo", "apt-get", "update"]);
    const line = argv.filter((word) => !word.startsWith("--force-"));
    throw tooLong(answer, line.join(" "), minutes, ["sudo", ...line]);
  };
}

/** What apt is told to install, and to take away: not until it has said that nothing else would go with it. */
async function inPlace(names: readonly string[], instead: readonly string[], run: Run): Promise<string[]> {
  const words = [...names, ...instead.map((name) => `${name}-`)];
  const { stdout } = await run("apt-get", ...options, "--simulate", "--no-install-recommends", "install", ...words);
  const gone = [...stdout.matchAll(/^(?:Remv|Purg) (\S+)/gm)].map(([, name = ""]) => name.replace(/:.*$/, ""));
  const others = gone.filter((name) => !instead.includes(name));
  if (others.length === 0) return words;
  const message = `with ${instead.join(", ")} apt would take away ${others.join(", ")} too: nothing was removed`;
  throw new Problem("blocked", message, { hint: ["sudo", "apt-get", "remove", "--simulate", ...instead] });
}

function tooLong({ code, stdout, stderr }: Output, what: string, minutes: number, hint: string[]): Problem {
  const last = linesOf(stdout).at(-1);
  const said = last ? `; the last it said is ${last}` : "";
  const message = `${what} was given up after ${minutes} min${said}`;
  return new Problem("command-failed", message, { returncode: code, stderr, hint });
}

/** dpkg neither removes a package whose files are there in part, nor does apt-get anything behind a journal. */
function isDamaged(see: HostReader): boolean {
  return hasJournal(see) || halfUnpacked(see).length > 0;
}

type Run = (...argv: string[]) => Promise<Output>;

/** apt-get answers 0 when a source cannot be reached, 100 when one is wrong: what it says counts, not its answer. */
async function update(host: Host, run: Run, stop: Stop, watch?: Watch): Promise<string[]> {
  let said: string[] = [];
  const clockEnd = host.now() + clockSeconds * 1000;
  const fetched: Requirement = {
    name: "apt:lists",
    title: "apt-get can fetch its lists",
    waitMs: lockSeconds * 1000,
    async check() {
      said = failedSources(await run("apt-get", ...options, "update"));
      const held = said.find((line) => /^Could not get lock \S+\/lists\/lock/.test(line));
      // A list from the future: the clock of a host without a battery is set when a time server has answered.
      const early = host.now() < clockEnd ? said.find((line) => line.includes("is not valid yet")) : undefined;
      const reason = held ?? early;
      return reason === undefined ? null : { reason };
    },
  };
  try {
    await met(fetched, host, watch, stop);
  } catch (error) {
    // Whether the rest is enough, the installation tells.
    if (!(error instanceof Problem) || error.code !== "requirement") throw error;
  }
  return said;
}
