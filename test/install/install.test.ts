// The installer on a suitable host, and what it does with existing files.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { filled } from "../../build/installer.ts";
import { Ground, type Shell, shells } from "./installing.ts";
import { template } from "./release.ts";
import { current, expectRefused, newer, older, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.up();
});
afterAll(() => stage?.[Symbol.dispose]());

const names = Object.keys(shells) as Shell[];

for (const shell of names) {
  test(`install.sh: installs in ${shell} with curl, wget and busybox wget, and passes its arguments on`, async () => {
    const one = async (client: "curl" | "wget" | "busybox"): Promise<void> => {
      using ground = new Ground(client);
      const { installer } = stage.release(current);
      const ended = await ground.install(installer, stage.authority, { shell, args: ["bootstrap", "--yes", "a b"] });
      const line = `edox-ops ${current} is installed: ${ground.target}`;
      expect(ended).toMatchObject({ code: 0, stdout: `${line}\nran: bootstrap --yes a b\n` });
      expect(ended.stderr).toMatch(/^fetching https:\S+\n$/);
      stage.expectInstalled(ground, current);
      expect(statSync(ground.target).mode & 0o7777).toBe(0o755);
    };
    await Promise.all([one("curl"), one("wget"), one("busybox")]);
  });
}

test("install.sh: prints the next command if it has no arguments", async () => {
  using ground = new Ground("curl");
  const { stdout } = await ground.install(stage.release(current).installer, stage.authority);
  expect(stdout).toMatch(/\nnext: (sudo )?\S+\/bin\/edox-ops bootstrap --yes\n$/);
});

test("install.sh: a script that is cut off at any tenth, or within its last line, does nothing", async () => {
  const { installer } = stage.release(current);
  const { url, asked } = stage.server.place();
  const tenths = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((tenth) => Math.floor((installer.length * tenth) / 10));
  const last = [...'{ main "$@"; }\n'].map((_, index) => installer.length - 2 - index);
  expect(installer).toEndWith('\n{ main "$@"; }\n');
  await Promise.all(
    names.map(async (shell) => {
      using ground = new Ground("curl");
      for (const end of [...tenths, ...last]) {
        const part = installer.slice(0, end);
        const ended = await ground.install(part, stage.authority, { shell, env: { EDOX_BASE_URL: url } });
        expect([ground.left, ended.stdout]).toEqual([[], ""]);
      }
    }),
  );
  expect(asked).toEqual([]);
});

test("install.sh: fetches the smallest asset that the host can unpack: Debian package, .gz, or executable", async () => {
  for (const [without, asset] of [
    [[], `edox-ops_${current}_amd64.deb`],
    [["dpkg-deb"], "edox-ops-linux-x64.gz"],
    [["tar"], "edox-ops-linux-x64.gz"],
    [["dpkg-deb", "gzip", "dpkg", "dpkg-query", "flock"], "edox-ops-linux-x64"],
  ] as const) {
    using ground = new Ground("curl", without);
    const { url, asked } = stage.server.place();
    await ground.install(stage.release(current).installer, stage.authority, { env: { EDOX_BASE_URL: `${url}/` } });
    stage.expectInstalled(ground, current);
    expect(asked).toEqual([asset]);
  }
});

test("install.sh: downloads nothing if the same version is installed, and passes its arguments on", async () => {
  using ground = new Ground("none");
  using withCurl = new Ground("curl");
  copyFileSync(stage.binary(current), withCurl.target);
  chmodSync(withCurl.target, 0o644);
  const { url, asked } = stage.server.place();
  const more = { env: { EDOX_BASE_URL: url }, args: ["doctor"] };
  const ended = await withCurl.install(stage.release(current).installer, stage.authority, more);
  const line = `edox-ops ${current} is installed already: ${withCurl.target}`;
  expect(ended).toEqual({ code: 0, stdout: `${line}\nran: doctor\n`, stderr: "" });
  expect(asked).toEqual([]);
  const alone = await ground.install(stage.release(current).installer, stage.authority);
  expectRefused(alone, "nothing here fetches files: neither curl nor wget", "sudo apt-get install curl");
});

