// The installer where all goes well, and what it finds already there.

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
  test(`${shell} installs with curl, with wget and with that of busybox, and hands the rest to what it installed`, async () => {
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

test("without arguments it ends with what to type next", async () => {
  using ground = new Ground("curl");
  const { stdout } = await ground.install(stage.release(current).installer, stage.authority);
  expect(stdout).toMatch(/\nnext: (sudo )?\S+\/bin\/edox-ops bootstrap --yes\n$/);
});

test("a script cut at any tenth, or within its last line, does nothing", async () => {
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

test("the smallest that the host unpacks is fetched: the Debian package, else the .gz, else the executable", async () => {
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

test("where the same is there, nothing is fetched, and the rest is handed to it", async () => {
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

test("what is installed is replaced while it runs, and what a killed installer left is swept", async () => {
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

test("an older release is not installed over a newer one, but where that version is typed", async () => {
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

test("installers at once all end well with one whole file: with flock it is fetched once", async () => {
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

test("install.sh: neither configuration of a user nor a variable steers the programs that it calls", async () => {
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
        // mount has a directory there.
        expect(readdirSync(`${each.top}/run`).filter((name) => name !== "mount")).toEqual(["edox-ops"]);
      }
    }
  }
});

test("install.sh: a relative part of PATH, or one of another user, finds no program", async () => {
  using ground = new Ground("curl");
  const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; mkdir /run/theirs
    for name in curl sha256sum uname id; do printf '#!/bin/sh\\ntouch /run/ran' >/run/theirs/$name; done
    chmod 755 /run/theirs/*; chown 33 /run/theirs; cd /run/theirs; PATH=.::/run/theirs:$outer exec "$@"`;
  const ended = await ground.install(stage.release(current).installer, stage.authority, { within });
  expect(ended).toMatchObject({ code: 0 });
  stage.expectInstalled(ground, current);
  expect(readdirSync(`${ground.top}/run`)).not.toContain("ran");
});

test("install.sh: proxies of the environment are kept, and a umask of 0 opens nothing that it makes", async () => {
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

test("install.sh: root installs nowhere that another user could exchange the program, and runs nothing there", async () => {
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

test("install.sh: a program that another user owns is neither accepted as installed nor run, and is replaced", async () => {
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

test("install.sh: a sticky directory above that of the program, and one of the group staff, are root's all the same", async () => {
  for (const made of ["chmod 1777 $DIR/..", "chgrp 50 $DIR; chmod 2775 $DIR"]) {
    using ground = new Ground("curl");
    const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; DIR=${ground.dir}; ${made}; PATH=$outer; "$@"`;
    const ended = await ground.install(stage.release(current).installer, stage.authority, { within });
    expect(ended).toMatchObject({ code: 0 });
    stage.expectInstalled(ground, current);
  }
});

test("install.sh: a lock that another user holds on everything it can open does not delay it", async () => {
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

test("install.sh: a directory for locks that others can open, or a link in its place, is refused", async () => {
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

test("install.sh: it waits for a self-update, which holds the same lock", async () => {
  using ground = new Ground("curl");
  const within = `outer=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; mkdir -m 700 /run/edox-ops
    flock /run/edox-ops/program.lock sleep 1 & sleep 0.3; PATH=$outer; exec "$@"`;
  const { code, stderr } = await ground.install(stage.release(current).installer, stage.authority, { within });
  expect([code, stderr]).toEqual([0, expect.stringContaining("another installer or self-update is at work: waiting")]);
});

test("the template is not filled with what would make another script of it", () => {
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

test("what a self-update had kept is not the one before this one, and the password of a mirror is not told", async () => {
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
  expectRefused(ended, `error: ${url}/none/v${newer}/downloads/SHA256SUMS is not there`, "EDOX_BASE_URL");
});
