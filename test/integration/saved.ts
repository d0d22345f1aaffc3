// States of hosts that are made once and kept as images, which a new host unpacks before it boots. That takes a second.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import type { Suite } from "./base.ts";
import type { TestHost } from "./test-host.ts";

const cacheDir = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
/** To make an image takes half a minute, and on a busy machine two. */
const lockSeconds = 600;
/** A run that uses an image may last so long. */
const unusedMs = 2 * 60 * 60_000;

export interface State {
  /** Also the name of the module that makes it: its only work as a program. */
  name: string;
  /** What it is made from: another source is another image. */
  source: string | Uint8Array;
  /** Returns a host that is in this state. */
  make(suite: Suite): Promise<TestHost>;
}

/** Returns the path of the image of a state. It is made once, by one process. */
export async function savedState({ name, source }: State, suite: Suite): Promise<string> {
  const path = `${cacheDir}/${name}-${suite}-${Bun.hash(source).toString(16)}.sqfs`;
  mkdirSync(cacheDir, { recursive: true });
  if (!existsSync(path)) {
    const module = `${import.meta.dir}/${name}.ts`;
    const lock = `${cacheDir}/${name}-${suite}.lock`;
    const waiting = ["flock", "--wait", String(lockSeconds), "--conflict-exit-code", "75", lock];
    const argv = [...waiting, process.execPath, module, suite, path];
    const child = Bun.spawn(argv, { stdin: "ignore", stdout: "inherit", stderr: "inherit" });
    const code = await child.exited;
    if (code === 75) throw new Error(`another process has made ${name} ${suite} for ${lockSeconds} s: ${lock}`);
    if (code !== 0) throw new Error(`no ${name} ${suite} was made`);
  }
  const now = new Date();
  utimesSync(path, now, now);
  return path;
}

/** Makes the image of the suite and path in the arguments of this process. Without a path, it is made if it is new. */
export async function saveState(state: State): Promise<void> {
  const [suite, path] = process.argv.slice(2) as [Suite, string?];
  if (path === undefined) {
    await savedState(state, suite);
    return;
  }
  // Another process made it in the meantime.
  if (existsSync(path)) return;
  console.error(`making a state, ${state.name} on ${suite}, once: half a minute`);
  removeUnused(state.name);
  const work = mkdtempSync(`${cacheDir}/make-`);
  try {
    using host = await state.make(suite);
    host.save(`${work}/image`);
    renameSync(`${work}/image`, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Removes the images of earlier sources. */
function removeUnused(state: string): void {
  for (const name of readdirSync(cacheDir).filter((each) => each.startsWith(`${state}-`) && each.endsWith(".sqfs"))) {
    const { mtimeMs = Date.now() } = statSync(`${cacheDir}/${name}`, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > unusedMs) rmSync(`${cacheDir}/${name}`, { force: true });
  }
}
