// The compiled binary: nothing but its arguments affects it.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { version } from "../../package.json";

const top = `${import.meta.dir}/../..`;
const binary = `${top}/dist/linux-x64/edox-ops`;
const folder = mkdtempSync(`${tmpdir()}/edox-ops-`);
afterAll(() => rmSync(folder, { recursive: true }));

function run(argv: string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv, { cwd: folder, env: {}, stdin: "ignore", ...options });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe("hostile folder and environment", () => {
  const hostile = `${folder}/hostile`;
  const canary = `${folder}/canary`;
  const evil = `require("fs").writeFileSync(${JSON.stringify(canary)}, "x"); console.log("evil");`;
  const names = ["evil.ts", "evil.js", "node_modules/citty/index.js", "node_modules/citty/dist/index.mjs"];
  const variables: Record<string, string> = {
    BUN_BE_BUN: "1",
    BUN_OPTIONS: "--preload ./evil.ts",
    BUN_INSPECT: "ws://127.0.0.1:0/x?wait=1",
    BUN_INSPECT_PRELOAD: "./evil.ts",
    BUN_CONFIG_VERBOSE_FETCH: "curl",
    NODE_OPTIONS: "--require ./evil.js",
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
    NODE_EXTRA_CA_CERTS: "./evil.ts",
    // The names that the runtime would read after the build has changed them, if a variable could have such a name.
    "\x7fUN_BE_BUN": "1",
    UN_BE_BUN: "1",
    LD_LIBRARY_PATH: ".",
    LC_ALL: "tr_TR.UTF-8",
    LANG: "nonsense",
    TZ: "Asia/Kathmandu",
    IFS: "/",
    PATH: ".",
    HOME: "/root/of/somebody/else",
    TMPDIR: "/none",
    BUN_TMPDIR: "/none",
    FORCE_COLOR: "3",
  };

  for (const args of [["--version"], ["--help"], ["bootstrap", "--dryrun"], ["doctor", "--quiet"]]) {
    test(`have no effect on \`edox-ops ${args.join(" ")}\``, async () => {
      for (const name of names) await Bun.write(`${hostile}/${name}`, evil);
      await Bun.write(`${hostile}/bunfig.toml`, 'preload = ["./evil.ts"]\n');
      await Bun.write(`${hostile}/.env`, "BUN_OPTIONS=--preload ./evil.ts\nNO_COLOR=\n");
      await Bun.write(`${hostile}/package.json`, '{"main": "./evil.js"}');
      await Bun.write(`${hostile}/tsconfig.json`, "{ broken");
      const calm = run([binary, ...args]);
      expect(calm.stdout + calm.stderr).not.toBe("");
      expect(run([binary, ...args], { cwd: hostile })).toEqual(calm);
      for (const [name, value] of Object.entries(variables)) {
        expect(run([binary, ...args], { cwd: hostile, env: { [name]: value } })).toEqual(calm);
      }
      expect(await Bun.file(canary).exists()).toBe(false);
    });
  }
});

