// Runs the pinned Bun with the given arguments, after fetching it and the locked dependencies where they are missing.
// Version and integrity of Bun are said in bun.lock, and only there.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
/** A connection on which nothing arrives is replaced. By default, both programs wait for five minutes. */
const patience = {
  BUN_CONFIG_HTTP_IDLE_TIMEOUT: "30",
  npm_config_fetch_timeout: "30000",
  npm_config_fetch_retries: "5",
};
const lock = readFileSync(join(top, "bun.lock"), "utf8");

const bun = fetchedBun();
installDependencies();
const { status } = spawnSync(bun, process.argv.slice(2), { cwd: top, stdio: "inherit" });
process.exit(status ?? 1);

function fetchedBun() {
  const name = `@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : "x64"}`;
  const pinned = new RegExp(`\\["${name}@([^"]+)".*"(sha512-[^"]+)"\\]`).exec(lock);
  if (process.platform !== "linux" || pinned === null) fail("edox-ops is built on Linux, x64 or arm64");
  const [, version, integrity] = pinned;
  const path = join(top, ".cache", `bun-${version}`);
  if (existsSync(path)) return path;

  console.error(`fetching Bun ${version}`);
  mkdirSync(join(top, ".cache"), { recursive: true });
  const work = mkdtempSync(join(top, ".cache", "fetch-"));
  try {
    const packed = must("npm", ["pack", `${name}@${version}`, "--silent", "--pack-destination", work], work);
    const tarball = join(work, packed.trim().split("\n").at(-1));
    const found = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
    if (found !== integrity) fail(`${name}@${version} is not what bun.lock pins: got ${found}`);
    must("tar", ["xzf", tarball, "package/bin/bun"], work);
    renameSync(join(work, "package/bin/bun"), path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}

function installDependencies() {
  const stamp = join(top, "node_modules", ".edox-ops-lock");
  const digest = createHash("sha256").update(lock).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.error("installing the locked dependencies");
  // Every processor: both base runtimes are needed to build both binaries.
  must(bun, ["ci", "--cpu=*", "--os=linux"], top);
  writeFileSync(stamp, digest);
}

function must(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    env: { ...patience, ...process.env },
  });
  if (status !== 0) fail(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}
