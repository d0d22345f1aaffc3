// Requirements that may be unmet for a while on a host that has just started.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Requirement } from "../problem/requirement.ts";

/**
 * Met when cloud-init has finished, or does not run. It installs packages on the first boot; its files in /run show
 * whether it is enabled and done. A run that cloud-init itself started (`runcmd`) does not wait for it.
 */
export const firstBootDone: Requirement = {
  name: "host:first-boot",
  title: "cloud-init has completed its first run",
  waitMs: 600_000,
  check: (reader) =>
    reader.stat("/run/cloud-init/enabled") === null ||
    reader.stat("/run/cloud-init/result.json") !== null ||
    isPartOfCloudInit(reader)
      ? null
      : { reason: "cloud-init is still running", hint: ["cloud-init", "status", "--long"] },
};

/**
 * The commands of a user run in the unit of their stage, or in that of all stages since cloud-init 24.3. The usual ones
 * are part of the last stage, after it has installed packages.
 */
function isPartOfCloudInit(reader: HostReader): boolean {
  return /\/cloud-(init|init-\w+|config|final)\.service$/m.test(textOf(reader, "/proc/self/cgroup") ?? "");
}

/**
 * Met when the clock is not before the build date of this program. An earlier clock has not been set since boot, and
 * certificates and lists would count as not yet valid.
 */
export const clockSet: Requirement = {
  name: "host:clock-set",
  title: "the clock is set",
  waitMs: 120_000,
  check(reader) {
    if (reader.now() >= EDOX_OPS_BUILT * 1000) return null;
    const reason = `the clock of this host is at ${new Date(reader.now()).toISOString()}, before this version of edox-ops was built`;
    return { reason, hint: ["sudo", "timedatectl", "set-ntp", "true"] };
  },
};
