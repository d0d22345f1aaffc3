// Facts about each command that the reference lists in addition to its help: the files that it writes.

import * as backup from "../src/backup/paths.ts";
import { bootstrapLogPath } from "../src/bootstrap/paths.ts";
import * as certs from "../src/certs/paths.ts";
import { featureCommands } from "../src/cli/feature-commands.ts";
import * as deployKeys from "../src/deploy-keys/paths.ts";
import { dockerKeyPath, dockerSourcePath } from "../src/docker/paths.ts";
import * as shared from "../src/engine/paths.ts";
import * as firewall from "../src/hardening/firewall/paths.ts";
import * as hardening from "../src/hardening/paths.ts";
import * as nginx from "../src/nginx/paths.ts";
import * as runner from "../src/runner/paths.ts";
import { uninstallLogPath } from "../src/self-update/paths.ts";
import * as sites from "../src/sites/paths.ts";
import * as watch from "../src/watch/paths.ts";
import { filesByFolder } from "./paths.ts";

const paths = { ...deployKeys, ...shared, ...nginx, ...runner, ...sites, ...certs, ...hardening };

export interface CommandFacts {
  /** The files that the command writes, without those of packages. Empty for a read-only command. */
  files: readonly string[];
}

const live = `${paths.docsRoot}/SLUG`;
const backups = `${paths.backupsDir}/SLUG`;
const available = `${paths.sitesAvailableDir}/edox-ops-SLUG`;
const enabled = `${paths.sitesEnabledDir}/edox-ops-SLUG`;
const projectLock = `${paths.lockDir}/project-SLUG.lock`;
const record = [paths.projectsPath, paths.projectLogPath, paths.lockPath];
const versions = `${paths.versionsDir}/SLUG`;
const versionFiles = [...record, versions, available, paths.replacedDir, projectLock];
const keys = [
  ...[paths.deployKeysPath, paths.authorizedKeysPath, paths.sudoersPath],
  ...[paths.projectLogPath, paths.lockPath],
];
const tree = [live, backups, `${paths.assetsDir}/SLUG`, paths.projectLogPath, projectLock];
const previews = [`${paths.previewsDir}/SLUG`, "/etc/systemd/system/edox-ops-previews.*"];
const bootstrap = [
  paths.docsRoot,
  paths.limitsPath,
  paths.clientsPath,
  paths.typesPath,
  paths.tlsPath,
  paths.catchAllPath,
  paths.sitesIncludePath,
  paths.certificatePath,
  `${paths.sitesEnabledDir}/default`,
  paths.replacedDir,
  bootstrapLogPath,
  paths.lockPath,
];
const installed = [paths.runnerKeyPath, paths.runnerSourcePath, paths.runnerPinPath, paths.drainPath, paths.runnerHome];
const cleanup = [
  ...[paths.cleanupPath, paths.cleanupDir, "/etc/systemd/system/edox-ops-cleanup*"],
  ...[paths.runnerLogPath, paths.lockPath],
];
const docker = [dockerKeyPath, dockerSourcePath];
const kept = [paths.replacedDir, paths.lockPath];
const registered = [
  paths.runnerConfigPath,
  `${paths.runnerConfigPath}.before-edox-ops`,
  paths.runnerStatePath,
  paths.runnerLogPath,
  paths.lockPath,
];

const alerts = [watch.watchSettingsPath, `${watch.watchSecretsDir}/*`, "/etc/systemd/system/edox-ops-watch.*"];

/** Returns the facts of a command that converges the recipe of its feature. */
function featureFacts(name: string): CommandFacts {
  const own = [...(filesByFolder.get(name) ?? []).map(([path]) => path), ...kept];
  return {
    files: name === "bootstrap" ? bootstrap : own,
  };
}

