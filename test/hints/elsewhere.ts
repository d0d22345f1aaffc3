// Hints of the source that test/hints.test.ts does not type: each with the test that produces it, or why there is none.

const upkeep = "doctor/upkeep.test.ts";
const pi = ["doctor/pi.test.ts", "told}, with what to type`"] as const;
const runners = ["doctor/runners.test.ts", "check} says so`"] as const;
const requirement = "resources/requirement.test.ts";
const diskFault = "engine/disk-fault.test.ts";
const selfUpdate = "cli/self-update.test.ts";
const certificate = "projects/certificate.test.ts";
const deletion = ["projects/deletion.test.ts", "is named with what to type, and nothing is changed`"] as const;
const lock = ["cli/cli.test.ts", "a held lock is told by name and exits 75"] as const;
/** It repeats what was typed, once nothing is in its way. */
const again = "the same command, which another run, a signal or a missing sudo kept from its end";

export const elsewhere: Record<string, readonly [file: string, title: string] | string> = {
  'cli/cli.ts ["sudo", "edox-ops", ...typed]': [
    "projects/project.test.ts",
    "who is not root is told so by every command",
  ],
  'cli/project/assets-prune.ts ["sudo", "edox-ops", ...context.typed]': again,
  'cli/project/backups-prune.ts ["sudo", "edox-ops", ...context.typed]': again,
  'cli/project/publish.ts ["edox-ops", ...context.typed, "--source", "DIRECTORY"]': "what only a person knows is added",
  'cli/project/publish.ts ["sudo", "edox-ops", "doctor"]': [
    "projects/publish.test.ts",
    "another page, or none, is told",
  ],
  'cli/project/release.ts ["sudo", "edox-ops", ...typed]': again,
  'cli/project/remove.ts ["sudo", "edox-ops", ...context.typed]': again,
  'cli/run.ts ["edox-ops", ...typed]': lock,
  'cli/run.ts ["sudo", "edox-ops", ...typed]': again,
  'cli/self-update.ts ["sudo", "EDOX_BASE_URL=https://…", "edox-ops", "self-update"]': [
    selfUpdate,
    "asks the mirror that the environment names, and refuses what is no address",
  ],
  'cli/self-update.ts ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]': [
    selfUpdate,
    "refuses a version that is none, and two wishes at once",
  ],
  'cli/uninstall.ts ["sudo", "apt-get", "remove", "edox-ops"]': [selfUpdate, "and leaves what apt owns to apt"],
  'cli/uninstall.ts ["sudo", "edox-ops", ...typed]': again,
  'doctor/apt.ts ["sudo", "apt-get", "update"]': ["integration/doctor.test.ts", "nothing is missing after an update"],
  'doctor/doctor.ts ["sudo", "edox-ops", "doctor"]': [
    "doctor/doctor.test.ts",
    "a check that does not answer fails alone",
  ],
  'doctor/entries.ts ["sudo", "edox-ops", "doctor"]': ["doctor/doctor.test.ts", "and only as root"],
  'doctor/pi-power.ts ["vcgencmd", "get_throttled"]': pi,
  'doctor/pi-storage.ts ["cat", `{emmcDir}/life_time`, `{emmcDir}/pre_eol_info`]': pi,
  'doctor/pi-storage.ts ["sudo", "dmesg", "--level=emerg,alert,crit,err,warn"]': pi,
  'doctor/pi.ts ["cat", thermalPath]': pi,
  'doctor/pi.ts ["dpkg", "--print-architecture"]': ["doctor/pi.test.ts", "a 32-bit userland is an error"],
  'doctor/pi.ts ["getconf", "PAGESIZE"]': "only a kernel without an auxiliary vector",
  'doctor/pi.ts ["sudo", "apt-get", "install", "fake-hwclock"]': pi,
  'doctor/pi.ts ["sudo", "sed", "-i", "$ a kernel=kernel8.img", path]': pi,
  'doctor/pi.ts ["vcgencmd", "measure_temp"]': pi,
  'doctor/python-version.ts ["sudo", ...as, "rm", "-r", ...paths]': [
    "doctor/python-version.test.ts",
    "with what removes it and no file of this program",
  ],
  'doctor/runners.ts ["ip", "link", "show", out]': runners,
  'doctor/runners.ts ["sudo", "docker", "system", "df"]': runners,
  'doctor/runners.ts ["sudo", "editor", path]': runners,
  'doctor/runners.ts ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"]': runners,
  'doctor/runners.ts ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"]': runners,
  'doctor/runners.ts ["sudo", "edox-ops", "gitlab-runner", "status"]': runners,
  'doctor/runners.ts ["sudo", "edox-ops", ...register]': runners,
  'doctor/runners.ts ["sudo", "grep", "-nE", "concurren|name", runnerConfigPath]': runners,
  'doctor/runners.ts ["sudo", "mkhomedir_helper", user]': runners,
  'doctor/runners.ts ["sudo", "systemctl", "status", "docker"]': runners,
  'doctor/runners.ts ["sudo", "systemctl", "status", user]': runners,
  'doctor/sites.ts ["ls", "-l", "--time-style=full-iso", changed]': [
    "projects/backup-health.test.ts",
    "one that was edited through it is told",
  ],
  'doctor/sites.ts ["sudo", "edox-ops", "project", "backups", "list", largest.slug]': [
    "projects/backup-health.test.ts",
    "backups count what the live tree does not have, once",
  ],
  'doctor/sites.ts ["sudo", "ls", "-lR", backupsDir]': [
    "projects/backup-health.test.ts",
    "one that cannot be read hides neither the others",
  ],
  'doctor/upkeep.ts ["apt-get", "install", "systemd-timesyncd"]': [upkeep, "who keeps the clock is told"],
  'doctor/upkeep.ts ["sudo", "systemctl", "reboot"]': [upkeep, "a pending reboot names the packages"],
  'doctor/upkeep.ts ["systemctl", "is-system-running"]': [upkeep, "that systemd does not answer is told"],
  'doctor/upkeep.ts ["systemctl", "status", first]': ["integration/doctor.test.ts", "a unit that failed is named"],
  'doctor/upkeep.ts ["timedatectl", "set-ntp", "true"]': [upkeep, "who keeps the clock is told"],
  'doctor/upkeep.ts ["timedatectl", "timesync-status"]': [upkeep, "who keeps the clock is told"],
  'engine/apt.ts ["apt-cache", "policy", ...names]': "a held package, which only a real apt has",
  'engine/apt.ts ["cat", hook.path]': ["engine/apt-hook.test.ts", "a failed hook is reported with its setting"],
  'engine/apt.ts ["sudo", "apt-get", "remove", "--simulate", ...instead]':
    "a package that others need, which only a real apt has",
  'engine/apt.ts ["sudo", "apt-get", "update"]': [
    requirement,
    "an apt-get that exceeds its limit is reported with its last line",
  ],
  'engine/apt.ts ["sudo", "apt-get", ...(warnings.length > 0 ? ["update"] : ["install", "--fix-broken", ...names])]': [
    requirement,
    "and a package that stops dpkg is named",
  ],
  'engine/apt.ts ["timedatectl", "status"]': [requirement, "lists that are not valid yet are retried"],
  'engine/disk-fault.ts ["df", "-h", path]': [diskFault, "a full disk is reported with the target directory"],
  'engine/disk-fault.ts ["df", "-h"]': [diskFault, "a full disk without a path in the messages"],
  'engine/disk-fault.ts ["df", "-i", path]': [diskFault, "exhausted inodes are reported as such"],
  'engine/disk-fault.ts ["findmnt", "--options", "ro"]': [diskFault, "a read-only file system is reported"],
  'engine/disk-fault.ts ["sudo", "mount", "-o", "remount,rw", point]': [
    diskFault,
    "a read-only file system is reported",
  ],
  'engine/transact.ts ["sudo", ...argv]': "the command that failed, which prints its cause again",
  'projects/certificate-hints.ts ["sudo", "certbot", "certonly", "--standalone", ...(isActive(see, "nginx") ? hooks : []), ...name]':
    [certificate, "a missing certificate is refused with the way to get one"],
  'projects/certificate-hints.ts ["sudo", "certbot", "certonly", "--webroot", "-w", acmeDir, ...name]': [
    certificate,
    "a missing certificate of a served site has certbot as its hint",
  ],
  'projects/certificate-hints.ts ["sudo", "certbot", "renew", "--cert-name", project.domain]': [
    certificate,
    "a certificate of certbot's is renewed or issued again by it",
  ],
  'projects/certificate-hints.ts ["sudo", "openssl", "x509", "-in", chainPath, "-noout", "-subject", "-issuer", "-dates"]':
    [certificate, "is refused by project update --tls, with nothing changed"],
  'projects/certificate.ts ["timedatectl"]': [certificate, "is refused by project update --tls, with nothing changed"],
  'projects/deletion.ts ["sudo", "chattr", "-a", path]': deletion,
  'projects/deletion.ts ["sudo", "chattr", "-i", path]': deletion,
  'projects/deletion.ts ["sudo", "ls", "-la", above(dir)]': [
    "projects/deletion.test.ts",
    "it is finished by a repetition",
  ],
  'projects/deletion.ts ["sudo", "umount", path]': deletion,
  'projects/health.ts ("show", slug)': "a fault of the file system while a tree is read",
  'projects/health.ts ("validate", slug)': "what only root may read: root sees it",
  'projects/health.ts ["sudo", "systemctl", "reload", "nginx"]': [
    certificate,
    "one that nginx has not loaded since it was renewed is a warning",
  ],
  'projects/site-hints.ts ["curl", "-sSIk", "--noproxy", "*", "--resolve", resolve, urlOf(project)]': [
    "projects/deploy.test.ts",
    "by a page that is not the new one",
  ],
  'projects/dereference.ts ["df", fits ? "-h" : "-i", docsRoot]': "a full disk",
  'projects/source-hints.ts ["find", top, "-regextype", "posix-extended", "-regex", `.{{longestPath},}`, "-print", "-quit"]':
    ["projects/odd-source.test.ts", "bytes in it"],
  'projects/source-hints.ts ["unzip", "-l", path]': "Debian has no unzip of itself: a zip is listed where there is one",
  'projects/unpacked.ts ["df", limit === "entries" ? "-i" : "-h", docsRoot]': [
    "projects/archive-refused.test.ts",
    "a full disk:",
  ],
  'projects/unpacked.ts ["ls", "-l", given]': ["projects/archive-refused.test.ts", "an archive is refused by name"],
  'projects/unpacked.ts ["tar", "-C", "DIRECTORY", "-czf", "site.tar.gz", "."]': [
    "projects/archive-stdin.test.ts",
    "one that is refused is not waited for",
  ],
  'recipes/docker.ts ["pgrep", "-a", "containerd-shim"]': ["runner/recipes.test.ts", "containerd-shim"],
  'recipes/docker.ts ["sudo", "snap", "start", "docker"]': ["runner/recipes.test.ts", "snap"],
  'recipes/nginx-fault.ts ["sudo", "nginx", "-t"]': ["doctor/doctor.test.ts", "nginx is asked"],
  'release/program.ts ["command", "-v", "edox-ops"]': [selfUpdate, "refuse where this program's file is gone"],
  'release/program.ts ["sudo", "chmod", "go-w", part]': "a program that other users may write: root does not run it",
  'release/program.ts ["sudo", "chown", "root:root", part]': "a program of another user: root does not run it",
  'release/update.ts ["df", "-h", folder]': "a full disk",
  'release/update.ts ["sudo", "apt-get", "install", `./{asset}`]': [selfUpdate, "with the package to fetch"],
  'release/update.ts ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]': "no earlier program is kept",
  'release/update.ts ["sudo", "edox-ops", "self-update", "--version", release.version]':
    "a release that is older than this one",
  'resources/apt-lock.ts ["ps", "-fp", String(holder.pid)]': [
    requirement,
    "a held lock is waited for, and its holder is reported",
  ],
  'resources/apt-readable.ts ["cat", "-n", paths.at(-1) ?? ""]': [
    "resources/apt-readable.test.ts",
    "the hint shows a file that also names other repositories",
  ],
  'resources/apt-readable.ts ["sudo", "mv", spare, `{spare}.disabled`]': [
    "resources/apt-readable.test.ts",
    "the hint disables the one in the older format",
  ],
  'resources/apt-repository.ts ["cat", "-n", path]': "a source that names two repositories on one line of sources",
  'resources/apt-repository.ts ["curl", "-fsSL", keyOrigin]': "another key at a foreign address",
  'resources/apt-repository.ts ["curl", "-fsSLI", url]': "an address that does not answer",
  'resources/apt-repository.ts ["gpg", "--show-keys", keyOrigin]': "another key in a file of a mirror",
  'resources/apt-repository.ts ["ls", "-l", origin]': "a file of a mirror that is missing",
  'resources/etckeeper.ts ["sudo", "etckeeper", "commit", "before edox-ops"]': [
    "resources/etckeeper.test.ts",
    "and the hint commits them",
  ],
  'resources/pi.ts ["sudo", "apt-get", "install", tool]': pi,
  'resources/pi.ts ["sudo", "sed", "-i", `1 s/$/ {cgroupWords}/`, path]': [
    "doctor/pi.test.ts",
    "a memory cgroup that is off is told with the words for cmdline.txt",
  ],
  'resources/pi.ts ["sudo", "systemctl", "reboot"]': ["doctor/pi.test.ts", "a memory cgroup that is off"],
  'resources/port.ts ["sudo", "ss", "-ltnp", "sport", "=", `:{port}`]': [
    requirement,
    "another server on it is reported",
  ],
  'resources/ready.ts ["cloud-init", "status", "--long"]': [requirement, "as soon as cloud-init has finished"],
  'resources/ready.ts ["sudo", "timedatectl", "set-ntp", "true"]': [requirement, "a clock before the build date"],
};

