// Hints of the source that no test in one process types: each with what it needs that only a whole host has.

const systemd = "systemctl and timedatectl ask a running systemd over D-Bus";
const typed = `${systemd}; integration/doctor.test.ts types it`;
const engine = "a real Docker engine answers, and a machine of the tests need not have its client";
const authority = "certbot needs a certificate authority that reaches this host by its name";

export const elsewhere: Record<string, string> = {
  'runner/checks.ts ["sudo", "docker", "system", "df"]': engine,
  'runner/checks.ts ["sudo", "systemctl", "status", "docker"]': systemd,
  'runner/checks.ts ["sudo", "systemctl", "status", user]': systemd,
  'doctor/upkeep.ts ["systemctl", "is-system-running"]': typed,
  'doctor/upkeep.ts ["systemctl", "status", first]': typed,
  'doctor/upkeep.ts ["timedatectl", "timesync-status"]': systemd,
  'apt/failure.ts ["timedatectl", "status"]': systemd,
  'host/local-limits.ts ["systemctl", "show", "--property=MemoryDenyWriteExecute", unit]': typed,
  'host/local-limits.ts ["systemctl", "show", "--property=TasksMax", unit]': systemd,
  'sites/serve/certificate-hints.ts ["sudo", "certbot", "certonly", "--standalone", ...(isActive(reader, "nginx") ? hooks : []), ...name]':
    authority,
  'sites/serve/certificate-hints.ts ["sudo", "certbot", "certonly", "--webroot", "-w", acmeDir, ...name]': authority,
  'sites/serve/certificate-hints.ts ["sudo", "certbot", "renew", "--cert-name", project.domain]': authority,
  'sites/serve/certificate.ts ["timedatectl"]': systemd,
  'resources/ready.ts ["cloud-init", "status", "--long"]':
    "cloud-init reports its stages while a host boots for the first time",
  'docker/containers.ts ["sudo", "docker", "ps"]': engine,
  'runner/drain.ts ["systemctl", "status", unit]': systemd,
  'runner/selftest.ts ["docker", "save", "--output", "dind.tar", dindImage]': engine,
  'runner/selftest.ts ["sudo", "docker", "system", "df"]': engine,
};

/** Lists of words beside hints that are not complete hints, or are the common beginning of several. */
export const parts: string[] = [
  'cli/cli.ts ["edox-ops", ...found.names.slice(0, -1)]',
  'cli/completions.ts ["edox-ops"]',
  'cli/context.ts ["hint"]',
  'cli/gitlab-runner/register.ts ["edox-ops", ...context.typed]',
  'cli/gitlab-runner/unregister.ts ["edox-ops", ...context.typed]',
  'cli/self-update.ts ["--version", to]',
  'cli/self-update.ts ["sudo"]',
  'cli/teller.ts ["no-color"]',
  "runner/checks.ts [...found, ...recorded]",
  'sites/checks.ts ["sudo", ...hint]',
  'doctor/upkeep.ts ["sudo", ...hint]',
  'engine/select.ts (others, "--only", [step, ...ids].join(","))',
  'sites/health.ts ["--source", "DIRECTORY"]',
  'sites/health.ts ["sudo", "edox-ops", "project", ...words]',
  "sites/health.ts [...broken]",
  "sites/health.ts [...hint]",
  'sites/serve/site-hints.ts ["sudo", "edox-ops", "project", ...words]',
  'sites/serve/site-hints.ts ["sudo", ...(isThere ? ["cp", "-a", "--", from, root_path] : ["mkdir", "-p", root_path])]',
  "sites/store.ts (...words: string[])",
  'sites/store.ts ["sudo", "edox-ops", "project", ...words]',
  'self-update/uninstall.ts ["rm", "-r", path]',
  'report/json.ts ["error"]',
  "report/text.ts [`hint: {shellLine(hint(problem.hint))}`]",
  'report/style.ts ["hint"]',
  'report/command-spec.ts ["edox-ops", "project", "add"]',
  'toml/meaning.ts ["docker", "privileged"]',
  'runner/docker-in-docker.ts ["docker", "privileged"]',
  'runner/docker-in-docker.ts ["docker", "volumes"]',
  'runner/registration/gitlab.ts ["--cacert", caPath]',
  'runner/registration/profile.ts ["docker", "docker.io/library/docker"]',
  'runner/registration/register.ts ["docker"]',
  'runner/selftest.ts (typed, "--image", "dind.tar")',
  'runner/selftest.ts ["ps", "--all"]',
  'runner/selftest.ts ["rm", "--force", "--volumes"]',
  'runner/shared-host.ts ["docker"]',
  'runner/uninstall.ts ["rm", "-f", dockerSocket]',
  'runner/uninstall.ts ["rm", "-r", "--one-file-system", path]',
  'runner/uninstall.ts ["rmdir", path]',
];
