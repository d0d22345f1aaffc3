// Hints of the source that no test in one process types, because they need a whole host.

const certs = "certs.test.ts";
const doctor = "doctor.test.ts";
const project = "project.test.ts";
const keys = "deploy-keys.test.ts";
const ssh = "hardening-ssh.test.ts";
const selftest = "selftest.test.ts";
const hardening = "hardening-rest.test.ts";
const bundleUse = "bundle-use.test.ts";
const proof = "hardening-proof.test.ts";
const bundleCarried = "bundle-carried.test.ts";

/** The integration test that types each of these on a host with systemd. */
export const onHosts: Record<string, string> = {
  'certs/checks.ts ["sudo", "certbot", "certificates"]': certs,
  'certs/checks.ts ["sudo", "certbot", "delete", "--cert-name", first.name]': certs,
  'nginx/fault.ts ["sudo", "edox-ops", "certs", "renew", "--yes"]': certs,
  'runner/cleanup/checks.ts ["sudo", "docker", "system", "df"]': selftest,
  'runner/cleanup/run.ts ["sudo", "systemctl", "status", "docker"]': "runner.test.ts",
  'deploy-keys/checks.ts ["sudo", ...showSettings]': keys,
  'deploy-keys/checks.ts ["sudo", "mkdir", "-m", "0755", "/run/sshd"]': keys,
  'deploy-keys/checks.ts ["sudo", "grep", "-rn", deployUser, "/etc/sudoers", "/etc/sudoers.d"]': keys,
  'deploy-keys/checks.ts ["id", deployUser]': keys,
  'hardening/ssh/checks.ts ["sudo", "mkdir", "-m", "0755", privilegeDir]': ssh,
  'hardening/ssh/server.ts ["sudo", "systemctl", "reload", unit]': ssh,
  'docker/recipe.ts ["sudo", "systemctl", "status", "docker"]': selftest,
  'hardening/proof/prove.ts ["sudo", "ss", "-ltnp"]': proof,
  'resources/service.ts ["sudo", "systemctl", "status", unit]': selftest,
  'runner/service.ts ["sudo", "systemctl", "status", runnerUnit]': doctor,
  'doctor/upkeep.ts ["systemctl", "is-system-running"]': doctor,
  'doctor/upkeep.ts ["systemctl", "status", first]': doctor,
  'doctor/upkeep.ts ["timedatectl", "timesync-status"]': doctor,
  'apt/failure.ts ["timedatectl", "status"]': doctor,
  'host/local-limits.ts ["systemctl", "show", "--property=MemoryDenyWriteExecute", unit]': doctor,
  'host/local-limits.ts ["systemctl", "show", "--property=TasksMax", unit]': doctor,
  'sites/serve/certificate.ts ["timedatectl"]': project,
  'sites/serve/certificate-hints.ts ["sudo", "edox-ops", "certs", "renew", "--yes"]': project,
  'resources/ready.ts ["cloud-init", "status", "--long"]': doctor,
  'docker/containers.ts ["sudo", "docker", "ps"]': selftest,
  'runner/drain.ts ["systemctl", "status", runnerUnit]': selftest,
  'hardening/nginx-served.ts ["sudo", "tail", "/var/log/nginx/error.log"]': hardening,
  'bundle/images.ts ["sudo", "docker", "system", "df"]': bundleUse,
  'bundle/images.ts ["sudo", "systemctl", "status", "docker"]': bundleUse,
  'cli/bundle/program.ts ["edox-ops", ...words, "--program", "none"]': bundleCarried,
  'runner/selftest-image.ts ["docker", "save", "--output", "dind.tar", dindImage]': selftest,
  'runner/selftest-image.ts ["sudo", "docker", "system", "df"]': selftest,
};

const undeclared = "no command declares such a resource yet; its own tests in test/resources reach the state";

const unarmed = "a host of these tests can always arm a step; test/engine/armed.test.ts reaches the state";

const damaged = "it shows a damaged file; test/hardening/damaged.test.ts reaches the state";

const authority = "the fault is of a certificate authority or of the DNS; test/certs reaches the state";

const example = "an example whose names the admin replaces; test/run/recipe-closing.test.ts reaches the state";

const afterDeploy = "it follows a success; test/cli/terminal-deploy.test.ts types it";

const repository = "it needs a repository of restic; test/backup and test/integration/backup.test.ts reach the state";

