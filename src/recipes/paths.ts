// Where edox-ops keeps what, on every host: the contract with hosts that are set up already.

export const stateDir = "/etc/edox-ops";
/** Files that somebody else had written and a run replaced. No include of nginx reaches in here. */
export const replacedDir = `${stateDir}/replaced`;
/** Of nobody, for an nginx that cannot refuse without one. */
export const certificatePath = `${stateDir}/unknown-names.pem`;
export const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
/** Read by the http block, as the limits are. */
export const clientsPath = "/etc/nginx/conf.d/edox-ops-clients.conf";
/** Included by each site, and not read by the http block: sites of others keep the types that nginx gives them. */
export const typesPath = "/etc/nginx/edox-ops-types.conf";
export const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";
/** Only where nginx.conf itself does not read the sites that are enabled. */
export const sitesIncludePath = "/etc/nginx/conf.d/edox-ops-sites.conf";
export const projectsPath = `${stateDir}/projects.json`;
export const docsRoot = "/var/www/docs";
export const backupsDir = `${docsRoot}/.edox-ops-backups`;
/** Files of earlier releases that pages of theirs may still ask for. */
export const assetsDir = `${docsRoot}/.edox-ops-assets`;
export const sitesAvailableDir = "/etc/nginx/sites-available";
export const sitesEnabledDir = "/etc/nginx/sites-enabled";
/** Where certbot proves who has a name: no deploy touches it. */
export const acmeDir = "/var/lib/edox-ops/acme";
export const logDir = "/var/log/edox-ops";
export const bootstrapLogPath = `${logDir}/bootstrap.log`;
export const runnerInstallLogPath = `${logDir}/gitlab-runner-install.log`;
export const ciHostLogPath = `${logDir}/gitlab-runner-ci-host.log`;
export const runnerLogPath = `${logDir}/gitlab-runner.log`;
/** Which runners are ours: no token is in it. */
export const runnerStatePath = `${stateDir}/runner.json`;
/** Where gitlab-runner itself looks for its runners, when root runs it. */
export const runnerConfigPath = "/etc/gitlab-runner/config.toml";
export const projectLogPath = `${logDir}/project.log`;
/** Only root can open it: any user who can open a lock file can hold its lock. A reboot removes it, as it ends each holder. */
export const lockDir = "/run/edox-ops";
export const lockPath = `${lockDir}/host.lock`;
/** Held by a self-test of a runner: two would remove each other's containers. */
export const selftestLockPath = `${lockDir}/selftest.lock`;
/**
 * Held by each command that starts or stops gitlab-runner. Running jobs are waited for under this lock alone, since a job may
 * itself need the host's. The order of the locks is: a project's, the runner's, the host's.
 */
export const runnerLockPath = `${lockDir}/runner.lock`;
/** The installer takes it too. */
export const programLockPath = `${lockDir}/program.lock`;
