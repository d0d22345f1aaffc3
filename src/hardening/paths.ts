import { logDir, stateDir } from "../engine/paths.ts";
import { kernelRules6Path, kernelRulesPath } from "./firewall/paths.ts";
import { dropInPath as sshDropInPath } from "./ssh/paths.ts";

export { kernelRules6Path, kernelRulesPath, sshDropInPath };

/** The record of the hardening, whose format the contract fixes. */
export const hostRecordPath = `${stateDir}/host.json`;
export const hardeningLogPath = `${logDir}/host.log`;
/** The rules of nftables for the ports that Docker publishes. */
export const dockerRulesPath = `${stateDir}/docker-firewall.nft`;
export const dockerUnitPath = "/etc/systemd/system/edox-ops-docker-firewall.service";
export const logrotatePath = "/etc/logrotate.d/edox-ops";
/** The settings of automatic updates, which the package unattended-upgrades writes too. */
export const periodicPath = "/etc/apt/apt.conf.d/20auto-upgrades";
export const rebootPath = "/etc/apt/apt.conf.d/52edox-ops-reboot";
export const jailPath = "/etc/fail2ban/jail.d/edox-ops-sshd.local";
export const nginxDropInPath = "/etc/systemd/system/nginx.service.d/edox-ops.conf";

/** The sudo rule of an admin, for a user NAME. */
export const adminSudoersPath = "/etc/sudoers.d/edox-ops-admin-NAME";

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [hostRecordPath, "settings of the host commands"],
  [hardeningLogPath, "log of the host commands"],
  [logrotatePath, "rotation of the logs"],
  [sshDropInPath, "settings of sshd"],
  [adminSudoersPath, "sudo rule of an admin"],
  [dockerRulesPath, "filter for the ports that Docker publishes"],
  [dockerUnitPath, "unit that loads that filter"],
  [kernelRulesPath, "rules of ufw in the kernel before the last change, until a boot"],
  [kernelRules6Path, "the same rules for IPv6"],
  [periodicPath, "turns automatic updates on; shared with the package unattended-upgrades"],
  [rebootPath, "time of the reboot after updates that require one"],
  [jailPath, "jail of fail2ban for SSH"],
  [nginxDropInPath, "restrictions of the service nginx"],
];
