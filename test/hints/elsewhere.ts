// Hints of the source that test/hints.test.ts does not type: each with the test that types or produces it, or why it
// cannot be typed in a process.

export const elsewhere: Record<string, readonly [file: string, title: string] | string> = {
  'doctor/pi-power.ts ["vcgencmd", "get_throttled"]': "the firmware of a Raspberry Pi answers",
  'doctor/pi-storage.ts ["sudo", "dmesg", "--level=emerg,alert,crit,err,warn"]': "the kernel's own log",
  'doctor/pi.ts ["vcgencmd", "measure_temp"]': "the firmware of a Raspberry Pi answers",
  'doctor/runners.ts ["sudo", "docker", "system", "df"]': "docker prints what a real engine knows of its disk",
  'doctor/runners.ts ["sudo", "systemctl", "status", "docker"]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/runners.ts ["sudo", "systemctl", "status", user]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/upkeep.ts ["systemctl", "is-system-running"]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/upkeep.ts ["systemctl", "status", first]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/upkeep.ts ["timedatectl", "timesync-status"]': "a clock that systemd keeps, which timedatectl prints",
  'engine/apt-failure.ts ["timedatectl", "status"]': "a clock that systemd keeps, which timedatectl prints",
  'host/local-limits.ts ["systemctl", "show", "--property=MemoryDenyWriteExecute", unit]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'host/local-limits.ts ["systemctl", "show", "--property=TasksMax", unit]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'projects/certificate-hints.ts ["sudo", "certbot", "certonly", "--standalone", ...(isActive(see, "nginx") ? hooks : []), ...name]':
    "certbot needs an authority on the net",
  'projects/certificate-hints.ts ["sudo", "certbot", "certonly", "--webroot", "-w", acmeDir, ...name]':
    "certbot needs an authority on the net",
  'projects/certificate-hints.ts ["sudo", "certbot", "renew", "--cert-name", project.domain]':
    "certbot needs an authority on the net",
  'projects/certificate.ts ["timedatectl"]': "a clock that systemd keeps, which timedatectl prints",
  'recipes/docker.ts ["sudo", "snap", "start", "docker"]': "snap starts a service of its own",
  'resources/ready.ts ["cloud-init", "status", "--long"]': "cloud-init prints what it does at a boot",
  'runner/containers.ts ["sudo", "docker", "ps"]': "docker prints what a real engine knows of its containers",
  'runner/drain.ts ["systemctl", "status", unit]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'runner/selftest.ts ["docker", "save", "--output", "dind.tar", dindImage]':
    "docker prints what a real engine knows of its images",
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
  "doctor/runners.ts [...found, ...recorded]",
  'doctor/sites.ts ["sudo", ...hint]',
  'doctor/upkeep.ts ["sudo", ...hint]',
  'engine/select.ts (others, "--only", [step, ...ids].join(","))',
  'projects/health.ts ["--source", "DIRECTORY"]',
  'projects/health.ts ["sudo", "edox-ops", "project", ...words]',
  "projects/health.ts [...broken]",
  "projects/health.ts [...hint]",
  'projects/site-hints.ts ["sudo", "edox-ops", "project", ...words]',
  'projects/site-hints.ts ["sudo", ...(isThere ? ["cp", "-a", "--", from, root_path] : ["mkdir", "-p", root_path])]',
  "projects/store.ts (...words: string[])",
  'projects/store.ts ["sudo", "edox-ops", "project", ...words]',
  'release/uninstall.ts ["rm", "-r", path]',
  'report/json.ts ["error"]',
  "report/text.ts [`hint: {shellLine(hint(problem.hint))}`]",
  'report/voice.ts ["hint"]',
  'report/word.ts ["edox-ops", "project", "add"]',
  'runner/config-meaning.ts ["docker", "privileged"]',
  'runner/docker-in-docker.ts ["docker", "privileged"]',
  'runner/docker-in-docker.ts ["docker", "volumes"]',
  'runner/gitlab.ts ["--cacert", caPath]',
  'runner/profile.ts ["docker", "docker.io/library/docker"]',
  'runner/register.ts ["docker"]',
  'runner/selftest.ts (typed, "--image", "dind.tar")',
  'runner/selftest.ts ["ps", "--all"]',
  'runner/selftest.ts ["rm", "--force", "--volumes"]',
  'runner/shared-host.ts ["docker"]',
  'runner/uninstall.ts ["rm", "-f", dockerSocket]',
  'runner/uninstall.ts ["rm", "-r", "--one-file-system", path]',
  'runner/uninstall.ts ["rmdir", path]',
];
