// Sources that no site generator makes, but that another user or an accident may cause.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chownSync, mkdtempSync, rmSync, truncateSync } from "node:fs";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { openSource } from "../../src/sites/source/source-path.ts";
import { runs } from "../runs.ts";
import { TreeHost } from "./tree.ts";
import { registeredHost, typedDeploy } from "./typed-deploy.ts";

const live = "/var/www/docs/demo";
const site = "/srv/site";
const odd = `${site}/odd`;
/** The uid of no account. */
const eve = 64_001;
let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
});
afterEach(() => host[Symbol.dispose]());

/** Deploys the source as the command does, by its open directory. */
const deploy = () => {
  const { path: dir, close: letGo } = openSource(host.host, host.trees, site, [0]);
  return host.deploy({ dir, name: site, letGo });
};
const refusal = (): Promise<string> =>
  deploy().then(
    () => "it was deployed",
    (error) => error.message,
  );
const isSame = (): boolean => Bun.spawnSync(["diff", "-r", host.root + site, host.root + live]).success;

/** Runs Perl in the source directory, because Perl has system calls that Bun lacks. */
function perl(script: string, ...words: string[]): void {
  const { success, stderr } = Bun.spawnSync(["perl", "-e", script, ...words], { cwd: host.root + site });
  if (!success) throw new Error(stderr.toString());
}

/**
 * Makes a page whose path in the source has this length in bytes, name by name, because no system call accepts it
 * whole.
 */
function makeDeepPage(bytes: number): void {
  const make =
    "for (my $n = $ARGV[0] - 10; $n > 0; $n -= 200) { $d = 'd' x ($n > 199 ? 199 : $n); mkdir $d; chdir $d or die } open F, '>page.html' or die; print F 'deep'";
  perl(make, String(bytes));
}

test("deploy: a file that the owner of its directory may not read is rejected, since a move or a hard link puts it there", async () => {
  host.write(`${site}/theirs/secret.html`, "secret");
  chownSync(`${host.root}${site}/theirs`, eve, eve);
  await deploy();
  host.mode(`${site}/theirs/secret.html`, 0o640);
  expect(await refusal()).toBe(
    `${site}/theirs/secret.html belongs to user 0, and user ${eve}, who owns its directory, may not read it`,
  );
  chownSync(`${host.root}${site}/theirs/secret.html`, eve, eve);
  expect((await deploy()).files).toBe(2);
});

test("deploy: the hint for such a file at the top of the source shows the source and the file", async () => {
  chownSync(host.root + site, eve, eve);
  host.mode(`${site}/index.html`, 0o640);
  const problem = await deploy().catch((error) => error);
  expect(problem.hint).toEqual(["ls", "-ld", site, `${site}/index.html`]);
});

test("deploy: a source whose own directory changes while it is read is named without a slash", async () => {
  const { walk, blocks } = host.trees;
  let looks = 0;
  Object.assign(host.trees, {
    blocks(...given: Parameters<typeof blocks>) {
      looks += 1;
      if (looks === 2) host.mode(site, 0o700);
      return blocks(...given);
    },
    walk,
  });
  expect(await refusal()).toBe(`${site} was changed while it was read: nothing was deployed`);
});

test("deploy: a single page is rejected as a source, and the hint publishes its directory", async () => {
  using registered = registeredHost();
  const { exit, err } = await typedDeploy(registered.root, "/srv/site/index.html", "--keep", "3");
  expect([exit, err]).toEqual([
    1,
    "error: /srv/site/index.html is a single page: the source must be a directory or an archive of one\n" +
      "hint: edox-ops project deploy demo --source /srv/site --keep 3\n",
  ]);
  expect(await typedDeploy(registered.root, "/srv/site", "--keep", "3")).toMatchObject({ exit: 0 });
});

describe("deploy: rejected at once by one error that names the entry, and nothing is changed:", () => {
  const cases: [string, () => unknown, string][] = [
    [
      "a sparse file of 3 TB",
      () => {
        host.write(odd, "");
        truncateSync(host.root + odd, 3e12);
      },
      "no room for the new tree in /var/www/docs: 28610",
    ],
    ["a set-group-ID file", () => [host.write(odd, "s"), host.mode(odd, 0o2755)], `${odd} has a set-user-ID or`],
    [
      "a socket",
      () => perl("use IO::Socket::UNIX; IO::Socket::UNIX->new(Local => 'odd', Listen => 1) or die"),
      `${odd} is neither`,
    ],
    ["a device", () => Bun.spawnSync(["mknod", host.root + odd, "c", "1", "5"]), `${odd} is neither`],
    [
      "a symlink to an open file of this process",
      () => host.write(odd, "-> /proc/self/fd/0"),
      `${odd} is a link to /proc/self/fd/0`,
    ],
    [
      "a directory whose name is not UTF-8",
      () => perl("mkdir qq(a\\xff); open F, qq(>a\\xff/page.html)"),
      "characters that no address has",
    ],
    ["a path of 3,901 bytes", () => makeDeepPage(3901), "has a path of more than 3900 bytes in it"],
    ["a path of 6.8 KB", () => makeDeepPage(6800), "has a path of more than 3900 bytes in it"],
    ["a path of 20 KB", () => makeDeepPage(20_000), "has a path of more than 3900 bytes in it"],
  ];
  for (const [name, prepare, said] of cases) {
    test(name, async () => {
      await deploy();
      prepare();
      const { ino } = host.stat(live);
      const message = await refusal();
      expect(message).toContain(said);
      expect(message.length).toBeLessThan(300);
      expect([host.stat(live).ino, host.list(live)]).toEqual([ino, ["index.html"]]);
      expect(host.list("/var/www/docs/.edox-ops-backups/demo").filter((name) => !name.startsWith(".last"))).toEqual([
        ".digests",
      ]);
    });
  }
});

