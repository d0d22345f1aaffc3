// Describes in one error why apt-get could not install or remove packages, with the command that helps.

import type { Host, Output } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { linesOf } from "../text/lines.ts";
import { heldPackages } from "./dpkg.ts";
import { commandToFinish } from "./finish.ts";
import { failedHook } from "./hook.ts";
import { failedFiles } from "./output.ts";

const mebibyte = 1024 * 1024;
/** The space that the package lists of a distribution need twice: packed and unpacked. */
const scarceBytes = 128 * mebibyte;

interface InstallRequest {
  names: readonly string[];
  instead: readonly string[];
  /** The sources whose lists could not be fetched. */
  warnings: readonly string[];
}

/**
 * Returns the Problem of a failed transaction. `configured` is the result of the `dpkg --configure` before it, or null
 * if none ran.
 */
export function installFailure(
  host: Host,
  install: Output,
  configured: Output | null,
  request: InstallRequest,
): Problem {
  const { names, instead, warnings } = request;
  const requestedNames =
    names.length > 0
      ? `install ${names.join(", ")}`
      : instead.length > 0
        ? `remove ${instead.join(", ")}`
        : "end the interrupted installation";
  const held = /^E: Held packages were changed/m.test(install.stderr) ? heldPackages(host, [...names, ...instead]) : [];
  const refused = held.length === 0 ? "" : `: ${heldProblem(held)}`;
  const broken = /Errors were encountered while processing:\n((?: \S+\n)+)/.exec(install.stderr)?.[1];
  const packages = broken === undefined ? "" : `: dpkg stops at ${linesOf(broken).join(",").trim()}`;
  const missed = failedFiles(install);
  const files = missed.length === 0 ? "" : `: ${missed.join("; ")}`;
  const hook = failedHook(host, install);
  const stopped = hook === null ? "" : `: ${hook.title}`;
  const sources = warnings.length === 0 ? "" : `; these sources failed: ${warnings.join("; ")}`;
  const message = `apt-get could not ${requestedNames}${refused}${packages}${files}${stopped}${sources}${spaceProblem(host)}`;
  // apt reports why dpkg cannot continue only when it has run dpkg again, so the earlier output is kept.
  const before = configured?.code && broken === undefined ? configured.stderr : "";
  return new Problem("package-failed", message, {
    returncode: install.code,
    stderr: before + install.stderr,
    hint: hint(),
  });

  function hint(): string[] {
    if (held.length > 0) return commandToUnhold(held);
    if (warnings.some((line) => line.includes("is not valid yet"))) return ["timedatectl", "status"];
    if (typeof hook?.path === "string") return ["cat", hook.path];
    if (warnings.length > 0) return ["sudo", "apt-get", "update"];
    return commandToFinish(host) ?? ["sudo", "apt-get", "install", "--fix-broken", ...names];
  }
}

/** Returns the command that lets apt replace and remove these packages again. */
export function commandToUnhold(names: readonly string[]): string[] {
  return ["sudo", "apt-mark", "unhold", ...names];
}

export function heldProblem(names: readonly string[]): string {
  return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} held with apt-mark`;
}

/**
 * Returns a note about low disk space, or "". When a list does not fit on the disk, apt 3 falls back to files that no
 * mirror has, and reports only their absence.
 */
function spaceProblem(host: Host): string {
  const free = host.space("/var/lib/apt")?.bytesFree ?? Number.POSITIVE_INFINITY;
  return free < scarceBytes ? `; only ${Math.floor(free / mebibyte)} MiB are free in /var/lib/apt` : "";
}
