// What a host has of this machine, so that several runs do not meet, and how it is given back.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { run } from "./run.ts";

const indexDir = "/run/edox-ops-test";
export const nameOf = (index: number): string => `eo-${index}`;

/** On loopback. A port that is held is given back by whatever ends its process. */
const firstPort = 23_100;
const held = new Map<number, Disposable>();

/** A number that no other process has, so that several runs do not meet on one network. */
export function takeIndex(dir: string): number {
  mkdirSync(indexDir, { recursive: true });
  for (let index = 1; index < 250; index++) {
    if (!hold(index)) continue;
    const note = `${indexDir}/${index}`;
    // Of a run that was killed.
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

/** Everything that was made for a host is taken away, also half of it, and also by the run after one that was killed. */
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
  // Of systemd 257; a container of the same name is refused while it is there.
  const exported = `/run/systemd/nspawn/unix-export/${name}`;
  if (isMounted(exported)) run(["umount", exported]);
  rmSync(exported, { recursive: true, force: true });
  for (const group of groups) {
    for (const end = Date.now() + 5_000; existsSync(group) && Date.now() < end; Bun.sleepSync(20)) {
      run(["find", group, "-depth", "-type", "d", "-delete"]);
    }
  }
}

/** A process that was killed may take a moment to let go. */
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
