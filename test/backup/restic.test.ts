// How restic is run, what its failures mean, and which secrets reach it.

import { describe, expect, test } from "bun:test";
import { readRepository } from "../../src/backup/repository.ts";
import { packagesFor, repositoryId, resticArgv, runRestic } from "../../src/backup/restic.ts";
import { explained } from "../../src/backup/restic-errors.ts";
import type { Access } from "../../src/backup/settings.ts";
import { chosenSnapshot, listSnapshots } from "../../src/backup/snapshots.ts";
import { Secret } from "../../src/text/secret.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";
import { BackupHost } from "./backup-host.ts";

const accessTo = (location: string, variables: Record<string, string> = {}): Access => ({
  repository: readRepository(location),
  password: new Secret("canary-password"),
  environment: new Map(Object.entries(variables).map(([name, value]) => [name, new Secret(value)])),
});

const restic = ["sudo", "restic", "--repo", "/repo", "--password-file", "/etc/edox-ops/backup-password"];

/** A host with the directories of the failures, and the repository on a disk of its own. */
function diskHost(): FakeHost {
  const host = fakeHost();
  for (const dir of ["/repo/data", "/tmp", "/var/lib/edox-ops/backup", "/var/www/docs"]) host.dir(dir);
  host.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /repo ext4 ro 0 0\n");
  return host;
}

/** Returns the Problem of a run of restic that printed this. */
const problemOf = (stderr: string, access: Access, { code = 1, host = diskHost() } = {}) =>
  explained(host, { code, stdout: "", stderr }, access);

