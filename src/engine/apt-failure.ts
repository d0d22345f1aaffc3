// Why apt-get could not install or remove packages, in one error, and the command that helps.

import type { Host, HostReader, Output } from "../host/host.ts";
import { failedHook } from "./apt-hook.ts";
import { failedFiles } from "./apt-said.ts";
import { hasJournal, heldPackages, unfinishedPackages } from "./dpkg.ts";
import { linesOf } from "./lines.ts";
import { Problem } from "./step.ts";

const mebibyte = 1024 * 1024;
/** What the lists of a distribution take, twice: packed and unpacked. */
const scarceBytes = 128 * mebibyte;

interface Asked {
  names: readonly string[];
  instead: readonly string[];
  /** The sources whose lists could not be fetched. */
  warnings: readonly string[];
}

/** Returns the Problem of a transaction that failed. `configured`: how `dpkg --configure` ended before it, where it ran. */
export function installFailure(install: Output, configured: Output | null, asked: Asked, host: Host): Problem {
  const { names, instead, warnings } = asked;
  const wanted =
    names.length > 0
      ? `install ${names.join(", ")}`
      : instead.length > 0
        ? `remove ${instead.join(", ")}`
        : "end the interrupted installation";
  const held = /^E: Held packages were changed/m.test(install.stderr) ? heldPackages(host, [...names, ...instead]) : [];
  const refused = held.length === 0 ? "" : `: ${areHeld(held)}`;
  const broken = /Errors were encountered while processing:\n((?: \S+\n)+)/.exec(install.stderr)?.[1];
  const packages = broken === undefined ? "" : `: dpkg stops at ${linesOf(broken).join(",").trim()}`;
  const missed = failedFiles(install);
  const files = missed.length === 0 ? "" : `: ${missed.join("; ")}`;
  const hook = failedHook(host, install);
  const stopped = hook === null ? "" : `: ${hook.title}`;
  const sources = warnings.length === 0 ? "" : `; these sources failed: ${warnings.join("; ")}`;
  const message = `apt-get could not ${wanted}${refused}${packages}${files}${stopped}${sources}${scarce(host)}`;
  // Why dpkg cannot go on, apt knows only where it has asked dpkg once more.
  const before = configured?.code && broken === undefined ? configured.stderr : "";
  return new Problem("command-failed", message, {
    returncode: install.code,
    stderr: before + install.stderr,
    hint: hint(),
  });

  function hint(): string[] {
    if (held.length > 0) return unhold(held);
    if (warnings.some((line) => line.includes("is not valid yet"))) return ["timedatectl", "status"];
    if (typeof hook?.path === "string") return ["cat", hook.path];
    if (warnings.length > 0) return ["sudo", "apt-get", "update"];
    return finishing(host) ?? ["sudo", "apt-get", "install", "--fix-broken", ...names];
  }
}

/**
 * Returns the command that finishes what dpkg left, or null where it left nothing. Packages are named: apt then takes a newer
 * version of one whose scripts fail.
 */
export function finishing(see: HostReader): string[] | null {
  if (hasJournal(see)) return ["sudo", "dpkg", "--configure", "-a"];
  const names = unfinishedPackages(see);
  return names.length === 0 ? null : ["sudo", "apt-get", "install", ...names];
}

/** Returns the command that lets apt replace and remove these packages again. */
export function unhold(names: readonly string[]): string[] {
  return ["sudo", "apt-mark", "unhold", ...names];
}

export function areHeld(names: readonly string[]): string {
  return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} held with apt-mark`;
}

/** apt 3 falls back to what no mirror has where a list does not fit on the disk, and tells of that only. */
function scarce(host: Host): string {
  const free = host.space("/var/lib/apt")?.bytesFree ?? Number.POSITIVE_INFINITY;
  return free < scarceBytes ? `; only ${Math.floor(free / mebibyte)} MiB are free in /var/lib/apt` : "";
}
