// Fetches the package lists, and reads from them which packages have newer versions.

import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { type Stop, type WaitWatch, waitFor } from "../problem/wait.ts";
import { cutSources, removeLists, withReadableLists } from "./damaged-lists.ts";
import { heldPackages } from "./dpkg.ts";
import { commandToUnhold, heldProblem } from "./failure.ts";
import { failedSources } from "./output.ts";
import { aptOptions, lockSeconds, programRunner, type Run } from "./run.ts";

const simulateLimitMs = 120_000;
/** How long to wait for a clock that is behind the lists, in seconds. */
const clockSeconds = 120;

/** Fetches the package lists. Returns the sources that failed, with the reasons. */
export function updateLists(host: Host, stop: Stop, watch?: WaitWatch): Promise<string[]> {
  return fetchLists(host, withReadableLists(host, programRunner(host, stop)), stop, watch);
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
    const message = `apt-get could not update ${names.join(", ")} up to date${held.length > 0 ? `: ${heldProblem(held)}` : ""}`;
    const hint = held.length > 0 ? commandToUnhold(held) : ["apt-cache", "policy", ...names];
    throw new Problem("package-failed", message, { returncode: code, stderr, hint });
  }
  const found = [...stdout.matchAll(/^Inst (\S+) \[\S+\] \((\S+) /gm)];
  return new Map(found.map(([, name = "", version = ""]) => [name, version]));
}

/**
 * Fetches the lists and returns the failures. apt-get exits with 0 if a source is unreachable and with 100 if one is
 * invalid, so its output decides.
 */
export async function fetchLists(host: Host, run: Run, stop: Stop, watch?: WaitWatch): Promise<string[]> {
  let failures: string[] = [];
  const clockEnd = host.now() + clockSeconds * 1000;
  const fetched: Requirement = {
    name: "apt:lists",
    title: "apt-get can fetch its lists",
    waitMs: lockSeconds * 1000,
    async check() {
      const update = () => run("apt-get", ...aptOptions, "update");
      failures = failedSources(await update());
      // A server that does not answer could not replace them.
      const cut = failures.length === 0 ? cutSources(host) : [];
      if (cut.length > 0) {
        removeLists(host, cut);
        failures = failedSources(await update());
      }
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
