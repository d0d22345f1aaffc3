import { docsRoot, lockDir, logDir, stateDir } from "../engine/paths.ts";

export const settingsPath = `${stateDir}/backup.json`;
/** The password of the repository, for root alone. */
export const passwordPath = `${stateDir}/backup-password`;
/** Credentials of the storage, as NAME=VALUE lines, for root alone. */
export const environmentPath = `${stateDir}/backup-environment`;
export const backupDir = "/var/lib/edox-ops/backup";
/** The results of the last runs, for doctor. */
export const statePath = `${backupDir}/state.json`;
/** What a snapshot says about its host. */
export const manifestPath = `${backupDir}/host.json`;
/** A restore writes here first. */
export const restoredDir = `${backupDir}/restored`;
/** The parts that a restore puts to their places and sets up, separated by commas; it exists until they are complete. */
export const incompletePath = `${backupDir}/incomplete`;
/** The repository from which restore-host sets up this host; it exists until that is complete. */
export const movingPath = `${backupDir}/moving`;
/**
 * Hard links to the trees of the sites, which restic reads while deploys go on. It is on the file system of the sites,
 * and has the same path in each run, because restic finds unchanged files by their paths.
 */
export const copyDir = `${docsRoot}/.edox-ops-backup`;
export const cacheDir = "/var/cache/edox-ops/restic";
export const backupLogPath = `${logDir}/backup.log`;
export const backupLockPath = `${lockDir}/backup.lock`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [settingsPath, "repository and schedule of the backups off this host"],
  [passwordPath, "password of that repository"],
  [environmentPath, "credentials of its storage"],
  [backupDir, "state of the backups"],
  [statePath, "results of the last backup and the last verification"],
  [manifestPath, "what a snapshot says about its host"],
  [restoredDir, "files of a snapshot while a restore runs"],
  [incompletePath, "parts of a restore that is not complete"],
  [movingPath, "repository of a restore-host that is not complete"],
  [copyDir, "hard links to the sites while a backup runs"],
  [cacheDir, "cache of restic"],
  [backupLogPath, "log of the backup commands"],
  [backupLockPath, "lock of a backup or a restore"],
];