/** Why no test of this folder types these. */
export const untyped: Record<string, string> = {
  'backup/checks.ts ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"]': example,
  'backup/moved.ts ["sudo", "edox-ops", "backup", "restore", "--dry-run"]': repository,
  'backup/moved.ts ["sudo", "edox-ops", "backup", "init", ...flags]':
    "it needs a repository of restic; test/backup/restore-commands.test.ts types it",
  'backup/moved-snapshot.ts ["sudo", "edox-ops", "backup", "run"]':
    "it is typed on the old host; test/backup/moved.test.ts reaches the state",
  'backup/moved-snapshot.ts ["sudo", "edox-ops", "restore-host", "--repo", repo, "--password-file", "FILE"]':
    "its FILE is an example; test/backup/restore-commands.test.ts reaches the state",
  'backup/moved-snapshot.ts ["sudo", "edox-ops", ...withFlag(words, flag, value)]':
    "it repeats the typed line with a valid choice; test/soak/move.test.ts types it",
  'backup/checks.ts ["sudo", "edox-ops", "backup", "init", "--repo", settings.repository, "--password-file", passwordPath]':
    repository,
  'backup/restic-faults.ts ["curl", "-sSI", url]': repository,
  "backup/restic-faults.ts [...again]": repository,
  'backup/settings.ts ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"]': example,
  'backup/restic-faults.ts ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"]': example,
  'backup/restic-faults.ts [...init, "--repo", repository.location, "--password-file", "FILE"]': example,
  'backup/restore.ts ["sudo", "edox-ops", "doctor"]': repository,
  'backup/own-program.ts ["sudo", nameOf(program), ...words]': repository,
  'run/confirmation.ts ["sudo", "edox-ops", ...environment.typed]':
    "it repeats the typed line; test/cli/confirmation.test.ts reaches the state",
  'sites/versions/health.ts ["sudo", "edox-ops", "doctor", "--fix"]':
    "it asks before it repairs; test/sites/versions.test.ts types it with --yes",
  'deploy-keys/client-hint.ts ["ssh", "edox-deploy@HOST", ...request.split(" ")]':
    "another machine types it; test/deploy-keys/session.test.ts reads it",
  'deploy-keys/client-hint.ts ["tar", "-C", directory, ...excluded.map((path) => `--exclude=./{path}`), "-c", "."]':
    "another machine types it; test/deploy-keys/session.test.ts reads it",
  'cli/project/check-links.ts ["sudo", "edox-ops", ...context.typed]':
    "it repeats the typed line; test/sites/link-check.test.ts reaches the state",
  'cli/backup/restore.ts ["sudo", "edox-ops", ...withFlag(words, "--snapshot", snapshot.id.slice(0, shortLength))]':
    "it repeats the typed line; test/backup/restore-commands.test.ts types it",
  'cli/project/release-closing.ts ["edox-ops", "project", "assets", "list", slug]': afterDeploy,
  'cli/project/release-closing.ts ["sudo", "edox-ops", "project", "certs", "issue", slug, "--yes"]': authority,
  'cli/project/release-closing.ts ["sudo", "edox-ops", "project", "enable", slug]': afterDeploy,
  'cli/project/release-closing.ts ["sudo", "edox-ops", "project", ...words, "--yes"]': afterDeploy,
  'bootstrap/recipe.ts ["sudo", "edox-ops", ...words]': example,
  'hardening/guarded.ts ["sudo", "edox-ops", "host", "admin", "NAME", "--key", "FILE"]':
    "an example whose names the admin replaces; test/integration/hardening-guard.test.ts reaches the state",
  'hardening/firewall/guard.ts ["sudo", "ufw", "show", "added"]':
    "it shows rules, for a decision of the admin; test/hardening/guarded.test.ts reaches the state",
  'hardening/proof/ranges.ts ["ip", "route", "show", "table", "all"]':
    "no host of these tests has routes to all six networks",
  'runner/recipe.ts ["sudo", "edox-ops", "gitlab-runner", ...words]': example,
  'runner/cleanup/recipe.ts ["sudo", "edox-ops", "gitlab-runner", "cleanup", "status"]':
    "it follows a success; test/runner/cleanup/commands.test.ts types it",
  'runner/cleanup/recipe.ts ["df", "-h", small.path]':
    "it shows sizes, for a decision of the admin; test/runner/cleanup/commands.test.ts reaches the state",
  'runner/cleanup/recipe.ts ["ls", "-l", dockerSocket]':
    "no other engine has a link on these hosts; test/runner/cleanup/commands.test.ts reaches the state",
  'runner/cleanup/recipe.ts ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"]':
    "no engine of these tests is without its command; test/runner/cleanup/commands.test.ts reaches the state",
  'certs/errors/connection.ts ["curl", "-sSI", url]': authority,
  'certs/errors/validation.ts ["curl", "-sSi", page]': authority,
  'certs/errors/validation.ts ["sudo", "ss", "-ltnp", "sport", "=", ":80"]': authority,
  'certs/errors/connection.ts ["sudo", "update-ca-certificates"]': authority,
  'certs/errors/connection.ts ["timedatectl"]': authority,
  'certs/issue/unfinished.ts ["sudo", "certbot", "delete", "--cert-name", domain, "--non-interactive"]': authority,
  'certs/issue/unfinished.ts ["sudo", "mv", taken, `{taken}.old`]': authority,
  'certs/issue/unfinished.ts ["sudo", "mv", path, `{path}.old`]': authority,
  'certs/issue/preflight.ts ["cat", "/etc/resolv.conf"]': authority,
  'certs/issue/preflight.ts ["curl", "-sSi", `http://{name}/.well-known/acme-challenge/`]': authority,
  'certs/issue/preflight.ts ["sudo", "ss", "-ltnp", "sport", "=", ":80"]': authority,
  'certs/issue/preflight.ts [...again, "--no-preflight"]': authority,
  'certs/issue/preflight.ts ["sudo", "edox-ops", "project", "publish", slug, "--domain", name, "--source", "DIRECTORY"]':
    authority,
  "certs/issue/preflight.ts [...again]": authority,
  "certs/issue/preflight.ts [...preflight.again]": authority,
  'certs/issue/rate-limits.ts ["sudo", "edox-ops", "certs", "status"]': authority,
  'certs/issue/rate-limits.ts [...request.again, "--staging"]': authority,
  'cli/bundle/create.ts ["edox-ops", ...context.typed, "--output", "FILE"]':
    "the corrected line downloads packages; test/cli/usage.test.ts reaches the state",
  'cli/bundle/create.ts (["edox-ops", ...line], "--with", corrected)':
    "the corrected line downloads packages; test/cli/usage.test.ts reaches the state",
  'engine/journal.ts ["sudo", "edox-ops", "self-update"]':
    "no version writes a later journal yet; test/engine/journal.test.ts reaches the state",
  'hardening/nginx-served.ts ["sudo", "apt-get", "install", "curl"]':
    "it installs a package; test/hardening/nginx-unit.test.ts reaches the state",
  'engine/inverse.ts ["ls", "-l", path]': damaged,
  'hardening/firewall/ufw.ts ["sudo", "ufw", "status"]': damaged,
  'hardening/admin.ts ["getent", "group", name]':
    "it shows a group, for a choice of the admin; test/hardening/admin.test.ts reaches the state",
  'engine/armed.ts ["ps", "-p", "1"]': unarmed,
  'engine/armed.ts ["ls", "-l", program]': unarmed,
  'problem/roots-alone.ts ["sudo", "install", "-m", "0755", program, installedPath]':
    "the program of the tests is installed; test/engine/armed.test.ts reaches the state",
  'resources/line.ts ["ls", "-ld", path]': undeclared,
  'resources/owner.ts ["ls", "-ld", part]': undeclared,
  'resources/unit.ts ["ls", "-l", path]': undeclared,
  'resources/unit.ts ["systemctl", "cat", unit]': undeclared,
  'cli/watch/status-view.ts ["edox-ops", "watch", "enable", "--help"]':
    "it follows a success; test/watch/commands.test.ts reads it",
};

