// Runs one apt transaction without any interactive question.

import type { Host, HostReader, Output } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Stop, WaitWatch } from "../problem/wait.ts";
import { shellLine } from "../text/lines.ts";
import { moveDamagedMarks } from "./auto-marks.ts";
import { withReadableLists } from "./damaged-lists.ts";
import {
  dpkgInterrupted,
  halfUnpacked,
  hasJournal,
  heldPackages,
  installedPackage,
  presentPackages,
  unfinishedPackages,
} from "./dpkg.ts";
import { installFailure } from "./failure.ts";
import { commandToFinish } from "./finish.ts";
import { failedHook } from "./hook.ts";
import { fetchLists } from "./lists.ts";
import { aptOptions, programRunner, type Run } from "./run.ts";

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

const certificatesTool = "/usr/sbin/update-ca-certificates";
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
  const notes: string[] = [];
  const started = withReadableLists(host, programRunner(host, stop));
  const run: Run = async (...argv) => {
    let answer = await started(...argv);
    const moved = await moveDamagedMarks(answer, started);
    if (moved !== null) {
      notes.push(moved);
      answer = await started(...argv);
    }
    const hook = answer.code === 0 ? null : failedHook(host, answer);
    if (!hook?.isAfter) return answer;
    failedHooks.push(hook.title);
    return { ...answer, code: 0 };
  };
  const apt = ["apt-get", ...aptOptions];
  const replace = async (added: readonly string[]): Promise<Output> => {
    const words = await removalWords(added, remove, run);
    return run(...apt, ...(purge ? ["--purge"] : []), "--no-install-recommends", "install", ...words);
  };
  // A package to be removed is not configured first, because its own scripts may be what fails.
  const others = unfinishedPackages(host).filter((name) => !remove.includes(name));
  const goes = remove.length > 0 && others.length === 0 && !isDamaged(host);
  if (names.length === 0 && remove.length > 0 && others.length > 0 && !isDamaged(host)) {
    // apt removes packages beside one whose scripts fail, but not beside one with a missing dependency.
    const { code } = await replace([]);
    const finish = commandToFinish(host);
    if (presentPackages(host, remove).length === 0 && (code === 0 || finish !== null)) {
      const left = unfinishedPackages(host).join(", ");
      const warning = finish && `dpkg did not finish installing ${left} (run: ${shellLine(finish)})`;
      return [...(warning === null ? [] : [warning]), ...notes, ...new Set(failedHooks)];
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
  const warnings = names.length === 0 && !isHalf ? [] : await fetchLists(host, run, stop, watch);
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
    return [...warnings, ...notes, ...new Set(failedHooks)];
  }
  throw installFailure(host, install, configured, { names, instead: remove, warnings });
}

/**
 * Returns the arguments that install and remove these packages. Throws a Problem if a simulation shows that apt would
 * remove others as well.
 */
async function removalWords(names: readonly string[], instead: readonly string[], run: Run): Promise<string[]> {
  const words = [...names, ...instead.map((name) => `${name}-`)];
  const { stdout } = await run("apt-get", ...aptOptions, "--simulate", "--no-install-recommends", "install", ...words);
  const removed = [...stdout.matchAll(/^(?:Remv|Purg) (\S+)/gm)].map(([, name = ""]) => name.replace(/:.*$/, ""));
  const others = removed.filter((name) => !instead.includes(name));
  if (others.length === 0) return words;
  const message = `with ${instead.join(", ")} apt would also remove ${others.join(", ")}: nothing was removed`;
  throw new Problem("package-failed", message, { hint: ["sudo", "apt-get", "remove", "--simulate", ...instead] });
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