/** Failures as both versions print them, recorded on Debian 12 and 13. */
const recorded: [what: string, code: number, stderr: string, expected: Record<string, unknown>][] = [
  [
    "a wrong password, 0.14",
    1,
    "Fatal: wrong password or no key found\n",
    { code: "permission-denied", message: "repository /repo: the password is wrong" },
  ],
  [
    "a wrong password, 0.18",
    12,
    '{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}\n',
    { code: "permission-denied" },
  ],
  [
    "no repository, 0.14",
    1,
    "Fatal: unable to open config file: stat /repo/config: no such file or directory\nIs there a repository at the following location?\n/repo\n",
    { code: "not-found", hint: ["ls", "-ld", "/repo"] },
  ],
  [
    "no repository, 0.18",
    10,
    '{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist: unable to open config file: stat /repo/config: no such file or directory\\nIs there a repository at the following location?\\n/repo"}\n',
    { code: "not-found" },
  ],
  [
    "a full disk, 0.14",
    1,
    "Fatal: unable to save snapshot: write /repo/data/76/761e-tmp-345420274: no space left on device\n",
    {
      code: "no-space",
      message: "no space left at /repo/data: restic could not write its files",
      hint: ["df", "-h", "/repo/data"],
    },
  ],
  [
    "a full disk, 0.18",
    1,
    'Save(<data/a16a29c8d4>) failed: write /repo/data/a1/a1-tmp-2: no space left on device\n{"message_type":"exit_error","code":1,"message":"Fatal: unable to save snapshot: write /repo/data/a1/a1-tmp-2: no space left on device"}\n',
    { code: "no-space" },
  ],
  [
    "a damaged repository, 0.14",
    1,
    "error for tree bf5fe649:\n  decrypting blob bf5f failed: ciphertext verification failed\nFatal: repository contains errors\n",
    { code: "io-error" },
  ],
  [
    "a damaged repository, 0.18",
    1,
    '{"message_type":"error","message":"error for tree e513aed0:\\n"}\n{"message_type":"exit_error","code":1,"message":"Fatal: repository contains errors"}\n',
    { code: "io-error" },
  ],
  [
    "a missing pack, 0.14",
    1,
    "pack fcda05f9: does not exist\nFatal: repository contains errors\n",
    { code: "io-error", hint: [...restic, "rebuild-index"], message: expect.stringContaining("repair its index") },
  ],
  [
    "a missing pack during a restore, 0.14",
    1,
    "ignoring error for /data/c: StreamPack: open /repo/data/cb/cb83: no such file or directory\nFatal: There were 1 errors\n",
    { code: "io-error", hint: [...restic, "rebuild-index"] },
  ],
  [
    "a missing pack during a restore, 0.18",
    1,
    "ignoring error for /data/c: ReadFull(<data/3b4eb0df4c>): open /repo/data/3b/3b4e: no such file or directory\nFatal: There were 7 errors\n",
    { code: "io-error", hint: [...restic, "rebuild-index"] },
  ],
  [
    "a wrong byte, 0.14",
    1,
    "Pack ID does not match, want cb835264, got 454968ac\nFatal: repository contains errors\n",
    { code: "io-error", hint: ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"] },
  ],
  [
    "a wrong byte, 0.18",
    1,
    "pack 3b4eb0df contains 2 errors: [blob b0f9: ciphertext verification failed unexpected pack id 92404c39]\n\nrestic repair packs 3b4eb0df 92404c39\nrestic repair snapshots --forget\n\nFatal: repository contains errors\n",
    { code: "io-error", hint: [...restic, "repair", "packs", "3b4eb0df", "92404c39"] },
  ],
  [
    "a wrong byte, after a lost connection that came back",
    1,
    "Load(<data/3b4eb0df4c>) returned error, retrying after 1s: read tcp: connection reset by peer\nLoad(<data/3b4eb0df4c>) operation successful after 1 retries\nPack ID does not match, want cb835264, got 454968ac\nFatal: repository contains errors\n",
    { code: "io-error" },
  ],
  [
    "a run that was ended while its server was away",
    137,
    "Save(<data/2dd204bc93>) returned error, retrying after 1s: connect: connection refused\n",
    { code: "unreachable" },
  ],
  [
    "a wrong secret, with which restic tried until it was ended",
    124,
    "Stat(<config/>) returned error, retrying after 1s: Stat: Access Denied.\nno answer within 60 s\n",
    { code: "permission-denied" },
  ],
  [
    "a damaged config",
    2,
    "panic: runtime error: slice bounds out of range [16:2]\n\ngoroutine 1 [running]:\nmain.main()\n\tmain.go:98 +0x151\n",
    { message: "repository /repo: restic failed: panic: runtime error: slice bounds out of range [16:2]" },
  ],
  [
    "a full disk of this host during a restore",
    1,
    "ignoring error for /data/c: write /var/lib/edox-ops/backup/restored/data/c: no space left on device\nFatal: There were 13 errors\n",
    {
      code: "no-space",
      message: "no space left at /var/lib/edox-ops/backup: restic could not write its files",
      hint: ["df", "-h", "/var/lib/edox-ops/backup"],
    },
  ],
  [
    "a full disk of this host during a backup",
    1,
    "Fatal: unable to save snapshot: Write: write /tmp/restic-temp-pack-684708372: no space left on device\n",
    { code: "no-space", hint: ["df", "-h", "/tmp"] },
  ],
  [
    "a full disk of this host during a backup, 0.18",
    1,
    '{"message_type":"exit_error","code":1,"message":"Fatal: unable to save snapshot: failed to save blob from file \\"/var/www/docs/.edox-ops-backup/one/site/big.bin\\": Write: write /tmp/restic-temp-pack-2857390643: no space left on device"}\n',
    { code: "no-space", hint: ["df", "-h", "/tmp"] },
  ],
  [
    "a read-only disk of this host",
    1,
    "Fatal: unable to save snapshot: open /repo/data/76/761e-tmp-345420274: read-only file system\n",
    { code: "read-only-file-system", hint: ["sudo", "mount", "-o", "remount,rw", "/repo"] },
  ],
  [
    "a lock",
    1,
    "Fatal: unable to create lock in backend: repository is already locked by PID 5 on beta by root (UID 0, GID 0)\n",
    { code: "in-use" },
  ],
  [
    "no snapshot, 0.14",
    1,
    'invalid id "00000000": no matching ID found for prefix "00000000"\n',
    { code: "not-found", hint: ["sudo", "edox-ops", "backup", "list"] },
  ],
  [
    "restic is missing",
    127,
    "restic is not installed",
    { code: "precondition-failed", hint: ["sudo", "apt-get", "install", "restic"] },
  ],
  [
    "anything else",
    1,
    "Fatal: the moon is wrong\n",
    { code: "command-failed", message: "repository /repo: restic failed: the moon is wrong" },
  ],
];

describe("restic", () => {
  test.each(recorded)("restic: %s is explained", (_, code, stderr, expected) => {
    expect(problemOf(stderr, accessTo("/repo"), { code })).toMatchObject(expected);
  });

  test.each([
    [
      "sftp:web1@nas:/srv",
      "subprocess ssh: ssh: connect to host nas port 22: Connection refused\nFatal: unable to open repository",
      "unreachable",
      ["sudo", "ssh", "web1@nas"],
    ],
    [
      "sftp://web1@nas:2222//srv",
      "subprocess ssh: Host key verification failed.\nFatal: unable to open repository",
      "unreachable",
      ["sudo", "ssh", "-p", "2222", "web1@nas"],
    ],
    [
      "sftp:web1@nas:/srv",
      "subprocess ssh: web1@nas: Permission denied (publickey).\nFatal: unable",
      "permission-denied",
      ["sudo", "ssh", "web1@nas"],
    ],
    [
      "sftp:nas:/srv",
      'Fatal: unable to open repository: exec: "ssh": executable file not found in $PATH',
      "precondition-failed",
      ["sudo", "apt-get", "install", "openssh-client"],
    ],
    [
      "rest:http://host:1/",
      'Head "http://:***@host:1/config": dial tcp 10.0.0.1:1: connect: connection refused\n',
      "unreachable",
      ["curl", "-sSI", "http://host:1"],
    ],
    [
      "rest:https://host/",
      "Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized\n",
      "permission-denied",
      ["curl", "-sSI", "https://host"],
    ],
    [
      "sftp:user@host:/srv",
      "Save(<lock/8ea8057048>) failed: sftp: no space left on device\nunable to create lock in backend: sftp: no space left on device\n",
      "no-space",
      ["sudo", "ssh", "user@host", "df", "-h"],
    ],
    [
      "sftp:user@host:/srv",
      'Save(<lock/31f0acc05c>) returned error, retrying after 15.3s: Write: sftp: "Failure" (SSH_FX_FAILURE)\nsftp: "Failure" (SSH_FX_FAILURE)\nWrite\nunable to create lock in backend\n',
      "no-space",
      ["sudo", "ssh", "user@host", "df", "-h"],
    ],
    [
      "rest:https://host/alpha/",
      "Fatal: unable to save snapshot: server response unexpected: 507 Insufficient Storage (507)\n",
      "no-space",
      ["edox-ops", "backup", "enable", "--help"],
    ],
    [
      "rclone:nas:alpha",
      "Fatal: unable to save snapshot: googleapi: Error 403: quotaExceeded\n",
      "no-space",
      ["sudo", "rclone", "about", "nas:alpha"],
    ],
    [
      "s3:http://host:7070/alpha",
      "Fatal: create repository at s3:http://host:7070/alpha failed: client.BucketExists: The request signature we calculated does not match the signature you provided. Check your key and signing method.\n",
      "permission-denied",
      ["curl", "-sSI", "http://host:7070"],
    ],
    [
      "s3:http://host:7070/alpha",
      "Stat(<config/>) returned error, retrying after 1.001365319s: Stat: The specified bucket does not exist.\n",
      "not-found",
      ["sudo", "edox-ops", "backup", "init", "--repo", "s3:http://host:7070/alpha", "--generate"],
    ],
    [
      "sftp:user@host:/srv/backup",
      "Fatal: create repository at sftp:user@host:/srv/backup failed: permission denied\n",
      "permission-denied",
      ["sudo", "ssh", "user@host"],
    ],
    [
      "/repo",
      "Fatal: create repository at /repo failed: mkdir /repo: permission denied\n",
      "permission-denied",
      ["ls", "-ld", "/repo"],
    ],
    [
      "sftp:backup@host:/srv/backup",
      "Fatal: unable to open repository at sftp:backup@host:/srv/backup: unable to start the sftp session, error: packet too long\n",
      "unreachable",
      ["sudo", "ssh", "backup@host"],
    ],
    [
      "rclone:other:alpha",
      'rclone: 2026/11/30 00:31:39 Failed to create file system for "other:alpha": didn\'t find section in config file\nFatal: unable to open repository at rclone:other:alpha: error talking HTTP to rclone: Get "http://localhost/file-5577": unexpected EOF\n',
      "not-found",
      ["sudo", "rclone", "listremotes"],
    ],
    [
      "rclone:nas:alpha",
      "rclone: 2026/11/30 00:31:39 CRITICAL: Failed to create file system\nFatal: unable to open repository at rclone:nas:alpha: error talking HTTP to rclone: exit status 1\n",
      "unreachable",
      ["sudo", "rclone", "lsd", "nas:alpha"],
    ],
  ])("restic: for %s, the hint of '%s' opens the same connection", (location, stderr, code, hint) => {
    expect(problemOf(stderr, accessTo(location))).toMatchObject({ code, hint });
  });

  test("restic: no secret is on the command line or in a message, and a password does not hide the fault", async () => {
    using host = new BackupHost();
    const access = accessTo("rest:https://host/alpha/", {
      RESTIC_REST_USERNAME: "ann",
      RESTIC_REST_PASSWORD: "canary-rest",
    });
    await repositoryId(host.host, access);
    expect(host.restic.lines.join("\n")).not.toContain("canary");
    expect(host.restic.environments[0]).toMatchObject({
      RESTIC_REPOSITORY: "rest:https://ann:canary-rest@host/alpha/",
      RESTIC_PASSWORD: "canary-password",
    });
    const stderr = "Fatal: https://ann:canary-rest@host/: canary-password is odd\n";
    const { message, stderr: shown } = problemOf(stderr, access);
    expect(message + shown).not.toContain("canary");
    const wrong = { ...access, password: new Secret("wrong") };
    expect(problemOf("Fatal: wrong password or no key found", wrong).code).toBe("permission-denied");
  });

  test("restic: a disk of this host without inodes is reported as such", () => {
    const host = diskHost();
    host.space = () => ({ bytesFree: 5e9, inodes: 1e6, inodesFree: 0 });
    const stderr = "Fatal: unable to save snapshot: open /tmp/restic-temp-pack-1: no space left on device\n";
    expect(problemOf(stderr, accessTo("/repo"), { host })).toMatchObject({
      message: "no inodes left at /tmp: restic could not write its files",
      hint: ["df", "-i", "/tmp"],
    });
  });

  test("restic: the functions that an earlier version prints below an error are left out", () => {
    const frames =
      "github.com/restic/restic/internal/backend/sftp.(*SFTP).Save\n\tgithub.com/restic/restic/internal/backend/sftp/sftp.go:367\nmain.glob..func11\n\tgithub.com/restic/restic/cmd/restic/cmd_forget.go:35\nruntime.goexit\n\truntime/asm_amd64.s:1594\n";
    const { stderr } = problemOf(`the moon\n${frames}unable to create lock in backend\n`, accessTo("/repo"));
    expect(stderr).toBe("the moon\nunable to create lock in backend");
  });

  test("restic: a damaged repository with credentials is replaced, because no hint can contain them", () => {
    const access = accessTo("s3:https://s3.test/bucket", { AWS_SECRET_ACCESS_KEY: "canary" });
    const stderr = "pack fcda05f9: does not exist\nFatal: repository contains errors\n";
    expect(problemOf(stderr, access).hint).toEqual([
      ...["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"],
    ]);
  });

  test("restic: ssh asks nothing and gives up on a server that does not answer", () => {
    expect(resticArgv(accessTo("sftp://web1@nas:2222//srv"), ["snapshots"])).toEqual([
      "restic",
      "-o",
      "sftp.command=ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=20 -o ServerAliveCountMax=3 -p 2222 web1@nas -s sftp",
      "snapshots",
    ]);
    expect(
      ["/repo", "sftp:nas:/srv", "rclone:a:b", "s3:https://a/b"].map((each) => packagesFor(accessTo(each))),
    ).toEqual([["restic"], ["restic", "openssh-client"], ["restic", "rclone"], ["restic"]]);
  });

  test("restic: what ssh reported and restic lost is asked for again", async () => {
    using host = new BackupHost();
    const { probe } = host.host;
    const lost = "unable to open repository: unable to start the sftp session, error: read |0: file already closed";
    host.restic.failing = [() => host.restic.fatal(1, lost)];
    Object.assign(host.host, {
      probe: (argv: string[]) =>
        argv[0] === "ssh" ? { code: 255, stdout: "", stderr: "Host key verification failed.\r\n" } : probe(argv),
    });
    const failed = repositoryId(host.host, accessTo("sftp:web1@nas:/srv")).catch((error) => error);
    expect(await failed).toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("does not know the host key"),
    });
  });

  test("restic: it is killed together with this program, so that the next run never meets it", async () => {
    using host = new BackupHost();
    const ran: (readonly string[])[] = [];
    const { run } = host.host;
    const record: typeof run = (argv, options) => {
      ran.push(argv);
      return run(argv, options);
    };
    Object.assign(host.host, { run: record });
    await runRestic(host.host, host.access, ["prune"]);
    expect(ran).toEqual([["setpriv", "--pdeathsig", "KILL", "restic", "prune"]]);
  });

  test("restic: a lock that a killed run left is removed, and any other lock is reported", async () => {
    using host = new BackupHost();
    const locked = host.restic.fatal(
      11,
      "unable to create lock in backend: repository is already locked by PID 5 on beta",
    );
    host.restic.failing = [(args) => (args[0] === "prune" ? locked : undefined)];
    await runRestic(host.host, host.access, ["prune"]);
    expect(host.restic.lines).toEqual(["prune", "list locks --no-lock", "unlock", "prune"]);
    const isLocked = (args: readonly string[]) => (args[0] === "prune" ? locked : undefined);
    host.restic.failing = [isLocked, isLocked, isLocked];
    const failed = runRestic(host.host, host.access, ["prune"]);
    expect(await failed.catch((error) => error)).toMatchObject({ code: "in-use" });
  });

  for (const version of ["0.14", "0.18"] as const) {
    test(`restic ${version}: a missing repository is told from one that cannot be opened`, async () => {
      using host = new BackupHost(version);
      expect(await repositoryId(host.host, host.access)).toBe("51f18db7");
      Object.assign(host.restic, { exists: false });
      expect(await repositoryId(host.host, host.access)).toBeNull();
      expect(await listSnapshots(host.host, host.access, null).catch((error) => error)).toMatchObject({
        code: "not-found",
      });
      Object.assign(host.restic, { exists: true, password: "another" });
      expect(await repositoryId(host.host, host.access).catch((error) => error)).toMatchObject({
        code: "permission-denied",
      });
    });
  }
});

