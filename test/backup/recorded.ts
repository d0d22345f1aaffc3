// A host in memory that was backed up just now, and is every day.

import { passwordPath, settingsPath } from "../../src/backup/paths.ts";
import { type State, writeState } from "../../src/backup/state.ts";
import { typed } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";

/** Records a repository, and what its last runs did. */
export async function recordBackup(host: FakeHost, state: Partial<State> = {}): Promise<void> {
  const settings = { repository: "/repo", host: "alpha", with_releases: false, keep: null };
  host.put(settingsPath, JSON.stringify(settings), { mode: 0o600 });
  host.put(passwordPath, "secret\n", { mode: 0o600 });
  host.dir("/var/lib");
  await enableDaily(host);
  writeState(host, "/repo", { backedUpMs: host.now(), verifiedMs: host.now(), ...state });
}

/** Has the host with a repository back itself up every day. */
export async function enableDaily(host: FakeHost): Promise<void> {
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  const { exit, err } = await typed("backup enable --yes", host);
  if (exit !== 0) throw new Error(err);
}