/** The facts by command, as typed after the program's name. A test ensures that every command is listed. */
export const commandFacts: Record<string, CommandFacts> = {
  ...Object.fromEntries(Object.keys(featureCommands).map((name) => [name, featureFacts(name)])),
  "gitlab-runner prepare-ci-host": {
    files: [...docker, ...installed, paths.runnerConfigPath, paths.ciHostLogPath, ...kept, paths.runnerLockPath],
  },
  "gitlab-runner register": {
    files: registered,
  },
  "gitlab-runner status": { files: [] },
  "gitlab-runner list": { files: [] },
  "gitlab-runner cleanup status": { files: [] },
  "gitlab-runner cleanup enable": { files: cleanup },
  "gitlab-runner cleanup disable": { files: [...cleanup, paths.cleanupLockPath] },
  "gitlab-runner cleanup run": { files: [paths.lastUsePath, paths.dockerEventsPath, paths.cleanupLockPath] },
  "gitlab-runner selftest": {
    files: [paths.selftestLockPath],
  },
  "gitlab-runner install": {
    files: [...installed, paths.runnerInstallLogPath, ...kept, paths.runnerLockPath],
  },
  "gitlab-runner upgrade": {
    files: [paths.runnerLogPath, paths.lockPath, paths.runnerLockPath],
  },
  "gitlab-runner unregister": {
    files: registered,
  },
  "gitlab-runner uninstall": {
    files: [
      ...installed.slice(0, -1),
      "with `--purge` `/home/gitlab-runner`, `/etc/gitlab-runner` and its record",
      "with `--docker` the key and the source of Docker's repository, and `/run/docker.sock`",
      paths.runnerLogPath,
      paths.lockPath,
      paths.runnerLockPath,
    ],
  },
  "certs status": { files: [] },
  "certs renew": {
    files: [paths.liveDir, paths.renewalConfigDir, paths.renewalsDir, paths.certsLogPath, paths.lockPath],
  },
  "certs setup-auto-renew": {
    files: [
      ...[paths.acmeDir, paths.hookPath, paths.renewalsDir, paths.renewalConfigDir],
      ...[`${paths.journalDir}/certs.webroot`, paths.certsLogPath, ...kept],
    ],
  },
  "host admin": {
    files: [paths.adminSudoersPath, "/home/NAME/.ssh/authorized_keys", paths.hardeningLogPath, paths.lockPath],
  },
  "host ssh-harden": {
    files: [paths.sshDropInPath, paths.hostRecordPath, paths.hardeningLogPath, ...kept],
  },
  "host firewall": {
    files: [
      ...[paths.hostRecordPath, firewall.userRulesPath, firewall.userRules6Path, firewall.ufwConfPath],
      ...[firewall.ufwDefaultsPath, paths.dockerRulesPath, paths.dockerUnitPath],
      ...[firewall.kernelRulesPath, firewall.kernelRules6Path],
      ...[`${paths.journalDir}/host.firewall.configure`, paths.hardeningLogPath, paths.lockPath],
    ],
  },
  "host security-updates": {
    files: [paths.periodicPath, paths.rebootPath, paths.hostRecordPath, paths.hardeningLogPath, ...kept],
  },
  "host fail2ban": {
    files: [paths.jailPath, paths.hostRecordPath, paths.hardeningLogPath, ...kept],
  },
  "host harden": {
    files: [
      ...[paths.periodicPath, paths.jailPath, paths.sshDropInPath, paths.logrotatePath, paths.nginxDropInPath],
      ...[paths.hostRecordPath, paths.hardeningLogPath, ...kept],
    ],
  },
  "host status": { files: [] },
  "host unharden": {
    files: [
      ...[paths.periodicPath, paths.rebootPath, paths.jailPath, paths.logrotatePath, paths.nginxDropInPath],
      ...[paths.dockerRulesPath, paths.dockerUnitPath, paths.sshDropInPath],
      ...[paths.hostRecordPath, paths.hardeningLogPath, paths.lockPath],
    ],
  },
  "host logrotate": {
    files: [paths.logrotatePath, paths.hardeningLogPath, ...kept],
  },
  "host confirm": {
    files: [paths.journalDir, paths.unconfirmedPath, paths.recoverServicePath, paths.hardeningLogPath, paths.lockPath],
  },
  "certs install": {
    files: [paths.acmeDir, paths.certsLogPath, paths.lockPath],
  },
  "certs install-renewal-hook": {
    files: [paths.hookPath, paths.renewalsDir, paths.certsLogPath, ...kept],
  },
  "project publish": {
    files: [
      ...new Set([
        ...record,
        ...tree,
        available,
        enabled,
        "/etc/letsencrypt/live/DOMAIN",
        paths.hookPath,
        paths.certsLogPath,
      ]),
    ],
  },
  "project certs issue": {
    files: [
      ...new Set([
        ...record,
        "/etc/letsencrypt/live/DOMAIN",
        "/etc/letsencrypt/renewal/DOMAIN.conf",
        paths.acmeDir,
        paths.hookPath,
        paths.renewalsDir,
        paths.catchAllPath,
        available,
        paths.replacedDir,
        paths.certsLogPath,
      ]),
    ],
  },
  "project add": { files: record },
  "project update": {
    files: [...record, available, enabled, paths.replacedDir],
  },
  "project remove": {
    files: [
      ...record,
      live,
      backups,
      versions,
      `${paths.assetsDir}/SLUG`,
      projectLock,
      available,
      enabled,
      paths.replacedDir,
      ...keys.slice(0, 3),
    ],
  },
  "bundle verify": {
    files: [],
  },
  "bundle show": {
    files: [],
  },
  "project list": { files: [] },
  "project show": { files: [] },
  "project key add": { files: [...keys, paths.deployHome] },
  "project key list": { files: [] },
  "project key remove": { files: keys },
  "project init": {
    files: [live, paths.projectLogPath, paths.lockPath],
  },
  "project deploy": {
    files: [...tree, ...previews, ...versionFiles.filter((path) => !tree.includes(path))],
  },
  "project restore": {
    files: [...tree, versions],
  },
  "project rollback": { files: [...tree, versions] },
  "project versions list": { files: [] },
  "project versions alias": { files: versionFiles },
  "project versions default": { files: versionFiles },
  "project versions rename": { files: [...versionFiles, backups, `${paths.assetsDir}/SLUG`] },
  "project versions remove": { files: [...versionFiles, backups, `${paths.assetsDir}/SLUG`] },
  "project backups list": { files: [] },
  "project backups prune": {
    files: [backups, `${paths.assetsDir}/SLUG`, projectLock],
  },
  "project assets list": { files: [] },
  "project assets prune": {
    files: [`${paths.assetsDir}/SLUG`, projectLock],
  },
  "project previews list": { files: [] },
  "project previews remove": { files: [...previews, backups, projectLock, paths.projectLogPath, paths.lockPath] },
  "project previews prune": { files: [...previews, backups, projectLock, paths.projectLogPath, paths.lockPath] },
  "project enable": { files: [...record, available, enabled] },
  "project disable": { files: [...record, enabled] },
  "project validate": { files: [] },
  "project check-links": { files: [] },
  "project ci": { files: [] },
  "project render-nginx": {
    files: [available, paths.projectLogPath, paths.lockPath],
  },
  doctor: {
    files: ["the files of `--junit` and `--openmetrics`", "with `--fix` those of the commands whose steps it runs"],
  },
  recover: {
    files: [
      "the files that the interrupted step changed",
      paths.journalDir,
      `${paths.logDir}/recover.log`,
      paths.lockPath,
    ],
  },
  "watch enable": { files: [...alerts, watch.watchLogPath, paths.lockPath] },
  "watch disable": { files: [...alerts, watch.watchStateDir, watch.watchLogPath, paths.lockPath, watch.watchLockPath] },
  "watch run": {
    files: [watch.watchStatePath, watch.watchSpareStatePath, watch.watchHistoryPath, watch.watchLockPath],
  },
  "watch report": { files: ["the page"] },
  "watch status": { files: [] },
  "watch test": { files: [] },
  "nginx status": { files: [] },
  "self-update": {
    files: ["the program itself", "`.edox-ops.previous` beside it: the previous version"],
  },
  uninstall: {
    files: [
      ...["the program itself and its previous version", paths.deployKeysPath, paths.deployHome, paths.sudoersPath],
      ...["the timers /etc/systemd/system/edox-ops-*", uninstallLogPath, paths.lockPath],
    ],
  },
  "backup init": {
    files: [
      ...[backup.settingsPath, backup.passwordPath, backup.environmentPath, backup.cacheDir],
      ...["a repository that does not exist", backup.backupLogPath, paths.lockPath],
    ],
  },
  "backup enable": {
    files: [
      ...["/etc/systemd/system/edox-ops-backup.*", backup.settingsPath, backup.backupDir, backup.cacheDir],
      ...[backup.backupLogPath, paths.lockPath],
    ],
  },
  "backup disable": {
    files: ["/etc/systemd/system/edox-ops-backup.*", backup.backupLogPath, paths.lockPath],
  },
  "backup run": {
    files: ["the repository", backup.backupDir, backup.copyDir, backup.cacheDir, backup.backupLockPath, projectLock],
  },
  "backup status": { files: [] },
  "backup list": { files: [] },
  "backup verify": { files: [backup.statePath, backup.cacheDir, backup.backupLockPath] },
  "backup restore": {
    files: [
      ...[live, versions, `${paths.previewsDir}/SLUG`, `${paths.assetsDir}/SLUG`, backups, available, enabled],
      ...[paths.projectsPath, sites.passwordPathOfSlug, paths.deployKeysPath, "/etc/letsencrypt"],
      ...[paths.runnerConfigPath, paths.runnerStatePath, backup.backupDir, backup.backupLockPath],
    ],
  },
  "restore-host": {
    files: [
      ...bootstrap,
      ...["those of backup init and backup restore, of certs setup-auto-renew, project key add, gitlab-runner install"],
    ],
  },
  "bundle create": {
    files: ["the bundle, and a cache in `$XDG_CACHE_HOME/edox-ops/bundle` (root: `/var/cache/edox-ops/bundle`)"],
  },
  completions: { files: [] },
};