test("install.sh: replaces a running program, and removes files of a killed installer", async () => {
  using ground = new Ground("curl");
  copyFileSync("/bin/sleep", ground.target);
  mkdirSync(`${ground.dir}/.edox-ops.new`);
  writeFileSync(`${ground.dir}/.edox-ops.new/edox-ops`, "half");
  const running = Bun.spawn([ground.target, "60"]);
  expect(await ground.install(stage.release(current).installer, stage.authority)).toMatchObject({ code: 0 });
  expect(running.exitCode).toBeNull();
  running.kill();
  stage.expectInstalled(ground, current);
});

test("install.sh: downgrades only if EDOX_VERSION is set", async () => {
  using ground = new Ground("curl");
  copyFileSync(stage.binary(newer), ground.target);
  const { installer } = stage.release(older);
  const refused = await ground.install(installer, stage.authority);
  expectRefused(refused, `is ${newer}, and ${older} is older`, `EDOX_VERSION=${older} sh`);
  stage.expectInstalled(ground, newer);
  const typed = await ground.install(installer, stage.authority, { env: { EDOX_VERSION: older } });
  expect(typed).toMatchObject({ code: 0 });
  stage.expectInstalled(ground, older);
  expect(await ground.install(stage.release(newer).installer, stage.authority)).toMatchObject({ code: 0 });
  stage.expectInstalled(ground, newer);
});

test("install.sh: concurrent installers all succeed, and with flock only one of them downloads", async () => {
  for (const [without, fetched] of [
    [[], 1],
    [["flock"], 4],
  ] as const) {
    using ground = new Ground("curl", without);
    const { url, asked } = stage.server.place();
    const env = { EDOX_BASE_URL: url };
    const { installer } = stage.release(current);
    const all = await Promise.all(
      [...names, names[0]].map((shell) => ground.install(installer, stage.authority, { ...(shell && { shell }), env })),
    );
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    if (fetched === 1) expect(asked).toHaveLength(1);
    stage.expectInstalled(ground, current);
  }
});

test("install.sh: ignores user configuration and variables that affect the programs it calls", async () => {
  const evil = "() { touch /run/ran; }";
  const functions = [
    "set",
    "unset",
    "command",
    "env",
    "sed",
    "[",
    "curl",
    "wget",
    "tar",
    "dpkg-deb",
    "sha256sum",
    "main",
  ];
  for (const shell of names) {
    for (const client of ["curl", "wget", "busybox"] as const) {
      using ground = new Ground(client, ["dpkg-deb"]);
      using packaged = new Ground(client);
      for (const each of [ground, packaged]) {
        const home = `${each.top}/home`;
        mkdirSync(`${home}/.config`, { recursive: true });
        for (const path of [".curlrc", ".config/curlrc"]) {
          writeFileSync(
            `${home}/${path}`,
            'output = "/run/written"\ntrace-ascii = "/run/traced"\nproxy = "http://127.0.0.1:9"\n',
          );
        }
        writeFileSync(`${home}/.wgetrc`, "output_document = /run/written\nhttps_proxy = http://127.0.0.1:9\n");
        const hostile = {
          HOME: home,
          CURL_HOME: home,
          XDG_CONFIG_HOME: `${home}/.config`,
          WGETRC: `${home}/.wgetrc`,
          SSLKEYLOGFILE: "/run/keys",
          CURL_CA_BUNDLE: "/dev/null",
          SSL_CERT_FILE: "/dev/null",
          OPENSSL_CONF: "/none",
          GZIP: "--list",
          TAR_OPTIONS: "--to-command=/run/ran",
          DPKG_ROOT: "/none",
          LC_ALL: "tr_TR.UTF-8",
          LANGUAGE: "de",
          CDPATH: "/",
          TMPDIR: "/none",
          IFS: "/",
          LINES: "a\nPATH=/none",
          ...Object.fromEntries(functions.map((name) => [`BASH_FUNC_${name}%%`, evil])),
        };
        const more = { shell, env: hostile };
        const ended = await each.install(stage.release(current).installer, stage.authority, more);
        expect(ended).toMatchObject({ code: 0 });
        stage.expectInstalled(each, current);
        // mount creates a directory there.
        expect(readdirSync(`${each.top}/run`).filter((name) => name !== "mount")).toEqual(["edox-ops"]);
      }
    }
  }
});

