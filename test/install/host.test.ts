// The installer on unsuitable and unusual hosts: it prints the reason and leaves no files behind.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { filled, preinst } from "../../build/installer.ts";
import type { Ended } from "../integration/run.ts";
import { Ground, type Shell, shells } from "./installing.ts";
import { sha256, template } from "./release.ts";
import { current, expectRefused, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.up();
});
afterAll(() => stage?.[Symbol.dispose]());

/**
 * Runs the installer after `mounts` has run in its mount namespace. Prints the files left in the folder to stdout,
 * which has to be empty.
 */
function within(
  ground: Ground,
  mounts: string,
  env: Record<string, string> = {},
  shell: Shell = "dash",
): Promise<Ended> {
  const bin = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  const listed = `${bin} ls -A ${ground.dir}`;
  const script = `outer=$PATH; ${bin}; ${mounts}\nPATH=$outer; "$@" && exit 0 || code=$?; ${listed}; exit $code`;
  return ground.install(stage.release(current).installer, stage.authority, { within: script, env, shell });
}

test("install.sh: reports too little free space before it downloads anything", async () => {
  using ground = new Ground("curl");
  const { url, asked } = stage.server.place();
  const ended = await within(ground, `mount -t tmpfs -o size=1m,mode=755 none ${ground.dir}`, { EDOX_BASE_URL: url });
  expectRefused(ended, /has 1 MB free, 180 MB are needed/, "make room: df -h");
  expect(asked).toEqual([]);
});

test("install.sh: a disk that fills up during the download or unpacking keeps the old version", async () => {
  for (const client of ["curl", "wget", "busybox"] as const) {
    using ground = new Ground(client);
    ground.fake("df", "exit 1");
    const disk = (size: string) => within(ground, `mount -t tmpfs -o size=${size},mode=755 none ${ground.dir}`);
    expectRefused(await disk("64k"), /deb cannot be (kept in|fetched)/, /make room|is the network/);
    expectRefused(await disk("260k"), "deb cannot be unpacked", "is there room?");
  }
});

test("install.sh: names a read-only folder, or a folder of another user", async () => {
  using ground = new Ground("curl");
  const ended = await within(ground, `mount -t tmpfs -o ro,mode=755 none ${ground.dir}`);
  expectRefused(ended, `nothing can be written to ${ground.dir}`, "findmnt -T");
  ground.fake("id", '[ "$1" = -u ] && echo 1000 || echo somebody');
  const foreign = await within(ground, `mount -t tmpfs -o ro,mode=755 none ${ground.dir}`);
  expectRefused(foreign, `${ground.dir} cannot be written to by somebody`, "run it as root");
  const nowhere = await within(ground, "", { EDOX_INSTALL_DIR: "/proc/bin" });
  expectRefused(nowhere, "the folder /proc/bin cannot be made", "run it as root");
});

test("install.sh: works with a noexec /tmp, and names a noexec install folder", async () => {
  for (const shell of Object.keys(shells) as Shell[]) {
    using ground = new Ground("curl");
    const { top } = ground;
    const ca = stage.authority.replace(/\/[^/]*$/, "");
    const binds = [top, ca].map((path, index) => {
      const aside = `/mnt/${index}`;
      return `mkdir -p ${aside}; mount --bind ${path} ${aside}`;
    });
    const back = [top, ca].map((path, index) => `mkdir -p ${path}; mount --bind /mnt/${index} ${path}`);
    const noexec = "mount -t tmpfs -o noexec,mode=1777 none /tmp";
    await within(ground, ["mount -t tmpfs none /mnt", ...binds, noexec, ...back].join("; "), {}, shell);
    stage.expectInstalled(ground, current);
  }
  using ground = new Ground("curl");
  const ended = await within(ground, `mount -t tmpfs -o noexec,mode=755 none ${ground.dir}`);
  expectRefused(ended, `${ground.dir} does not let programs run`, "EDOX_INSTALL_DIR=");
});

test("install.sh: reports a missing /proc", async () => {
  using ground = new Ground("curl");
  expectRefused(await within(ground, "mount -t tmpfs none /proc"), "/proc is not mounted", "mount -t proc proc /proc");
});

