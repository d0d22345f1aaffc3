// States of a host with a repository of restic, each with the hint that it produces.

import { afterAll } from "bun:test";
import { environmentPath, passwordPath, settingsPath } from "../../src/backup/paths.ts";
import { type State, writeState } from "../../src/backup/state.ts";
import type { Output } from "../../src/host/host.ts";
import { FakeRestic } from "../backup/fake-restic.ts";
import { enableDaily } from "../backup/recorded.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import type { Case } from "./cases.ts";

const timer = "/etc/systemd/system/edox-ops-backup.timer";
const made: FakeRestic[] = [];
afterAll(() => {
  for (const each of made) each[Symbol.dispose]();
});

interface Options {
  repository?: string;
  state?: Partial<State>;
  /** Brings the host into the state, after the repository was recorded. */
  more?: (host: FakeHost, restic: FakeRestic) => void;
}

/** Records a repository that exists, and whose backups run every day. */
const withRepository =
  ({ repository = "/srv/repo", state = {}, more }: Options = {}) =>
  async (host: FakeHost): Promise<void> => {
    const restic = new FakeRestic("/none");
    made.push(restic);
    restic.exists = true;
    const settings = { repository, host: "alpha", with_releases: false, keep: null };
    host.put(settingsPath, JSON.stringify(settings), { mode: 0o600 });
    host.put(passwordPath, "secret\n", { mode: 0o600 });
    host.put("/proc/sys/kernel/hostname", "alpha\n");
    for (const dir of ["/var/lib", "/srv/repo"]) if (host.stat(dir) === null) host.dir(dir);
    host.taught.unshift((argv) => restic.answer(argv));
    await enableDaily(host);
    writeState(host, repository, { backedUpMs: host.now(), verifiedMs: host.now(), ...state });
    more?.(host, restic);
  };

/** Lets restic fail at a command, this many times. */
const failing = (word: string, stderr: string, { times = 1, code = 1 } = {}) => {
  const failure = (args: readonly string[]): Output | undefined =>
    args[0] === word ? { code, stdout: "", stderr } : undefined;
  return (_: FakeHost, restic: FakeRestic): void => {
    restic.failing = Array(times).fill(failure);
  };
};

/** Lets restic fail until a package is installed. */
const without = (name: string, answer: Output) => (host: FakeHost) => {
  let isMissing = true;
  host.taught.unshift((argv) => {
    if (argv.join(" ") === `apt-get install ${name}`) {
      isMissing = false;
      return ok();
    }
    return isMissing && argv.includes("restic") ? answer : undefined;
  });
};

/** Lets a program print this. */
const printing = (name: string, stdout: string, then: ReturnType<typeof failing>) => {
  return (host: FakeHost, restic: FakeRestic) => {
    host.taught.unshift((argv) => (argv[0] === name ? ok(stdout) : undefined));
    then(host, restic);
  };
};

const snapshot = { id: "1234abcd".repeat(8), time: "2026-11-30T03:00:00Z", hostname: "alpha", tags: ["edox-ops"] };
const hasSnapshot = (_: FakeHost, restic: FakeRestic) => void restic.snapshots.push(snapshot);
const noFile = { code: 1, stdout: "", stderr: "Fatal: unable to open repository\n" };

