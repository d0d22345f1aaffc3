import { lockDir, logDir, stateDir } from "../engine/paths.ts";

/** The home of the deploy user, which belongs to root. */
export const deployHome = "/var/lib/edox-ops/deploy";
export const authorizedKeysPath = `${deployHome}/.ssh/authorized_keys`;
/** sudo ignores names with a dot. */
export const sudoersPath = "/etc/sudoers.d/edox-ops-deploy";
export const deployKeysPath = `${stateDir}/deploy-keys.json`;
export const deployKeysLogPath = `${logDir}/deploy-keys.log`;
export const deployTimesPath = `${lockDir}/deploy-times.json`;
export const deployTimesLockPath = `${lockDir}/deploy-times.lock`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [deployKeysPath, "deploy keys of the projects"],
  [deployHome, "home of the deploy user"],
  [authorizedKeysPath, "the deploy keys for sshd"],
  [sudoersPath, "sudo rule of the deploy user"],
  [deployKeysLogPath, "log of the sessions of deploy keys"],
  [deployTimesPath, "deploys of each key in the last hour"],
  [deployTimesLockPath, "lock of that count"],
];
