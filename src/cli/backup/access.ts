// What a command works with on a host whose repository is set up.

import { backupLockPath } from "../../backup/paths.ts";
import { type Access, accessOf, type Settings, theSettings } from "../../backup/settings.ts";
import { UnknownStateError } from "../../host/host.ts";
import type { Session } from "../../run/session.ts";

/** Milliseconds for which a backup waits for a deploy of a project. */
export const deployWaitMs = 10 * 60_000;

/** Returns the settings and the access of this host. Throws an UnknownStateError for a user who may not read them. */
export function recordedAccess(reader: Parameters<typeof accessOf>[0]): { settings: Settings; access: Access } {
  if (reader.uid !== 0) throw new UnknownStateError("only root may open the backup repository");
  const settings = theSettings(reader);
  return { settings, access: accessOf(reader, settings) };
}

/** Takes the lock of backups: two runs would use the same links. */
export async function lockBackups(session: Session): Promise<void> {
  session.demandRoot();
  session.catchSignals();
  await session.lock("backup", backupLockPath);
}