test("install.sh: finds no program in a relative part of PATH or in one of another user", async () => {
  using ground = new Ground("curl");
  const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; mkdir /run/theirs
    for name in curl sha256sum uname id; do printf '#!/bin/sh\\ntouch /run/ran' >/run/theirs/$name; done
    chmod 755 /run/theirs/*; chown 33 /run/theirs; cd /run/theirs; PATH=.::/run/theirs:$outer exec "$@"`;
  const ended = await ground.install(stage.release(current).installer, stage.authority, { within });
  expect(ended).toMatchObject({ code: 0 });
  stage.expectInstalled(ground, current);
  expect(readdirSync(`${ground.top}/run`)).not.toContain("ran");
});

test("install.sh: uses the proxies of the environment, and ignores a umask of 0", async () => {
  using ground = new Ground("curl");
  const within = `umask 0; /bin/rm -rf ${ground.dir}; exec "$@"`;
  const refused = await ground.install(stage.release(current).installer, stage.authority, {
    within,
    env: { https_proxy: "http://127.0.0.1:9" },
  });
  expectRefused(refused, /cannot be fetched: .*127\.0\.0\.1/, "is the network there?");
  const { installer } = stage.release(current);
  expect(await ground.install(installer, stage.authority, { within })).toMatchObject({ code: 0 });
  expect(statSync(ground.dir).mode & 0o777).toBe(0o755);
  expect(statSync(ground.target).mode & 0o777).toBe(0o755);
});

test("install.sh: root rejects a folder in which another user could replace the program", async () => {
  const exposures = {
    "a sticky directory": "chmod 1777 $DIR",
    "a directory of a user": "chown 33 $DIR",
    "a directory of a group": "chgrp 33 $DIR; chmod 775 $DIR",
    "a parent of a user": "chown 33 $DIR/..",
    "a link into the directory of a user":
      "mkdir /run/theirs; chown 33 /run/theirs; rmdir $DIR; ln -s /run/theirs $DIR",
    "a directory that is to be made in that of a user": "chown 33 $DIR/..; rmdir $DIR",
  };
  for (const [what, expose] of Object.entries(exposures)) {
    for (const shell of names) {
      using ground = new Ground("curl");
      const { url, asked } = stage.server.place();
      const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; DIR=${ground.dir}
        ${expose}
        PATH=$outer; "$@" && code=0 || code=$?
        PATH=/usr/sbin:/usr/bin:/sbin:/bin; ls -A $DIR/ 2>/dev/null || true; exit $code`;
      const more = { shell, within, env: { EDOX_BASE_URL: url } };
      const ended = await ground.install(stage.release(current).installer, stage.authority, more);
      expectRefused(ended, / is no place for a program of root's: others than root can change \//, "needs no sudo");
      expect([what, asked]).toEqual([what, []]);
    }
  }
});

test("install.sh: replaces a program that another user owns, without running it", async () => {
  for (const [made, own] of [
    [`cp ${stage.binary(current)} $DIR/edox-ops; chown 33 $DIR/edox-ops`, false],
    [`cp ${stage.binary(current)} $DIR/edox-ops; chmod 757 $DIR/edox-ops`, false],
    [`cp ${stage.binary(current)} /run/theirs; chown 33 /run/theirs; ln -s /run/theirs $DIR/edox-ops`, false],
    [
      "printf '#!/bin/sh\\ntouch /run/ran\\necho 99.0.0' >$DIR/edox-ops; chmod 755 $DIR/edox-ops; chown 33 $DIR/edox-ops",
      false,
    ],
    [`cp ${stage.binary(current)} /run/ours; ln -s /run/ours $DIR/edox-ops`, true],
  ] as const) {
    using ground = new Ground("curl");
    const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; DIR=${ground.dir}
      ${made}; PATH=$outer; "$@"; PATH=/usr/bin:/bin; [ ! -e /run/ran ]`;
    const { code, stdout } = await ground.install(stage.release(current).installer, stage.authority, { within });
    expect([code, stdout]).toEqual([0, expect.stringContaining(own ? "is installed already" : "is installed: ")]);
    if (!own) {
      stage.expectInstalled(ground, current);
      expect(statSync(ground.target)).toMatchObject({ uid: process.geteuid?.(), mode: 0o100755 });
    }
  }
});

test("install.sh: accepts a sticky parent directory, and a folder of the group staff", async () => {
  for (const made of ["chmod 1777 $DIR/..", "chgrp 50 $DIR; chmod 2775 $DIR"]) {
    using ground = new Ground("curl");
    const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; DIR=${ground.dir}; ${made}; PATH=$outer; "$@"`;
    const ended = await ground.install(stage.release(current).installer, stage.authority, { within });
    expect(ended).toMatchObject({ code: 0 });
    stage.expectInstalled(ground, current);
  }
});

test("install.sh: is not delayed by locks that another user holds on everything it can open", async () => {
  const held = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; pids=
  chmod 755 "$INSTALL_DIR/.."
  for path in /run /run/edox-ops /run/edox-ops/program.lock "$INSTALL_DIR" "$INSTALL_DIR"/.edox-ops.locks; do
    setpriv --reuid=65534 --regid=65534 --clear-groups flock --no-fork --nonblock "$path" sh -c 'echo "held $0" >&2; exec sleep 60' "$path" & pids="$pids $!"
  done; sleep 0.5; PATH=$outer; "$@"; kill $pids 2>/dev/null || true`;
  for (const shell of names) {
    using ground = new Ground("curl");
    const { installer } = stage.release(current);
    await ground.install(installer, stage.authority, { shell });
    const again = { shell, within: `INSTALL_DIR=${ground.dir}; ${held}` };
    const { code, stdout, stderr } = await ground.install(installer, stage.authority, again);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`edox-ops ${current} is installed already`)]);
    expect(stderr).toContain("held /run\n");
    expect(stderr).toContain(`held ${ground.dir}\n`);
    expect(stderr).not.toMatch(/held \S*edox-ops/);
    expect(stderr).not.toContain("waiting");
  }
});

test("install.sh: rejects a lock directory that others can open, and a link in its place", async () => {
  for (const made of [
    "mkdir -m 711 /run/edox-ops",
    "ln -s /root /run/edox-ops",
    "install -d -m 700 -o 33 /run/edox-ops",
  ]) {
    using ground = new Ground("curl");
    const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; ${made}; PATH=$outer; exec "$@"`;
    const ended = await ground.install(stage.release(current).installer, stage.authority, { within });
    expectRefused(ended, "/run/edox-ops is not a directory that only its owner can open", "ls -ld /run/edox-ops");
    expect(ground.left).toEqual([]);
  }
});

test("install.sh: waits for a self-update, which holds the same lock", async () => {
  using ground = new Ground("curl");
  const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; mkdir -m 700 /run/edox-ops
    flock /run/edox-ops/program.lock sleep 1 & sleep 0.3; PATH=$outer; exec "$@"`;
  const { code, stderr } = await ground.install(stage.release(current).installer, stage.authority, { within });
  expect([code, stderr]).toEqual([0, expect.stringContaining("another installer or self-update is at work: waiting")]);
});

test("installer template: rejects values that would change the script", () => {
  const { sums } = stage.release(current);
  const release = {
    version: current,
    baseUrl: "https://example.test/-/releases",
    publicKey: stage.keys.publicKey,
    sums,
  };
  expect(filled(template, release)).not.toMatch(/@[A-Z_]+@/);
  expect(() => filled(`${template}@MORE@`, release)).toThrow("nothing is known for @MORE@");
  expect(() => filled("@VERSION@", release)).toThrow("has no @BASE_URL@");
  for (const wrong of [
    { version: "1.2" },
    { baseUrl: "https://example.test/'; id; '" },
    { baseUrl: "https://example.test/-/releases/" },
    { publicKey: "'" },
    { sums: "" },
    { sums: `${sums}'` },
  ]) {
    expect(() => filled(template, { ...release, ...wrong })).toThrow();
  }
});

test("install.sh: removes the version that a self-update kept, and never prints a mirror's password", async () => {
  using ground = new Ground("curl");
  writeFileSync(`${ground.dir}/.edox-ops.previous`, "two releases back");
  const { url } = stage.server.place();
  const env = { EDOX_BASE_URL: url.replace("://", "://bob:s3cret@") };
  const { code, stdout, stderr } = await ground.install(stage.release(current).installer, stage.authority, { env });
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining(`fetching ${url}/`)]);
  expect(stdout + stderr).not.toContain("s3cret");
  stage.expectInstalled(ground, current);
  const gone = { EDOX_BASE_URL: `${env.EDOX_BASE_URL}/none`, EDOX_VERSION: newer };
  const ended = await ground.install(stage.release(current).installer, stage.authority, { env: gone });
  expectRefused(ended, `error: ${url}/none/v${newer}/downloads/SHA256SUMS does not exist`, "EDOX_BASE_URL");
});
