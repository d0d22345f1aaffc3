// A host in memory that was backed up just now, and is every day.

import { passwordPath, settingsPath } from "../../src/backup/paths.ts";
import { type State, writeState } from "../../src/backup/state.ts";
import type { FakeHost } from "../fake-host.ts";

/** Records a repository, and what its last runs did. */
export function recordBackup(host: FakeHost, state: Partial<State> = {}): void {
  const settings = { repository: "/repo", host: "alpha", with_releases: false, keep: null };
  host.put(settingsPath, JSON.stringify(settings), { mode: 0o600 });
  host.put(passwordPath, "secret\n", { mode: 0o600 });
  host.put("/etc/systemd/system/edox-ops-backup.timer", "");
  host.dir("/var/lib");
  writeState(host, "/repo", { backedUpMs: host.now(), verifiedMs: host.now(), ...state });
}
