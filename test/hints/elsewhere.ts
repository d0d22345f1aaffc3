// Hints of the source that test/hints.test.ts does not type: each with the test that types or produces it, or why it
// cannot be typed in a process.

export const elsewhere: Record<string, readonly [file: string, title: string] | string> = {
  'cli/gitlab-runner/selftest.ts ["edox-ops", ...context.typed]':
    "the same command, behind another one that runs; it needs a real engine to end well",
  'cli/gitlab-runner/selftest.ts ["sudo", ...typed]':
    "the same command after a signal; it needs a real engine to end well",
  'cli/project/publish.ts ["edox-ops", ...context.typed, "--source", "DIRECTORY"]': "what only a person knows is added",
  'cli/project/release.ts ["sudo", "edox-ops", ...typed]':
    "the same command, which another run or a signal kept from its end",
  'cli/self-update.ts ["sudo", "EDOX_BASE_URL=https://…", "edox-ops", "self-update"]': [
    "cli/self-update.test.ts",
    "it requests the mirror in EDOX_BASE_URL, and rejects an invalid address",
  ],
  'cli/self-update.ts ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]': [
    "cli/self-update.test.ts",
    "an invalid --version is rejected, and so is --version with --rollback",
  ],
  'cli/teller.ts ["sudo", "kill", String(script.pid)]': ["cli/cli.test.ts", "kill 4711 ends that"],
  'cli/uninstall.ts ["sudo", "apt-get", "remove", "edox-ops"]':
    "apt removes the package of this program, which only a real apt has",
  'projects/blocked.ts ["sudo", "edox-ops", "project", "update", project.slug, "--csp"]': [
    "projects/blocked.test.ts",
    "its command allows scripts and fonts",
  ],
  'doctor/apt.ts ["sudo", "apt-get", "update"]': ["integration/doctor.test.ts", "nothing is missing after an update"],
  'doctor/pi-power.ts ["vcgencmd", "get_throttled"]': "the firmware of a Raspberry Pi answers",
  'doctor/pi-storage.ts ["cat", `{emmcDir}/life_time`, `{emmcDir}/pre_eol_info`]':
    "files of the kernel of a Raspberry Pi",
  'doctor/pi-storage.ts ["sudo", "dmesg", "--level=emerg,alert,crit,err,warn"]': "the kernel's own log",
  'doctor/pi.ts ["cat", thermalPath]': "a file of the kernel of a Raspberry Pi",
  'doctor/pi.ts ["dpkg", "--print-architecture"]': ["doctor/pi.test.ts", "a 32-bit userland is a failure"],
  'doctor/pi.ts ["getconf", "PAGESIZE"]': "only a kernel without an auxiliary vector",
  'doctor/pi.ts ["sudo", "apt-get", "install", "fake-hwclock"]': ["doctor/pi.test.ts", "told}, with a hint`"],
  'doctor/pi.ts ["sudo", "sed", "-i", "$ a kernel=kernel8.img", path]':
    "the firmware of a Raspberry Pi reads it at the next boot",
  'doctor/pi.ts ["vcgencmd", "measure_temp"]': "the firmware of a Raspberry Pi answers",
  'doctor/runners.ts ["ip", "link", "show", out]': "it shows an interface of the machine, whose names and sizes differ",
  'doctor/runners.ts ["sudo", "docker", "system", "df"]': "docker prints what a real engine knows of its disk",
  'doctor/runners.ts ["sudo", "systemctl", "status", "docker"]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/runners.ts ["sudo", "systemctl", "status", user]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/sites.ts ["ls", "-l", "--time-style=full-iso", changed]': [
    "projects/backup-health.test.ts",
    "an edit through the live tree is reported",
  ],
  'doctor/sites.ts ["sudo", "edox-ops", "project", "backups", "list", largest.slug]': [
    "projects/backup-health.test.ts",
    "files that the live tree lacks count once",
  ],
  'doctor/sites.ts ["sudo", "ls", "-lR", backupsDir]': [
    "projects/backup-health.test.ts",
    "an unreadable one hides neither the others",
  ],
  'doctor/upkeep.ts ["sudo", "systemctl", "reboot"]': "it reboots",
  'doctor/upkeep.ts ["systemctl", "is-system-running"]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/upkeep.ts ["systemctl", "status", first]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'doctor/upkeep.ts ["timedatectl", "set-ntp", "true"]': "a clock that systemd keeps",
  'doctor/upkeep.ts ["timedatectl", "timesync-status"]': "a clock that systemd keeps, which timedatectl prints",
  'engine/apt-failure.ts ["timedatectl", "status"]': "a clock that systemd keeps, which timedatectl prints",
  'engine/apt.ts ["apt-cache", "policy", ...names]':
    "a package that apt would not bring up to date, which only a real apt has",
  'engine/apt.ts ["sudo", "apt-get", "remove", "--simulate", ...instead]':
    "a package that others need, which only a real apt has",
  'engine/disk-fault.ts ["findmnt", "--options", "ro"]':
    "it lists file systems that are mounted read-only, and a machine may have none",
  'engine/disk-fault.ts ["lsattr", "-d", dir, path]': [
    "runner/register.test.ts",
    "is one error with its cause, and everything is rolled back",
  ],
  'engine/disk-fault.ts ["sudo", "mount", "-o", "remount,rw", point]':
    "it changes a mount of the machine, which only a host of its own may",
  'engine/transact.ts ["sudo", ...argv]': "the command that failed, which prints its cause again",
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
  'projects/deletion.ts ["sudo", "chattr", "-a", path]': "a flag of a file system that not every machine has",
  'projects/deletion.ts ["sudo", "chattr", "-i", path]': "a flag of a file system that not every machine has",
  'projects/deletion.ts ["sudo", "ls", "-la", above(dir)]': [
    "projects/deletion.test.ts",
    "a second run completes a deletion",
  ],
  'projects/deletion.ts ["sudo", "umount", path]':
    "it changes a mount of the machine, which only a host of its own may",
  'projects/health.ts ("show", slug)': "a fault of the file system while a tree is read",
  'projects/site-hints.ts ["curl", "-sSIk", "--noproxy", "*", "--resolve", resolve, urlOf(project)]':
    "it asks the nginx of a host, which a test in one process has not",
  'recipes/docker.ts ["pgrep", "-a", "containerd-shim"]': "it shows a process of a real containerd",
  'recipes/docker.ts ["sudo", "snap", "start", "docker"]': "snap starts a service of its own",
  'release/program.ts ["command", "-v", "edox-ops"]': [
    "cli/self-update.test.ts",
    "they are refused if this program's file is gone",
  ],
  'release/program.ts ["sudo", "chmod", "go-w", part]': "a program that other users may write: root does not run it",
  'release/program.ts ["sudo", "chown", "root:root", part]': "a program of another user: root does not run it",
  'release/update.ts ["df", "-h", folder]': "a full disk",
  'release/update.ts ["sudo", "apt-get", "install", `./{asset}`]':
    "apt installs a package that was fetched, which only a real apt does",
  'release/update.ts ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]': "no earlier program is kept",
  'release/update.ts ["sudo", "edox-ops", "self-update", "--version", release.version]':
    "a release that is older than this one",
  'release/update.ts ["sudo", "mv", previous, `{previous}.old`]': [
    "install/update.test.ts",
    "is a directory: this version is to be kept there",
  ],
  'resources/apt-repository.ts ["cat", "-n", path]': "a source that names two repositories on one line of sources",
  'resources/apt-repository.ts ["curl", "-fsSL", keyOrigin]': "another key at a foreign address, which is on the net",
  'resources/apt-repository.ts ["curl", "-fsSLI", url]': "an address that does not answer, which is on the net",
  'resources/apt-repository.ts ["gpg", "--show-keys", keyOrigin]': "another key in a file of a mirror",
  'resources/apt-repository.ts ["ls", "-l", origin]': "a file of a mirror that is missing",
  'resources/etckeeper.ts ["sudo", "etckeeper", "commit", "before edox-ops"]': "etckeeper is a program of its own",
  'resources/pi.ts ["sudo", "apt-get", "install", tool]': ["doctor/pi.test.ts", "told}, with a hint`"],
  'resources/pi.ts ["sudo", "sed", "-i", `1 s/$/ {cgroupWords}/`, path]':
    "the firmware of a Raspberry Pi reads it at the next boot",
  'resources/pi.ts ["sudo", "systemctl", "reboot"]': "it reboots",
  'resources/port.ts ["sudo", "ss", "-ltnp", "sport", "=", `:{port}`]':
    "it shows a port of the machine that another program listens on",
  'resources/ready.ts ["cloud-init", "status", "--long"]': "cloud-init prints what it does at a boot",
  'resources/ready.ts ["sudo", "timedatectl", "set-ntp", "true"]': "a clock that systemd keeps",
  'runner/containers.ts ["sudo", "docker", "ps"]': "docker prints what a real engine knows of its containers",
  'runner/drain.ts ["systemctl", "status", unit]':
    "systemctl prints what systemd knows, and a test in one process has none",
  'runner/gitlab.ts ["sudo", "edox-ops", "gitlab-runner", "register", "--url", url, "--token", "-"]':
    "only for a caller that gives no command to repeat: none prints it",
  'runner/selftest.ts ["docker", "save", "--output", "dind.tar", dindImage]':
    "docker prints what a real engine knows of its images",
  'runner/selftest.ts ["sudo", ...withFlag(typed, "--image", "dind.tar")]':
    "dind.tar is what docker save wrote on another host; it needs a real engine",
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