describe("deploy: published completely:", () => {
  test("a path of 3,900 bytes, which is replaced and restored like any other", async () => {
    makeDeepPage(3900);
    expect(await deploy()).toMatchObject({ files: 2, changed: 2 });
    expect(await deploy()).toMatchObject({ files: 2, changed: 0 });
    host.write(`${site}/index.html`, "new!");
    const { backup } = await deploy();
    expect(isSame()).toBe(true);
    expect(await host.deploy({ dir: backup as string, of: "release" })).toMatchObject({ files: 2, changed: 1 });
  });

  test("names of 255 bytes, in letters of one byte and of three", async () => {
    for (const name of ["x".repeat(255), "\u9801".repeat(85)]) host.write(`${site}/${name}`, "x");
    expect(await deploy()).toMatchObject({ files: 3 });
    expect(isSame()).toBe(true);
  });

  test("files and directories of mode 000, which get the modes of a site", async () => {
    host.write(`${site}/d/page.html`, "page");
    const paths = ["d/page.html", "d", "index.html"];
    for (const path of paths) host.mode(`${site}/${path}`, 0);
    await deploy();
    expect(paths.map((path) => host.stat(`${live}/${path}`).mode & 0o7777)).toEqual([0o644, 0o755, 0o644]);
  });

  test("symlinks in a loop, and more of them in a row than the kernel follows", async () => {
    host.write(`${site}/a`, "-> b");
    host.write(`${site}/b`, "-> a");
    for (let i = 0; i < 50; i++) host.write(`${site}/l${i}`, `-> l${i + 1}`);
    await deploy();
    expect(host.list(live)).toEqual(host.list(site));
  });
});

/** Calls a function while a process holds a resource, after the process reported that it does. */
async function whileHeld(argv: string[], act: (pid: number) => unknown): Promise<void> {
  const holder = Bun.spawn(argv, { stdout: "pipe" });
  try {
    const { value } = await holder.stdout.getReader().read();
    expect(Buffer.from(value ?? []).toString()).toBe("held\n");
    await act(holder.pid);
  } finally {
    holder.kill();
    await holder.exited;
  }
}

test("deploy: a source that changes at any moment is published as it was, as it is, or not at all", async () => {
  const pages = ["index.html", "a/page.html"];
  const write = (...texts: string[]): void => {
    for (const [i, page] of pages.entries()) host.write(`${site}/${page}`, texts[i] as string);
  };
  // The unchanged page is hard-linked from the live tree, and the other one is copied. Both must be of the same
  // version.
  const versions = { live: ["same", "live"], before: ["same", "then"], after: ["more", "more"] };
  const methods = Object.entries(host.trees) as [string, (...given: unknown[]) => unknown][];
  /** Changes both pages before the tree call number `at` of a deploy, and returns the number of calls. */
  const deployChanged = async (at: number): Promise<number> => {
    let calls = 0;
    for (const [name, method] of methods) {
      const act = (...given: unknown[]): unknown => {
        if (calls++ === at) write(...versions.after);
        return method(...given);
      };
      Object.assign(host.trees, { [name]: act });
    }
    try {
      expect(await refusal()).toMatch(/^it was deployed$|was changed while it was (read|copied)/);
    } finally {
      Object.assign(host.trees, Object.fromEntries(methods));
    }
    return calls;
  };
  for (let at = 0, calls = 1; at < calls; at += runs(3, 1)) {
    write(...versions.live);
    await deploy();
    write(...versions.before);
    calls = await deployChanged(at);
    if (at === 0) expect(calls).toBeGreaterThan(17);
    expect(Object.values(versions)).toContainEqual(pages.map((page) => host.text(`${live}/${page}`)));
  }
}, 60_000);

test("deploy: a file with a lease of another process is named, and the deploy does not wait for the end of the lease", async () => {
  const leased = `${site}/leased.html`;
  host.write(leased, "leased");
  // F_SETLEASE with F_WRLCK, from <fcntl.h>: other processes cannot open the file until the holder, notified by SIGIO,
  // releases it.
  const script = `$SIG{IO} = 'IGNORE'; open F, '+<', $ARGV[0]; fcntl(F, 1024, 1) or die; $| = 1; print "held\n"; sleep 60`;
  await whileHeld(["perl", "-e", script, host.root + leased], async () => {
    expect(await refusal()).toBe("EAGAIN: resource temporarily unavailable, open '/srv/site/leased.html'");
    expect(host.list(live)).toEqual([]);
  });
});

test("openSource: an open file in /proc of another user's process counts as that user's symlink, and leads to no file of root", async () => {
  // Not in $TMPDIR, which may be in /dev, and sources in /dev are rejected.
  const dir = mkdtempSync("/tmp/edox-odd-");
  const script = `exec 3<"$0"; exec setpriv --reuid=${eve} --regid=${eve} --clear-groups sh -c 'echo held; exec sleep 60'`;
  const open = (pid: number) => openSource(localHost(), localTrees(), `/proc/${pid}/fd/3`, [0]);
  try {
    await whileHeld(["sh", "-c", script, dir], (pid) => {
      expect(() => open(pid)).toThrow(`is a link of user ${eve}, and leads to ${dir}, which belongs to user 0`);
      chownSync(dir, eve, eve);
      const opened = open(pid);
      expect(opened.real).toBe(dir);
      opened.close();
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
