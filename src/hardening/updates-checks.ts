// Checks whether automatic updates run. They are turned on by files that say nothing about that.

import type { Check, CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { ageText, aheadText, isAhead } from "../text/time.ts";
import { periodicPath } from "./paths.ts";

/** unattended-upgrades writes it at the end of each successful run. */
const stampPath = "/var/lib/apt/periodic/unattended-upgrades-stamp";
/** A run is due every day, with a random delay. A host may be off for a weekend. */
const lateMs = 4 * 24 * 3_600_000;

export const updatesChecks: Check[] = [
  {
    name: "host:security-updates-run",
    follows: ["host:security-updates", "unit:apt-daily-upgrade.timer"],
    affects: "security updates of this host",
    run: lastRun,
  },
];

function lastRun(reader: HostReader): CheckResult {
  const hint = ["sudo", "unattended-upgrade", "--verbose"];
  const stamp = reader.stat(stampPath);
  const since = stamp ?? reader.stat(periodicPath);
  const now = reader.now();
  const age = since === null ? 0 : now - since.changedMs;
  if (stamp !== null && isAhead(stamp.changedMs, now)) {
    return { status: "warning", detail: aheadText("the last automatic update", stamp.changedMs), hint };
  }
  const what =
    stamp === null
      ? "updates were never installed automatically"
      : `updates were last installed automatically ${ageText(stamp.changedMs, now)}`;
  if (age <= lateMs) return { status: "ok", detail: stamp === null ? "the first automatic update is due" : what };
  return { status: "warning", detail: what, hint };
}
