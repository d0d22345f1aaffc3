// Facts about each command that the reference lists in addition to its flags: examples, and the files that it writes.

import { bootstrapLogPath } from "../src/bootstrap/paths.ts";
import * as certs from "../src/certs/paths.ts";
import { featureCommands } from "../src/cli/feature-commands.ts";
import { dockerKeyPath, dockerSourcePath } from "../src/docker/paths.ts";
import * as shared from "../src/engine/paths.ts";
import * as nginx from "../src/nginx/paths.ts";
import * as runner from "../src/runner/paths.ts";
import { uninstallLogPath } from "../src/self-update/paths.ts";
import * as sites from "../src/sites/paths.ts";
import { filesByFolder } from "./paths.ts";

const paths = { ...shared, ...nginx, ...runner, ...sites, ...certs };

export interface CommandFacts {
  examples: readonly string[];
  /** The files that the command writes, without those of packages. Empty for a read-only command. */
  files: readonly string[];
}

const live = `${paths.docsRoot}/SLUG`;
const backups = `${paths.backupsDir}/SLUG`;
const available = `${paths.sitesAvailableDir}/edox-ops-SLUG`;
const enabled = `${paths.sitesEnabledDir}/edox-ops-SLUG`;
const projectLock = `${paths.lockDir}/project-SLUG.lock`;
const record = [paths.projectsPath, paths.projectLogPath, paths.lockPath];
const tree = [live, backups, `${paths.assetsDir}/SLUG`, paths.projectLogPath, projectLock];
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
const docker = [dockerKeyPath, dockerSourcePath];
const kept = [paths.replacedDir, paths.lockPath];
const registered = [
  paths.runnerConfigPath,
  `${paths.runnerConfigPath}.before-edox-ops`,
  paths.runnerStatePath,
  paths.runnerLogPath,
  paths.lockPath,
];

/** Returns the facts of a command that converges the recipe of its feature. */
function featureFacts(name: string): CommandFacts {
  const own = [...(filesByFolder.get(name) ?? []).map(([path]) => path), ...kept];
  return {
    examples: [`sudo edox-ops ${name} --yes`, `edox-ops ${name} --dry-run --diff`, `edox-ops ${name} --check`],
    files: name === "bootstrap" ? bootstrap : own,
  };
}