export const backupCases: Case[] = [
  {
    of: 'backup/checks.ts ["sudo", "chmod", "600", path]',
    state: withRepository({ more: (host) => host.put(environmentPath, "AWS_ACCESS_KEY_ID=x\n", { mode: 0o644 }) }),
    from: "backup:repo",
  },
  {
    of: 'backup/checks.ts ["sudo", "edox-ops", "backup", "enable", "--yes"]',
    state: withRepository({ more: (host) => host.remove(timer) }),
    from: "backup:age",
  },
  {
    of: 'backup/checks.ts ["sudo", "edox-ops", "backup", "run"]',
    state: withRepository({ state: { backedUpMs: null } }),
    from: "backup:age",
  },
  {
    of: 'backup/checks.ts ["sudo", "edox-ops", "backup", "verify"]',
    state: withRepository({ state: { verifiedMs: null } }),
    from: "backup:verify",
  },
  {
    of: 'backup/checks.ts [...verify, "--all"]',
    state: withRepository({ state: { damage: "repository /srv/repo: it is damaged" } }),
    from: "backup:verify",
  },
  {
    of: 'backup/restic-faults.ts ["df", "-h", path]',
    state: withRepository({ more: failing("backup", "Fatal: write /srv/repo/data/x: disk quota exceeded\n") }),
    from: "backup run",
    shows: "Filesystem",
  },
  {
    of: 'backup/restic-faults.ts ["ls", "-ld", path]',
    state: withRepository({
      more(_, restic) {
        restic.exists = false;
      },
    }),
    from: "backup run",
    shows: "drwx",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "edox-ops", "backup", "run"]',
    state: withRepository({ more: failing("backup", "Fatal: repository is already locked by PID 5\n", { times: 3 }) }),
    from: "backup run",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "restic", "--repo", location, "--password-file", passwordPath, ...words]',
    state: withRepository({ more: failing("check", "Fatal: repository contains errors\n") }),
    from: "backup verify",
  },
  {
    of: 'backup/restic-faults.ts ["edox-ops", "backup", "enable", "--help"]',
    state: withRepository({
      repository: "rest:https://host/alpha/",
      more: failing("backup", "Fatal: server response unexpected: 507 Insufficient Storage (507)\n"),
    }),
    from: "backup run",
    shows: "--keep",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "ssh", ...(ssh.port === null ? [] : ["-p", ssh.port]), ssh.destination]',
    state: withRepository({
      repository: "sftp:web1@nas:/srv",
      more: printing(
        "ssh",
        "The authenticity of host 'nas' can't be established.\n",
        failing("backup", "subprocess ssh: Host key verification failed.\nFatal: unable to open repository\n"),
      ),
    }),
    from: "backup run",
    shows: "authenticity of host",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "rclone", "listremotes"]',
    state: withRepository({
      repository: "rclone:other:alpha",
      more: printing("rclone", "nas:\n", failing("backup", "Fatal: didn't find section in config file\n")),
    }),
    from: "backup run",
    shows: "nas:",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "rclone", "lsd", location.slice("rclone:".length)]',
    state: withRepository({
      repository: "rclone:nas:alpha",
      more: printing("rclone", "-1 alpha\n", failing("backup", "Fatal: error talking HTTP to rclone: EOF\n")),
    }),
    from: "backup run",
    shows: "alpha",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "rclone", "about", location.slice("rclone:".length)]',
    state: withRepository({
      repository: "rclone:nas:alpha",
      more: printing("rclone", "Free: 0 B\n", failing("backup", "Fatal: Error 403: quotaExceeded\n")),
    }),
    from: "backup run",
    shows: "Free: 0 B",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "apt-get", "install", kind === "rclone" ? "rclone" : "openssh-client"]',
    state: withRepository({
      repository: "sftp:web1@nas:/srv",
      more: without("openssh-client", {
        ...noFile,
        stderr: 'Fatal: exec: "ssh": executable file not found in $PATH\n',
      }),
    }),
    from: "backup run",
  },
  {
    of: 'backup/restic-errors.ts ["sudo", "apt-get", "install", "restic"]',
    state: withRepository({ more: without("restic", { ...noFile, code: 127 }) }),
    from: "backup run",
  },
  {
    of: 'backup/restic-faults.ts ["sudo", "edox-ops", "backup", "list"]',
    state: withRepository({
      more(host, restic) {
        hasSnapshot(host, restic);
        failing("restore", 'no matching ID found for prefix "1234abcd"\n')(host, restic);
      },
    }),
    from: "backup restore --yes",
    shows: "1234abcd",
  },
  {
    of: 'backup/fetched.ts ["sudo", "edox-ops", "backup", "list"]',
    state: withRepository({ more: hasSnapshot }),
    from: "backup restore --yes",
    shows: "1234abcd",
  },
  {
    of: 'backup/snapshots.ts ["sudo", "edox-ops", "backup", "list"]',
    state: withRepository({ more: hasSnapshot }),
    from: "backup restore --snapshot 00000000 --yes",
    shows: "1234abcd",
  },
  {
    of: 'backup/snapshots.ts ["sudo", "edox-ops", "backup", "run"]',
    state: withRepository(),
    from: "backup restore --yes",
    after: "backup list",
  },
  {
    of: 'backup/run.ts ["sudo", "edox-ops", "backup", "list"]',
    state: withRepository({
      more(host, restic) {
        hasSnapshot(host, restic);
        failing("backup", "", { code: 0 })(host, restic);
      },
    }),
    from: "backup run",
    shows: "1234abcd",
  },
  {
    of: 'backup/settings.ts ["sudo", "ls", "-l", path]',
    state: withRepository({ more: (host) => host.remove(passwordPath) }),
    from: "backup run",
    shows: "No such file",
  },
];
