import { lockDir, logDir } from "../engine/paths.ts";

/** The installer takes this lock too. */
export const programLockPath = `${lockDir}/program.lock`;
export const updateLogPath = `${logDir}/self-update.log`;
export const uninstallLogPath = `${logDir}/uninstall.log`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [programLockPath, "lock of an installation, an update or a removal of this program"],
  [updateLogPath, "log of self-update"],
  [uninstallLogPath, "log of uninstall"],
];