/** The facts by command, as typed after the program's name. A test ensures that every command is listed. */
export const commandFacts: Record<string, CommandFacts> = {
  ...Object.fromEntries(Object.keys(featureCommands).map((name) => [name, featureFacts(name)])),
  "gitlab-runner prepare-ci-host": {
    examples: [
      "sudo edox-ops gitlab-runner prepare-ci-host --yes",
      "edox-ops gitlab-runner prepare-ci-host --dry-run",
      "sudo edox-ops gitlab-runner prepare-ci-host --yes --runner builder",
    ],
    files: [...docker, ...installed, paths.runnerConfigPath, paths.ciHostLogPath, ...kept, paths.runnerLockPath],
  },
  "gitlab-runner register": {
    examples: [
      "sudo edox-ops gitlab-runner register --profile ci --url https://gitlab.com --token -",
      "sudo edox-ops gitlab-runner register --profile ci --url https://gitlab.com --access-token - --project 7 --protected",
    ],
    files: registered,
  },
  "gitlab-runner status": { examples: ["sudo edox-ops gitlab-runner status"], files: [] },
  "gitlab-runner list": { examples: ["sudo edox-ops gitlab-runner list"], files: [] },
  "gitlab-runner selftest": {
    examples: [
      "sudo edox-ops gitlab-runner selftest",
      "sudo edox-ops gitlab-runner selftest --image dind.tar --json",
      "sudo edox-ops gitlab-runner selftest --bundle edox-trixie-amd64.tar",
    ],
    files: [paths.selftestLockPath],
  },
  "gitlab-runner install": {
    examples: ["sudo edox-ops gitlab-runner install --yes"],
    files: [...installed, paths.runnerInstallLogPath, ...kept, paths.runnerLockPath],
  },
  "gitlab-runner upgrade": {
    examples: ["sudo edox-ops gitlab-runner upgrade --drain 10m"],
    files: [paths.runnerLogPath, paths.lockPath, paths.runnerLockPath],
  },
  "gitlab-runner unregister": {
    examples: ['sudo edox-ops gitlab-runner unregister "edox-ops CI runner"'],
    files: registered,
  },
  "gitlab-runner uninstall": {
    examples: [
      "sudo edox-ops gitlab-runner uninstall --yes",
      "sudo edox-ops gitlab-runner uninstall --purge --docker --dry-run",
    ],
    files: [
      ...installed.slice(0, -1),
      "with `--purge` /home/gitlab-runner, /etc/gitlab-runner and its record",
      "with `--docker` the key and the source of Docker's repository, and /run/docker.sock",
      paths.runnerLogPath,
      paths.lockPath,
      paths.runnerLockPath,
    ],
  },
  "certs status": { examples: ["sudo edox-ops certs status", "sudo edox-ops certs status --json"], files: [] },
  "certs renew": {
    examples: [
      "sudo edox-ops certs renew --yes",
      "sudo edox-ops certs renew --dry-run",
      "sudo edox-ops certs renew --force --name docs.example.org --yes",
    ],
    files: [paths.liveDir, paths.renewalConfigDir, paths.renewalsDir, paths.certsLogPath, paths.lockPath],
  },
  "certs setup-auto-renew": {
    examples: ["sudo edox-ops certs setup-auto-renew --yes"],
    files: [
      ...[paths.acmeDir, paths.hookPath, paths.renewalsDir, paths.renewalConfigDir],
      ...[`${paths.journalDir}/certs.webroot`, paths.certsLogPath, ...kept],
    ],
  },
  "certs install": {
    examples: ["sudo edox-ops certs install --yes"],
    files: [paths.acmeDir, paths.certsLogPath, paths.lockPath],
  },
  "certs install-renewal-hook": {
    examples: ["sudo edox-ops certs install-renewal-hook --yes"],
    files: [paths.hookPath, paths.renewalsDir, paths.certsLogPath, ...kept],
  },
  "project publish": {
    examples: [
      "sudo edox-ops project publish demo --domain docs.example.org --source public --tls",
      "sudo edox-ops project publish demo --domain docs.example.org --source public",
      "sudo edox-ops project publish demo --domain docs.example.org --source public --dry-run --diff",
    ],
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
    examples: [
      "sudo edox-ops project certs issue demo --email admin@example.org --yes",
      "sudo edox-ops project certs issue demo --alias www.example.org --yes",
      "sudo edox-ops project certs issue demo --server https://ca.example.org/acme/directory --yes",
      "edox-ops project certs issue demo --dry-run",
    ],
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
  "project add": { examples: ["sudo edox-ops project add demo --domain docs.example.org"], files: record },
  "project update": {
    examples: [
      "sudo edox-ops project update demo --domain docs.example.net",
      "sudo edox-ops project update demo --alias www.example.net,docs.example.org",
      "sudo edox-ops project update demo --csp strict --diff",
      "sudo edox-ops project update demo --rate-limit off",
      "sudo edox-ops project update demo --real-ip-from 10.0.0.5 --real-ip-from 2001:db8::/64",
    ],
    files: [...record, available, enabled, paths.replacedDir],
  },
  "project remove": {
    examples: ["sudo edox-ops project remove demo", "sudo edox-ops project remove demo --delete-files --yes"],
    files: [...record, live, backups, `${paths.assetsDir}/SLUG`, projectLock, available, enabled, paths.replacedDir],
  },
  "bundle verify": {
    examples: [
      "edox-ops bundle verify edox-trixie-amd64.tar --key operator.pem",
      "edox-ops bundle verify edox-trixie-amd64.tar.1of3",
    ],
    files: [],
  },
  "bundle show": {
    examples: [
      "edox-ops bundle show edox-trixie-amd64.tar",
      "edox-ops bundle show edox-trixie-amd64.tar --json",
      "edox-ops bundle show edox-trixie-amd64.tar --sbom",
    ],
    files: [],
  },
  "project list": { examples: ["sudo edox-ops project list"], files: [] },
  "project show": { examples: ["sudo edox-ops project show demo"], files: [] },
  "project init": {
    examples: ["sudo edox-ops project init demo"],
    files: [live, paths.projectLogPath, paths.lockPath],
  },
  "project deploy": {
    examples: [
      "sudo edox-ops project deploy demo --source public",
      "sudo edox-ops project deploy demo --source site.tar.gz --subdir public --keep 10",
      "sudo edox-ops project deploy demo --bundle edox-trixie-amd64.tar",
      "sudo edox-ops project deploy demo --source public --dry-run",
      "sudo edox-ops project deploy demo --source public --check",
    ],
    files: tree,
  },
  "project restore": {
    examples: [
      "sudo edox-ops project restore demo --yes",
      "sudo edox-ops project restore demo --backup 20261126T051545Z --yes",
    ],
    files: tree,
  },
  "project rollback": { examples: ["sudo edox-ops project rollback demo --yes"], files: tree },
  "project backups list": { examples: ["sudo edox-ops project backups list demo"], files: [] },
  "project backups prune": {
    examples: [
      "sudo edox-ops project backups prune demo --keep 2 --dry-run",
      "sudo edox-ops project backups prune demo --keep 2",
    ],
    files: [backups, `${paths.assetsDir}/SLUG`, projectLock],
  },
  "project assets list": { examples: ["sudo edox-ops project assets list demo"], files: [] },
  "project assets prune": {
    examples: ["sudo edox-ops project assets prune demo --dry-run", "sudo edox-ops project assets prune demo"],
    files: [`${paths.assetsDir}/SLUG`, projectLock],
  },
  "project enable": { examples: ["sudo edox-ops project enable demo"], files: [...record, available, enabled] },
  "project disable": { examples: ["sudo edox-ops project disable demo"], files: [...record, enabled] },
  "project validate": { examples: ["sudo edox-ops project validate demo"], files: [] },
  "project render-nginx": {
    examples: ["sudo edox-ops project render-nginx demo --stdout"],
    files: [available, paths.projectLogPath, paths.lockPath],
  },
  doctor: {
    examples: ["edox-ops doctor", "sudo edox-ops doctor --fix", "sudo edox-ops doctor --strict --junit doctor.xml"],
    files: ["the file of `--junit`", "with `--fix` those of the commands whose steps it runs"],
  },
  recover: {
    examples: ["sudo edox-ops recover --dry-run", "sudo edox-ops recover"],
    files: [
      "the files that the interrupted step changed",
      paths.journalDir,
      `${paths.logDir}/recover.log`,
      paths.lockPath,
    ],
  },
  "nginx status": { examples: ["sudo edox-ops nginx status"], files: [] },
  "self-update": {
    examples: [
      "edox-ops self-update --check",
      "sudo edox-ops self-update",
      "sudo edox-ops self-update --version 1.2.3",
      "sudo edox-ops self-update --bundle edox-trixie-amd64.tar",
      "sudo edox-ops self-update --rollback",
    ],
    files: ["the program itself", "`.edox-ops.previous` beside it: the one before"],
  },
  uninstall: {
    examples: ["edox-ops uninstall --dry-run", "sudo edox-ops uninstall --yes"],
    files: ["the program itself, and what `self-update` left beside it", uninstallLogPath, paths.lockPath],
  },
  "bundle create": {
    examples: [
      "edox-ops bundle create --suite bookworm --arch arm64 --with host -o pi.tar",
      "edox-ops bundle create --suite trixie --arch amd64 --with host,docker,runner --image alpine:3.22 --split 4000M -o ci.tar",
      "edox-ops bundle create --for inventory.json --with host --since pi.tar --sign key.pem -o update.tar",
    ],
    files: ["the bundle, and a cache in `$XDG_CACHE_HOME/edox-ops/bundle` (root: `/var/cache/edox-ops/bundle`)"],
  },
  completions: { examples: ["edox-ops completions bash"], files: [] },
};
