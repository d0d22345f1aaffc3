// Compiles the binaries. The same sources give the same bytes, in any directory.
//   bun build/build.ts [linux-x64] [linux-arm64]

import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { version } from "../package.json";
import { disarm } from "./disarm.ts";
import { sums } from "./sums.ts";

export const targets = { "linux-x64": "bun-linux-x64", "linux-arm64": "bun-linux-aarch64" } as const;
export type Target = keyof typeof targets;

/** The values that are compiled into a binary. */
export const own = {
  version,
  /** The public keys in PEM with which the binary verifies releases. */
  keys: readFileSync(`${import.meta.dir}/release-keys.pem`, "utf8"),
  /** The URL of the releases. GitLab has each of them below it, by tag. A fork of the project sets its own. */
  releases: process.env.EDOX_RELEASES_URL ?? "https://gitlab.com/edox-ops/edox-ops/-/releases",
};

/** Compiles `entry` with the flags of every edox-ops binary. The last component of `outfile` affects the bytes. */
export async function compile(entry: string, outfile: string, target: Target, known = own): Promise<void> {
  rmSync(outfile, { force: true });
  mkdirSync(dirname(outfile), { recursive: true });
  must([
    process.execPath,
    "build",
    // Identifiers are not minified, so that stack traces stay readable: source maps would add 0.6 MB to each package.
    ..."--compile --minify-syntax --minify-whitespace --splitting --bytecode --format=esm".split(" "),
    // A command that runs as root must not read configuration from the current directory.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    // Modules find each other by these names.
    "--entry-naming=[name].[ext]",
    `--target=bun-${target}`,
    `--compile-executable-path=${import.meta.dir}/../node_modules/@oven/${targets[target]}/bin/bun`,
    `--define=EDOX_OPS_VERSION=${JSON.stringify(known.version)}`,
    `--define=EDOX_OPS_RELEASE_KEYS=${JSON.stringify(known.keys)}`,
    `--define=EDOX_OPS_RELEASES_URL=${JSON.stringify(known.releases)}`,
    `--define=EDOX_OPS_BUILT=${builtSeconds()}`,
    entry,
    `${import.meta.dir}/../src/host/local-thread.ts`,
    "--outfile",
    outfile,
  ]);
  await Bun.write(outfile, disarm(await Bun.file(outfile).bytes()));
  chmodSync(outfile, 0o755);
}

/** Returns the time of the commit, so that every build of it gives the same bytes. */
function builtSeconds(): string {
  if (process.env.SOURCE_DATE_EPOCH) return process.env.SOURCE_DATE_EPOCH;
  const git = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: import.meta.dir });
  return git.success ? git.stdout.toString().trim() || "0" : "0";
}

/** Starts the binary, because some faults of a compiled binary only show when it runs. */
function smoke(target: Target, outfile: string): void {
  const native = target === (process.arch === "arm64" ? "linux-arm64" : "linux-x64");
  // The oldest supported processor, that of a Raspberry Pi 3 and Zero 2 W.
  const emulated = ["qemu-aarch64-static", "-cpu", "cortex-a53", "-L", "/usr/aarch64-linux-gnu"];
  if (!native && (target !== "linux-arm64" || Bun.which("qemu-aarch64-static") === null)) {
    console.log(`${target}: not started, qemu-user-static is not installed`);
    return;
  }
  for (const flag of ["--version", "--help"]) must([...(native ? [] : emulated), outfile, flag]);
  console.log(`${target}: starts`);
}

function must(argv: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(argv, { stdin: "ignore" });
  if (!success) throw new Error(`${argv.join(" ")} failed\n${stdout}${stderr}`);
  return stdout.toString();
}

async function build(wanted: readonly string[]): Promise<void> {
  const top = dirname(import.meta.dir);
  const unknown = wanted.find((name) => !(name in targets));
  if (unknown) throw new Error(`unknown target ${unknown}: there are ${Object.keys(targets).join(", ")}`);
  const names: string[] = [];
  for (const target of Object.keys(targets) as Target[]) {
    if (wanted.length > 0 && !wanted.includes(target)) continue;
    const name = `${target}/edox-ops`;
    await compile(`${top}/src/main.ts`, `${top}/dist/${name}`, target);
    smoke(target, `${top}/dist/${name}`);
    names.push(name);
  }
  await Bun.write(`${top}/dist/SHA256SUMS`, await sums(`${top}/dist`, names));
}

if (import.meta.main) {
  try {
    await build(process.argv.slice(2));
  } catch (error) {
    console.error(`error: build: ${(error as Error).message} (to repeat it: npm run build)`);
    process.exitCode = 1;
  }
}
