// Supports etckeeper configured to abort apt while /etc has uncommitted changes: the admin of such a host commits by
// hand.

import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Requirement } from "../problem/requirement.ts";

/**
 * Met when etckeeper does not block apt. Without AVOID_COMMIT_BEFORE_INSTALL, etckeeper commits pending changes by itself.
 */
export const etcCommitted: Requirement = {
  name: "etckeeper:clean",
  title: "etckeeper does not block apt",
  async check(reader) {
    if (!abortsApt(reader) || (await reader.probe(["etckeeper", "unclean"])).code !== 0) return null;
    const reason = "/etc has uncommitted changes, and etckeeper aborts apt then (AVOID_COMMIT_BEFORE_INSTALL=1)";
    return { reason, hint: ["sudo", "etckeeper", "commit", "before edox-ops"] };
  },
};

/**
 * Returns a resource that commits the step's own changes before its packages, or those of the next step, are installed.
 * {@link etcCommitted} has verified that no foreign changes are among them.
 */
export function etckeeperClean(name: string): Resource {
  return {
    name: `etckeeper:${name}`,
    title: "changes in /etc are committed to etckeeper before apt runs",
    isInstalled: abortsApt,
    check(reader, ahead) {
      if (!abortsApt(reader) || ahead.every(({ kind }) => kind === "packages")) return [];
      const argv = ["etckeeper", "commit", "edox-ops: changed before packages are installed"];
      const mayFail = "etckeeper commit failed: where /etc has uncommitted changes, apt is aborted";
      return [{ kind: "command", argv, reason: "/etc has uncommitted changes", mayFail }];
    },
  };
}

function abortsApt(reader: HostReader): boolean {
  const settings = textOf(reader, "/etc/etckeeper/etckeeper.conf") ?? "";
  return reader.stat("/usr/bin/etckeeper") !== null && /^[ \t]*AVOID_COMMIT_BEFORE_INSTALL=["']?1\b/m.test(settings);
}
