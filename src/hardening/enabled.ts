// Records the units that edox-ops enables, so that `host unharden` disables exactly these.

import { installedPackage } from "../apt/dpkg.ts";
import { stateDir } from "../engine/paths.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { directory } from "../resources/directory.ts";
import { unit } from "../resources/unit.ts";
import { isEnabled } from "../resources/unit-file.ts";
import type { UnitName } from "../resources/unit-name.ts";
import { readHostRecord, recordFile } from "./record.ts";

/**
 * Returns the resources that record these units before they are enabled. `installedBy`: the package that enables them,
 * if it is missing so far.
 */
export function enabledRecorded(units: readonly UnitName[], installedBy?: string): Resource[] {
  return [
    directory(stateDir, 0o750, `state:${stateDir}`),
    recordFile((before, reader) => {
      const comes = installedBy !== undefined && installedPackage(reader, installedBy) === null;
      const added = units.filter((each) => comes || !isEnabled(reader, each));
      if (added.length === 0) return before;
      return { ...before, enabled: [...new Set([...(before.enabled ?? []), ...added])] };
    }),
  ];
}

/** Returns the resources that disable and stop those of the units that edox-ops enabled, and forget them. */
export function disabledAgain(reader: HostReader, units: readonly UnitName[]): Resource[] {
  const recorded = readHostRecord(reader).enabled ?? [];
  const ours = units.filter((each) => recorded.includes(each));
  if (ours.length === 0) return [];
  return [
    ...ours.map((each) => unit({ unit: each, state: "disabled", active: false })),
    recordFile(({ enabled = [], ...others }) => {
      const kept = enabled.filter((each) => !ours.some((our) => our === each));
      return { ...others, enabled: kept.length > 0 ? kept : undefined };
    }),
  ];
}
