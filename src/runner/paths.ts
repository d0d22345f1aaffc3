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
