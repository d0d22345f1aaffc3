// Lists the paths of edox-ops that every feature shares. They are a contract with hosts that are set up already.

export const stateDir = "/etc/edox-ops";
/** Copies of foreign files that a run replaced. No include of nginx matches this directory. */
export const replacedDir = `${stateDir}/replaced`;
/** The journals of steps that are running, or that were interrupted. */
export const journalDir = "/var/lib/edox-ops/journal";
/** Runs `recover` while a step is armed: at its deadline, and after a boot. */
export const recoverServicePath = "/etc/systemd/system/edox-ops-recover.service";
/** The deadline of an armed step. A boot takes its place, so that the file need not outlive one. */
export const recoverTimerPath = "/run/systemd/system/edox-ops-recover.timer";
export const docsRoot = "/var/www/docs";
export const logDir = "/var/log/edox-ops";
/**
 * Only root can open this directory: any user who can open a lock file can hold its lock. A reboot removes it, and also
 * ends each holder.
 */
export const lockDir = "/run/edox-ops";
export const lockPath = `${lockDir}/host.lock`;
/** The change that waits for a confirmation. After a boot it can no longer be confirmed. */
export const unconfirmedPath = `${lockDir}/unconfirmed.json`;
export const projectsPath = `${stateDir}/projects.json`;
export const backupsDir = `${docsRoot}/.edox-ops-backups`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [stateDir, "state of this host"],
  [replacedDir, "copies of foreign files that a run replaced"],
  [projectsPath, "records of the projects"],
  [journalDir, "journals of running and interrupted steps"],
  [recoverServicePath, "rolls back an armed step after its deadline or a boot"],
  [recoverTimerPath, "deadline of an armed step"],
  [docsRoot, "live trees of the sites"],
  [backupsDir, "backups of earlier releases"],
  [logDir, "logs"],
  [lockDir, "locks, which only root can open"],
  [lockPath, "lock of a run that changes this host"],
  [unconfirmedPath, "a change that waits for host confirm"],
];
