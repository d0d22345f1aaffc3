// A host on which bootstrap has run, for files whose subject begins after it: what bootstrap wrote is kept as an image,
// which a new host unpacks before it boots. That takes a second in place of fifteen.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import type { Suite } from "./base.ts";
import type { Disk } from "./disk.ts";
import { TestHost } from "./test-host.ts";

const cacheDir = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
/** A run that uses an image may last so long. */
const unusedMs = 2 * 60 * 60_000;

/** Boots a host that the built program has bootstrapped. Its journal and its log contain that run. */
export async function bootstrapped(suite: Suite = "bookworm", disk?: Disk): Promise<TestHost> {
  return TestHost.bare(suite, disk, undefined, await stateImage(suite));
}

/** Returns the path of the image for this suite and the built program. It is made once, by one process. */
async function stateImage(suite: Suite): Promise<string> {
  const program = await Bun.file(`${import.meta.dir}/../../dist/linux-x64/edox-ops`).bytes();
  const path = `${cacheDir}/bootstrapped-${suite}-${Bun.hash(program).toString(16)}.sqfs`;
  mkdirSync(cacheDir, { recursive: true });
  if (!existsSync(path)) {
    const argv = ["flock", `${cacheDir}/bootstrapped-${suite}.lock`, process.execPath, import.meta.path, suite, path];
    const child = Bun.spawn(argv, { stdin: "ignore", stdout: "inherit", stderr: "inherit" });
    if ((await child.exited) !== 0) throw new Error(`no bootstrapped ${suite} was made`);
  }
  const now = new Date();
  utimesSync(path, now, now);
  return path;
}

async function make(suite: Suite, path: string): Promise<void> {
  // Another process made it in the meantime.
  if (existsSync(path)) return;
  console.error(`making a bootstrapped ${suite}, once for each build of the program: half a minute`);
  removeUnused();
  const work = mkdtempSync(`${cacheDir}/make-`);
  try {
    using host = await TestHost.bare(suite);
    const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
    if (code !== 0) throw new Error(stderr);
    host.save(`${work}/image`);
    renameSync(`${work}/image`, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Removes the images of earlier builds. */
function removeUnused(): void {
  for (const name of readdirSync(cacheDir).filter((each) => /^bootstrapped-.*\.sqfs$/.test(each))) {
    const { mtimeMs = Date.now() } = statSync(`${cacheDir}/${name}`, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > unusedMs) rmSync(`${cacheDir}/${name}`, { force: true });
  }
}

if (import.meta.main) {
  const [suite, path] = process.argv.slice(2) as [Suite, string?];
  if (path === undefined) await stateImage(suite);
  else await make(suite, path);
}