describe("snapshots", () => {
  const id = (digit: string) => digit.repeat(64);
  const all = [
    { id: `aaaa${id("1").slice(4)}`, timeMs: 1, host: "alpha" },
    { id: `aaab${id("2").slice(4)}`, timeMs: 2, host: "alpha" },
  ];

  test("snapshots: the newest one or that with the typed beginning is chosen", () => {
    expect(chosenSnapshot(all, undefined)).toBe(all[1] as (typeof all)[0]);
    expect(chosenSnapshot(all, "latest")).toBe(all[1] as (typeof all)[0]);
    expect(chosenSnapshot(all, "aaaa1111")).toBe(all[0] as (typeof all)[0]);
  });

  test.each([["zzzz"], ["aaa"], ["--help"], ["aaac"], [""]])("snapshots: '%s' is refused", (typed) => {
    expect(() => chosenSnapshot(all, typed)).toThrow(`snapshot '${typed}'`);
  });

  test("snapshots: without one there is a hint, and the newest of several hosts is not guessed", () => {
    expect(() => chosenSnapshot([], undefined)).toThrow("no snapshot of this host yet");
    const mixed = [...all, { id: id("3"), timeMs: 3, host: "beta" }];
    expect(() => chosenSnapshot(mixed, undefined)).toThrow("several hosts (alpha, beta)");
  });
});
