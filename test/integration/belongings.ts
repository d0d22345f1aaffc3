// Manages what a host occupies on this machine, so that concurrent runs do not conflict, and releases it.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { run } from "./run.ts";

const indexDir = "/run/edox-ops-test";
export const nameOf = (index: number): string => `eo-${index}`;

/** A port on loopback marks a number as taken. The system releases it when its process ends for any reason. */
const firstPort = 23_100;
const held = new Map<number, Disposable>();

/** Returns a number that no other process uses, so that concurrent runs have separate networks. */
export function takeIndex(dir: string): number {
  mkdirSync(indexDir, { recursive: true });
  for (let index = 1; index < 250; index++) {
    if (!hold(index)) continue;
    const note = `${indexDir}/${index}`;
    // The note is from a run that was killed.
    if (existsSync(note)) clear(index, readFileSync(note, "utf8").trim());
    writeFileSync(note, `${dir}\n`);
    return index;
  }
  throw new Error(`all test networks are taken: look into ${indexDir}`);
}

function hold(index: number): boolean {
  try {
    const port = Bun.listen({ hostname: "127.0.0.1", port: firstPort + index, socket: { data() {} } });
    port.unref();
    held.set(index, port);
    return true;
  } catch {
    return false;
  }
}

export function sweep(index: number, dir: string): void {
  clear(index, dir);
  held.get(index)?.[Symbol.dispose]();
  held.delete(index);
}

/**
 * Removes everything that was created for a host, even if incomplete, and even by the run after one that was killed.
 */
function clear(index: number, dir: string): void {
  const name = nameOf(index);
  endProcesses(name);
  unmount(dir, "root", "base", "disk", "plain");
  run(["nft", `delete table ip ${name}`]);
  run(["ip", "netns", "del", name]);
  run(["ip", "link", "del", `ve-${name}`]);
  if (!["root", "plain"].some((part) => isMounted(`${dir}/${part}`))) rmSync(dir, { recursive: true, force: true });
  rmSync(`${indexDir}/${index}`, { force: true });
}

export function endProcesses(name: string): void {
  const groups = controlGroups()
    .map((path) => `${path}/${name}`)
    .filter((path) => existsSync(path));
  for (const group of groups) {
    run(["sh", "-c", 'find "$1" -name cgroup.procs -exec cat {} + | xargs -r kill -KILL', "sh", group]);
  }
  // systemd 257 creates this mount, and refuses a container of the same name while it exists.
  const exported = `/run/systemd/nspawn/unix-export/${name}`;
  if (isMounted(exported)) run(["umount", exported]);
  rmSync(exported, { recursive: true, force: true });
  for (const group of groups) {
    for (const end = Date.now() + 5_000; existsSync(group) && Date.now() < end; Bun.sleepSync(20)) {
      run(["find", group, "-depth", "-type", "d", "-delete"]);
    }
  }
}

/** Unmounts these directories. A killed process may take a moment to release them. */
export function unmount(dir: string, ...parts: string[]): void {
  for (const path of parts.map((part) => `${dir}/${part}`)) {
    for (const end = Date.now() + 10_000; isMounted(path) && Date.now() < end; Bun.sleepSync(50)) run(["umount", path]);
  }
}

function isMounted(path: string): boolean {
  return readFileSync("/proc/mounts", "utf8").includes(` ${path} `);
}

export function controlGroups(): string[] {
  const top = "/sys/fs/cgroup";
  const all = [top, ...readdirSync(top).map((name) => `${top}/${name}`)];
  return all.filter((path) => !path.includes("cpuset") && existsSync(`${path}/cgroup.procs`));
}