test("install.sh: rejects a 32-bit system with a 64-bit kernel, detected by dpkg or by ELF headers", async () => {
  using ground = new Ground("curl");
  const { installer } = stage.release(current);
  for (const arch of ["armhf", "armel", "i386"]) {
    ground.fake("dpkg", `echo ${arch}`);
    const ended = await ground.install(installer, stage.authority);
    expectRefused(ended, `this system is 32-bit (${arch})`, "install Debian or Raspberry Pi OS for arm64 or amd64");
  }
  ground.fake("dpkg", "exit 1");
  const header = (bits: string, machine: string) =>
    ground.fake("od", `echo " 7f 45 4c 46 ${bits} 01 01 00 00 00 00 00 00 00 00 00 03 00 ${machine} 00"`);
  header("01", "28");
  expectRefused(await ground.install(installer, stage.authority), "this system is 32-bit", "64-bit system");
  header("02", "f3");
  expectRefused(
    await ground.install(installer, stage.authority),
    "there is no edox-ops for machine f3",
    "amd64 and arm64",
  );
  ground.fake("od", "exit 1");
  expectRefused(
    await ground.install(installer, stage.authority),
    "the architecture of this system is not known",
    "apt-get",
  );
  ground.fake("uname", "echo Darwin");
  expectRefused(await ground.install(installer, stage.authority), "edox-ops is for Linux, this is Darwin", "ssh");
});

/** Returns the first processor of /proc/cpuinfo, with these flags. */
function processor(flags: string): string {
  return `processor\t: 0\nmodel name\t: Common KVM processor\nflags\t\t: fpu sse2 ${flags} syscall\n`;
}
const level2 = "ssse3 sse4_1 sse4_2 popcnt";

test("install.sh: rejects a CPU without the required instructions by its name, in every shell", async () => {
  for (const shell of Object.keys(shells) as Shell[]) {
    using ground = new Ground("curl");
    const { url, asked } = stage.server.place();
    const cpuinfo = `${ground.top}/cpuinfo`;
    writeFileSync(cpuinfo, processor("ssse3 sse4_1"));
    const ended = await within(ground, `mount --bind ${cpuinfo} /proc/cpuinfo`, { EDOX_BASE_URL: url }, shell);
    const error = "error: this CPU (Common KVM processor) lacks sse4_2, popcnt, which edox-ops needs (x86-64-v2)";
    expectRefused(ended, error, "qm set VMID --cpu host");
    expect(asked).toEqual([]);
  }
});

test("install.sh: accepts an unknown CPU, and rejects an arm64 kernel with 64 KiB pages", async () => {
  using ground = new Ground("curl");
  const cpuinfo = `${ground.top}/cpuinfo`;
  writeFileSync(cpuinfo, "processor\t: 0\n");
  await within(ground, `mount --bind ${cpuinfo} /proc/cpuinfo`);
  stage.expectInstalled(ground, current);
  ground.fake("dpkg", "echo arm64");
  ground.fake("getconf", "echo 65536");
  const ended = await ground.install(stage.release(current).installer, stage.authority);
  expectRefused(ended, "this kernel has memory pages of 64 KiB, edox-ops needs 4 or 16 KiB", "linux-image-arm64");
});