test("binary: --version and --help work without HOME and with a read-only /tmp", () => {
  const readOnly = 'mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && exec "$0" "$@"';
  for (const flag of ["--version", "--help"]) {
    const plain = run([binary, flag]);
    expect(plain.exitCode).toBe(0);
    expect(run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", readOnly, binary, flag], { cwd: "/" })).toEqual(plain);
  }
  expect(run([binary, "--version"]).stdout).toBe(`${version}\n`);
});

test("binary: uses colours only on a terminal, unless they are disabled", () => {
  const at = (command: string, env: Record<string, string> = {}): string =>
    run(["/usr/bin/script", "-qec", command, "/dev/null"], { env: { PATH: "/usr/bin:/bin", TERM: "xterm", ...env } })
      .stdout;
  const colour = "\u001B[";
  expect(at(`${binary} doctor`)).toContain(colour);
  expect(at(`${binary} --help`)).toContain(colour);
  expect(at(`${binary} doctor | cat`)).not.toContain(colour);
  expect(at(`${binary} doctor --no-color`)).not.toContain(colour);
  expect(at(`${binary} doctor`, { NO_COLOR: "1" })).not.toContain(colour);
  expect(at(`${binary} doctor`, { TERM: "dumb" })).not.toContain(colour);
  expect(at(`${binary} nonsense`)).toContain(colour);
  expect(at(`${binary} nonsense 2>&1 | cat`)).not.toContain(colour);
});

test("binary: prints no error if the reader closes the pipe", () => {
  expect(run(["/bin/sh", "-c", '(/bin/sleep 0.3; "$0" --help; echo "exit $?" >&2) | true', binary]).stderr).toBe(
    "exit 1\n",
  );
});

test("binary: fails if the report cannot be written", () => {
  for (const args of ["--version", "--help", "doctor --json"]) {
    expect(run(["/bin/sh", "-c", `"$0" ${args} > /dev/full`, binary]).exitCode).not.toBe(0);
  }
});

test("binary: read-only commands open no file for writing", () => {
  const calls =
    "open,openat,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat";
  const more = "chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,truncate,ftruncate,mknod,mknodat";
  const looks = ["--version", "--help", "completions zsh", "doctor", "bootstrap --dry-run", "bootstrap --check"];
  for (const args of looks.map((line) => line.split(" "))) {
    const trace = `${folder}/trace`;
    run(["/usr/bin/strace", "-f", "-o", trace, "-e", `trace=${calls},${more}`, binary, ...args]);
    const text = run(["/bin/cat", trace]).stdout;
    expect(text).toContain("openat");
    const writes = text
      .split("\n")
      .filter((line) =>
        / (open|openat)\(/.test(line) ? /O_WRONLY|O_RDWR|O_CREAT/.test(line) : /\w+\(.*\) += 0/.test(line),
      )
      .filter((line) => !/"\/dev\/(null|tty)"/.test(line));
    expect(writes).toEqual([]);
  }
});

test("binary: arm64 gives the same output on the oldest supported processor", () => {
  const emulated = ["/usr/bin/qemu-aarch64-static", "-cpu", "cortex-a53", "-L", "/usr/aarch64-linux-gnu"];
  for (const flag of ["--version", "--help"]) {
    expect(run([...emulated, `${top}/dist/linux-arm64/edox-ops`, flag])).toEqual(run([binary, flag]));
  }
  const names = (argv: string[]): string[] =>
    (JSON.parse(run([...argv, "doctor", "--json"]).stdout) as { findings: { name: string; status: string }[] }).findings
      .filter(({ name }) => !name.startsWith("host:"))
      .map(({ name, status }) => `${status} ${name}`);
  expect(names([...emulated, `${top}/dist/linux-arm64/edox-ops`])).toEqual(names([binary]));
});

test("build: the same sources give the same bytes in another folder", () => {
  // Next to node_modules, so that hard links are possible. A symbolic link would be followed and reveal its target.
  const copy = `${top}/.cache/another/folder`;
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of ["src", "ci", "build", "package.json", "tsconfig.json", "bunfig.toml", "node_modules"]) {
    expect(run(["/bin/cp", "-al", `${top}/${name}`, copy]).exitCode).toBe(0);
  }
  const { stdout } = run(["/usr/bin/git", "-C", top, "log", "-1", "--format=%ct"]);
  const env = { SOURCE_DATE_EPOCH: stdout.trim() || "0", HOME: folder };
  const built = run([process.execPath, "build/build.ts"], { cwd: copy, env });
  expect(built.stderr).toBe("");
  expect(
    run(["/usr/bin/sha256sum", "--check", "--strict", `${top}/dist/SHA256SUMS`], { cwd: `${copy}/dist` }).exitCode,
  ).toBe(0);
});