/** Lists of words beside hints that are none by themselves, or the common beginning of several. */
export const parts: string[] = [
  'cli/cli.ts ["edox-ops", ...found.names.slice(0, -1)]',
  'cli/completions.ts ["edox-ops"]',
  'cli/context.ts ["hint"]',
  'cli/self-update.ts ["--version", to]',
  'cli/self-update.ts ["sudo"]',
  'cli/teller.ts ["no-color"]',
  "doctor/doctor.ts [...new Set(changes.map(lack))]",
  "doctor/runners.ts [...found, ...recorded]",
  'doctor/sites.ts ["sudo", ...hint]',
  'doctor/upkeep.ts ["sudo", ...hint]',
  'projects/health.ts ["--source", "DIRECTORY"]',
  'projects/health.ts ["sudo", "edox-ops", "project", ...words]',
  "projects/health.ts [...broken]",
  "projects/health.ts [...hint]",
  'projects/site-hints.ts ["sudo", "edox-ops", "project", ...words]',
  'projects/site-hints.ts ["sudo", ...(isThere ? ["cp", "-a", "--", from, root_path] : ["mkdir", "-p", root_path])]',
  "projects/store.ts (...words: string[])",
  'projects/store.ts ["sudo", "edox-ops", "project", ...words]',
  'release/uninstall.ts ["rm", "-r", path]',
];
