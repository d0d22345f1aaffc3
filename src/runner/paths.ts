import { lockDir, logDir, stateDir } from "../engine/paths.ts";

export const runnerInstallLogPath = `${logDir}/gitlab-runner-install.log`;
export const ciHostLogPath = `${logDir}/gitlab-runner-ci-host.log`;
export const runnerLogPath = `${logDir}/gitlab-runner.log`;
/** Records which runners edox-ops manages. It contains no token. */
export const runnerStatePath = `${stateDir}/runner.json`;
/** The configuration that gitlab-runner itself reads when root runs it. */
export const runnerConfigPath = "/etc/gitlab-runner/config.toml";
/** Held by a self-test of a runner. Two concurrent ones would remove each other's containers. */
export const selftestLockPath = `${lockDir}/selftest.lock`;
/**
 * Held by each command that starts or stops gitlab-runner. Only this lock is held while running jobs are drained, since
 * a job may need the host lock. The lock order is: project, runner, host.
 */
export const runnerLockPath = `${lockDir}/runner.lock`;
/** The home of the account gitlab-runner, in which jobs of the shell executor run. */
export const runnerHome = "/home/gitlab-runner";
export const runnerSourcePath = "/etc/apt/sources.list.d/runner_gitlab-runner.sources";
export const runnerKeyPath = "/etc/apt/keyrings/runner_gitlab-runner-archive-keyring.asc";
export const runnerPinPath = "/etc/apt/preferences.d/edox-ops-gitlab-runner";
export const drainPath = "/etc/systemd/system/gitlab-runner.service.d/edox-ops.conf";
/** The settings of the cleanup. Without this file it is not enabled. */
export const cleanupPath = `${stateDir}/cleanup.json`;
export const cleanupDir = "/var/lib/edox-ops/cleanup";
/** Events of Docker that no run has read yet, one a line. */
export const dockerEventsPath = `${cleanupDir}/events`;
/** When jobs used images and volumes last, and which images their runner pulled. */
export const lastUsePath = `${cleanupDir}/last-use.json`;
/** Held by a cleanup. It is taken after every other lock, except for that of the host. */
export const cleanupLockPath = `${lockDir}/cleanup.lock`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [runnerInstallLogPath, "log of gitlab-runner install"],
  [ciHostLogPath, "log of gitlab-runner prepare-ci-host"],
  [runnerLogPath, "log of the other gitlab-runner commands"],
  [runnerStatePath, "records of the runners, without their tokens"],
  [runnerConfigPath, "configuration of gitlab-runner"],
  [selftestLockPath, "lock of gitlab-runner selftest"],
  [runnerLockPath, "lock of a run that starts or stops gitlab-runner"],
  [runnerHome, "home of the account gitlab-runner"],
  [runnerSourcePath, "apt source of GitLab Runner"],
  [runnerKeyPath, "key of that apt source"],
  [runnerPinPath, "apt pin that excludes other packages of the same name"],
  [cleanupPath, "settings of gitlab-runner cleanup"],
  [cleanupDir, "what gitlab-runner cleanup knows of CI jobs"],
  [lastUsePath, "last use of images and volumes by CI jobs"],
  [dockerEventsPath, "events of Docker until the next cleanup reads them"],
  [cleanupLockPath, "lock of gitlab-runner cleanup"],
  [drainPath, "drop-in that lets jobs finish before gitlab-runner stops"],
];
