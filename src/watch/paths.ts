import { lockDir, logDir, stateDir } from "../engine/paths.ts";

export const watchSettingsPath = `${stateDir}/watch.json`;
/** URLs and tokens of receivers, one a file. Only root can open it. */
export const watchSecretsDir = `${stateDir}/watch`;
export const watchStateDir = "/var/lib/edox-ops/watch";
/** What failed at the last look, and the messages that were not delivered yet. */
export const watchStatePath = `${watchStateDir}/state.json`;
/** Takes the place of the state while the disk is full or read-only. */
export const watchSpareStatePath = `${lockDir}/watch-state.json`;
/** One line of JSON an hour, for `watch report`. */
export const watchHistoryPath = `${watchStateDir}/history.jsonl`;
export const watchLockPath = `${lockDir}/watch.lock`;
export const watchLogPath = `${logDir}/watch.log`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [watchSettingsPath, "settings of alerts"],
  [watchSecretsDir, "URLs and tokens of the receivers of alerts"],
  [watchStateDir, "state of alerts"],
  [watchStatePath, "failing checks, and alerts that were not delivered yet"],
  [watchSpareStatePath, "the same, while the disk is full or read-only"],
  [watchHistoryPath, "history of a month, for watch report"],
  [watchLockPath, "lock of a run that sends alerts"],
  [watchLogPath, "log of watch enable and watch disable"],
];