test("preinst: rejects a CPU that cannot run the program, and another architecture", () => {
  const dir = mkdtempSync(`${tmpdir()}/edox-preinst-`);
  try {
    writeFileSync(`${dir}/preinst`, preinst());
    writeFileSync(`${dir}/old`, processor("ssse3"));
    writeFileSync(`${dir}/new`, processor(level2));
    const run = (cpuinfo: string, architecture: string, word = "install") => {
      const script = `mount --bind ${dir}/${cpuinfo} /proc/cpuinfo; exec sh ${dir}/preinst ${word}`;
      const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DPKG_MAINTSCRIPT_ARCH: architecture };
      const { exitCode, stdout, stderr } = Bun.spawnSync(["unshare", "--mount", "sh", "-euc", script], { env });
      return [exitCode, stdout.toString(), stderr.toString()];
    };
    expect(run("old", "amd64")).toEqual([
      1,
      "",
      `error: this CPU (Common KVM processor) lacks sse4_1, sse4_2, popcnt, which edox-ops needs (x86-64-v2)
hint: of a virtual machine set the CPU type to host or x86-64-v2 (Proxmox: qm set VMID --cpu host; QEMU: -cpu host)
`,
    ]);
    expect(run("old", "amd64", "abort-upgrade")).toEqual([0, "", ""]);
    expect(run("new", "amd64", "upgrade")).toEqual([0, "", ""]);
    expect(run("new", "arm64")).toEqual([
      1,
      "",
      "error: this system is amd64, this package is for arm64\nhint: install the package for amd64 instead\n",
    ]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("install.sh: names the CPU or the shell's limits if a signal kills the program", async () => {
  for (const [signal, error, hint] of [
    ["ILL", "does not start on this host: this CPU lacks an instruction", "set the CPU type to host"],
    ["ABRT", "does not start on this host: it aborts, as it does under a limit on memory (ulimit -v", "ulimit -v"],
    ["SEGV", "does not start on this host: it aborts, as it does under a limit on memory (ulimit -v", "ulimit -v"],
  ] as const) {
    using ground = new Ground("curl");
    const dying = `${ground.top}/dying`;
    writeFileSync(dying, `#!/bin/sh\necho banner >&2; kill -${signal} $$\n`, { mode: 0o755 });
    const sums = `${sha256(dying)}  edox-ops-linux-x64\n`;
    const known = { version: current, baseUrl: "https://x.test", publicKey: stage.keys.publicKey, sums };
    const ended = await ground.install(filled(template, known), stage.authority, { env: { EDOX_OFFLINE_FILE: dying } });
    expectRefused(ended, error, hint);
    expect(ground.left).toEqual([]);
  }
});

test("install.sh: names musl, and an unknown C library", async () => {
  for (const [files, said] of [
    ["touch lib/ld-musl-x86_64.so.1", "this system has the musl C library, as Alpine has"],
    [":", "the C library of this system is not known: /lib64/ld-linux-x86-64.so.2 is missing"],
  ] as const) {
    using ground = new Ground("none");
    const root = `${ground.top}/root`;
    mkdirSync(root);
    copyFileSync(Bun.which("busybox") ?? "", `${root}/busybox`);
    const script = `PATH=/usr/sbin:/usr/bin:/sbin:/bin; cd ${root}; mkdir bin dev lib proc; ${files}
      mount --rbind /proc proc; mount --rbind /dev dev; exec chroot . /busybox sh`;
    const ended = await ground.install(stage.release(current).installer, stage.authority, { within: script });
    expectRefused(ended, said, "use a Debian or Ubuntu host");
  }
});

test("install.sh: refers to apt if the Debian package is installed", async () => {
  using ground = new Ground("curl");
  ground.fake("dpkg-query", "echo 'install ok installed'");
  const ended = await within(ground, "mount -t tmpfs -o mode=755 none /usr/local/bin", { EDOX_INSTALL_DIR: "" });
  expectRefused(ended, "the Debian package edox-ops is installed here", "apt-get remove edox-ops");
});

test("install.sh: a program that does not start on this host does not replace one that does", async () => {
  using ground = new Ground("curl");
  copyFileSync("/bin/sleep", ground.target);
  const broken = `${ground.top}/broken`;
  writeFileSync(broken, "#!/bin/sh\necho 'GLIBC_2.99 not found' >&2; exit 1\n");
  chmodSync(broken, 0o755);
  const sums = `${sha256(broken)}  edox-ops-linux-x64\n`;
  const script = filled(template, {
    version: current,
    baseUrl: "https://x.test",
    publicKey: stage.keys.publicKey,
    sums,
  });
  const ended = await ground.install(script, stage.authority, { env: { EDOX_OFFLINE_FILE: broken } });
  expectRefused(ended, "does not start on this host: GLIBC_2.99 not found (code 1)", "it needs Debian 12");
  expect(ground.left).toEqual(["edox-ops"]);
  expect(sha256(ground.target)).toBe(sha256("/bin/sleep"));
});
