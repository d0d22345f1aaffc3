// Distinguishes a host that was never set up from one that was set up and is broken.

import { backupsDir, stateDir } from "../engine/paths.ts";
import type { Recipe } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";

/** What a bootstrap creates, and no package removes. An admin may have a docs root of their own. */
const traces = [stateDir, backupsDir];
const nginxDirs = ["conf.d", "sites-available", "sites-enabled"].map((name) => `/etc/nginx/${name}`);
/** The end of a log contains its last runs. */
const enoughLog = 256 * 1024;

/**
 * Returns whether one of these recipes was ever applied to this host. One trace suffices: a broken host must not be
 * taken for a new one. A bootstrap that failed before it created anything leaves only a log of the failure.
 */
export function wasSetUp(reader: HostReader, recipes: readonly Recipe[]): boolean {
  if (traces.some((path) => reader.stat(path) !== null)) return true;
  if (nginxDirs.some((dir) => (reader.list(dir) ?? []).some((name) => name.startsWith("edox-ops-")))) return true;
  return recipes.some(({ logPath, steps }) => {
    const log = new TextDecoder().decode(reader.tail(logPath, enoughLog) ?? undefined);
    return steps.some(({ id, mark }) => mark && log.includes(`STEP ${id} SUCCESS`));
  });
}