/** Lists of words beside hints that are not complete hints, or are the common beginning of several. */
export const parts: string[] = [
  'backup/restic-faults.ts ["sudo", "edox-ops", "backup", "init"]',
  'backup/locks.ts ["cat", "lock", id, "--no-lock"]',
  'backup/restic.ts ["cat", "config", "--no-lock"]',
  'hardening/ssh/server.ts ["sshd", "-t"]',
  'hardening/fail2ban/exempt.ts ("addignoreip")',
  'hardening/fail2ban/exempt.ts ("delignoreip")',
  'hardening/proof/users.ts ["sudo", "admin", "wheel"]',
  'certs/errors/certbot.ts ["sudo", "certbot", "register", "--server", serverUrl(server), "--agree-tos"]',
  'bundle/images.ts ["docker", "load", "--quiet"]',
  'cli/cli.ts ["edox-ops", ...names]',
  'hardening/proof/endpoints.ts ["ip", "-j", "address", "show", "up", "scope", "global"]',
  'hardening/proof/endpoints.ts ["ip", "-j", `-{family}`, "route", "show", "default"]',
  'hardening/proof/link.ts ["ip", `-{family}`, "rule", "flush", "table", table]',
  'hardening/proof/link.ts ["ip", "link", "delete", link]',
  'hardening/proof/link.ts ["ip", `-{family}`]',
  'cli/bundle/create.ts ["edox-ops", "bundle", "show"]',
  'cli/bundle/create.ts ["edox-ops", ...context.typed]',
  'cli/bundle/create.ts ["edox-ops", ...line]',
  'cli/complete.ts ["edox-ops", ...names]',
  'cli/project/password-flags.ts ["sudo", "edox-ops", ...context.typed]',
  'cli/gitlab-runner/register-profile.ts ["edox-ops", ...typed]',
  'cli/gitlab-runner/register-request.ts ["edox-ops", ...context.typed]',
  'cli/gitlab-runner/selftest.ts ["edox-ops", ...context.typed]',
  'cli/gitlab-runner/unregister.ts ["edox-ops", ...context.typed]',
  'cli/self-update.ts ["--version", to]',
  'cli/view.ts ["sudo", "edox-ops", ...words.split(" ")]',
  'cli/self-update.ts ["sudo"]',
  'run/environment.ts ["hint"]',
  'run/recipes.ts ["edox-ops", ...environment.typed]',
  'sites/checks.ts ["sudo", ...hint]',
  'doctor/upkeep.ts ["sudo", ...hint]',
  'engine/select.ts (others, "--only", [step, ...ids].join(","))',
  'sites/health.ts ["--source", "DIRECTORY"]',
  'sites/health.ts ["sudo", "edox-ops", "project", ...words]',
  'sites/versions/health.ts ["sudo", "edox-ops", "project", "versions", ...words]',
  "sites/health.ts [...broken]",
  "sites/health.ts [...hint]",
  'sites/serve/site-hints.ts ["sudo", "edox-ops", "project", ...words]',
  'sites/serve/site-hints.ts ["sudo", ...(isThere ? ["cp", "-a", "--", from, root_path] : ["mkdir", "-p", root_path])]',
  "sites/store.ts (...words: string[])",
  'sites/store.ts ["sudo", "edox-ops", "project", ...words]',
  'hardening/nginx-unit.ts ["mkdir", "-p", "-m", "0755", dropInDir]',
  'hardening/nginx-unit.ts ["rmdir", dropInDir]',
  'resources/absent.ts ["rm", "-r", path]',
  'report/json.ts ["error"]',
  "report/text.ts [`hint: {shellLine(hint(problem.hint))}`]",
  'report/style.ts ["hint"]',
  'report/command-spec.ts ["edox-ops", "project", "add"]',
  "backup/state.ts [...hint]",
  "watch/observe.ts [...hint]",
  "watch/message.ts [` run: {shellLine(hint)}`]",
  "watch/receivers/gitlab.ts [`Run: {shellLine(hint)}`]",
  'toml/meaning.ts ["docker", "privileged"]',
  'runner/docker-in-docker.ts ["docker", "privileged"]',
  'runner/docker-in-docker.ts ["docker", "volumes"]',
  'runner/registration/gitlab-response.ts ["--cacert", caPath]',
  'runner/registration/profile.ts ["docker", "docker.io/library/docker"]',
  'runner/registration/register.ts ["docker"]',
  'runner/selftest-image.ts (typed, "--image", "dind.tar")',
  'runner/selftest.ts ["ps", "--all"]',
  'runner/selftest.ts ["rm", "--force", "--volumes"]',
  'runner/service.ts ["rm", unitPath]',
  'runner/shared-host.ts ["docker"]',
  'runner/uninstall.ts ["rm", "-f", dockerSocket]',
  'runner/uninstall.ts ["rm", "-r", "--one-file-system", path]',
  'runner/uninstall.ts ["rmdir", path]',
];
