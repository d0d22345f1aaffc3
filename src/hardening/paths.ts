import { logDir, stateDir } from "../engine/paths.ts";

/** The record of the hardening, whose format the contract fixes. */
export const hostRecordPath = `${stateDir}/host.json`;
export const hardeningLogPath = `${logDir}/host.log`;
export const logrotatePath = "/etc/logrotate.d/edox-ops";

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [hostRecordPath, "settings of the host commands"],
  [hardeningLogPath, "log of the host commands"],
  [logrotatePath, "rotation of the logs"],
];
