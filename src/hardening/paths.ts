import { logDir, stateDir } from "../engine/paths.ts";
import { dropInPath as sshDropInPath } from "./ssh/paths.ts";

export { sshDropInPath };

/** The record of the hardening, whose format the contract fixes. */
export const hostRecordPath = `${stateDir}/host.json`;
export const hardeningLogPath = `${logDir}/host.log`;
export const logrotatePath = "/etc/logrotate.d/edox-ops";

/** The sudo rule of an admin, for a user NAME. */
export const adminSudoersPath = "/etc/sudoers.d/edox-ops-admin-NAME";

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [hostRecordPath, "settings of the host commands"],
  [hardeningLogPath, "log of the host commands"],
  [logrotatePath, "rotation of the logs"],
  [sshDropInPath, "settings of sshd"],
  [adminSudoersPath, "sudo rule of an admin"],
];
