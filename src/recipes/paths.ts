// Lists the paths of edox-ops on every host. They are a contract with hosts that are set up already.

export const stateDir = "/etc/edox-ops";
/** Copies of foreign files that a run replaced. No include of nginx matches this directory. */
export const replacedDir = `${stateDir}/replaced`;
/** A certificate without an owner, for an nginx that cannot refuse a connection without one. */
export const certificatePath = `${stateDir}/unknown-names.pem`;
export const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
/** Read by the http block, like the limits. */
export const clientsPath = "/etc/nginx/conf.d/edox-ops-clients.conf";
/** Included by each site, but not by the http block: foreign sites keep nginx's own types. */
export const typesPath = "/etc/nginx/edox-ops-types.conf";
export const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";
/** Exists only if nginx.conf itself does not include the enabled sites. */
export const sitesIncludePath = "/etc/nginx/conf.d/edox-ops-sites.conf";
export const projectsPath = `${stateDir}/projects.json`;
export const docsRoot = "/var/www/docs";
export const backupsDir = `${docsRoot}/.edox-ops-backups`;
/** Files of earlier releases that open pages of those releases may still request. */
export const assetsDir = `${docsRoot}/.edox-ops-assets`;
export const sitesAvailableDir = "/etc/nginx/sites-available";
export const sitesEnabledDir = "/etc/nginx/sites-enabled";
/** Where certbot proves control of a domain. No deploy touches it. */
export const acmeDir = "/var/lib/edox-ops/acme";
export const logDir = "/var/log/edox-ops";
export const bootstrapLogPath = `${logDir}/bootstrap.log`;
export const runnerInstallLogPath = `${logDir}/gitlab-runner-install.log`;
export const ciHostLogPath = `${logDir}/gitlab-runner-ci-host.log`;
export const runnerLogPath = `${logDir}/gitlab-runner.log`;
/** Records which runners edox-ops manages. It contains no token. */
export const runnerStatePath = `${stateDir}/runner.json`;
/** The configuration that gitlab-runner itself reads when root runs it. */
export const runnerConfigPath = "/etc/gitlab-runner/config.toml";
export const projectLogPath = `${logDir}/project.log`;
/**
 * Only root can open this directory: any user who can open a lock file can hold its lock. A reboot removes it, and also
 * ends each holder.
 */
export const lockDir = "/run/edox-ops";
export const lockPath = `${lockDir}/host.lock`;
/** Held by a self-test of a runner. Two concurrent ones would remove each other's containers. */
export const selftestLockPath = `${lockDir}/selftest.lock`;
/**
 * Held by each command that starts or stops gitlab-runner. Only this lock is held while running jobs are drained, since
 * a job may need the host lock. The lock order is: project, runner, host.
 */
export const runnerLockPath = `${lockDir}/runner.lock`;
/** The installer takes this lock too. */
export const programLockPath = `${lockDir}/program.lock`;
