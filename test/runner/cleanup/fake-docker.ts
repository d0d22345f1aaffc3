// A fake Docker Engine with images, containers, volumes and events, and systemd with the units of a cleanup.

import { eventsUnit, timerUnit } from "../../../src/runner/cleanup/units.ts";
import { cleanupDir, cleanupPath, dockerEventsPath, lastUsePath } from "../../../src/runner/paths.ts";
import { type FakeHost, ok } from "../../fake-host.ts";

export interface FakeDocker {
  images: { Id: string; RepoTags: string[]; RepoDigests: string[]; Size: number }[];
  containers: { Id: string; ImageID: string; State: string; Created: number; Labels?: Record<string, string> }[];
  volumes: { Name: string; CreatedAt: string; Size: number }[];
  cache: { ID: string; Size: number; InUse: boolean; LastUsedAt: string }[];
  /** Lines of its API and of its command. */
  events: string[];
  /** What it refuses to remove, by its id or name, with its message. */
  refused: Map<string, string>;
  root: string;
  free: number;
  /** The size of the disk. */
  size: number;
  containerd: { free: number } | null;
  /** It prunes no build cache, which it reports as a success. */
  keepsCache: boolean;
  /** What happens on the host while the engine removes something. */
  meanwhile: () => void;
}

const eventsWants = `/etc/systemd/system/docker.service.wants/${eventsUnit}`;
const invocation = `/run/systemd/units/invocation:${eventsUnit}`;

/** Gives a fake host with Docker an engine that answers. */
export function addDocker(host: FakeHost): FakeDocker {
  const docker: FakeDocker = {
    ...{ images: [], containers: [], volumes: [], cache: [], events: [], refused: new Map() },
    ...{ root: "/var/lib/docker", free: 50e9, size: 100e9, containerd: null, keepsCache: false },
    meanwhile: () => {},
  };
  host.put("/usr/bin/docker", "the command", { mode: 0o755 });
  host.space = (path) => {
    const { containerd, free, size } = docker;
    const bytesFree = path === "/var/lib/containerd" && containerd !== null ? containerd.free : free;
    return { bytesFree, bytes: size, inodes: 1e6, inodesFree: 9e5 };
  };
  host.served.unshift((method, url, { socketPath }) => {
    if (socketPath !== "/run/docker.sock") return undefined;
    const { pathname, searchParams } = new URL(url);
    if (method === "GET") {
      const found = answers(docker, pathname, searchParams);
      return found === undefined ? undefined : { status: 200, body: new TextEncoder().encode(found) };
    }
    const id = decodeURIComponent(pathname.split("/").slice(2).join("/"));
    const message = docker.refused.get(id);
    if (message !== undefined) {
      return { status: 409, body: new TextEncoder().encode(JSON.stringify({ message })) };
    }
    const pruned = pathname === "/build/prune" && !docker.keepsCache ? docker.cache.map(({ ID }) => ID) : null;
    if (pathname !== "/build/prune" || pruned !== null) removeFrom(docker, pathname, id);
    docker.meanwhile();
    return { status: 200, body: new TextEncoder().encode(JSON.stringify({ CachesDeleted: pruned })) };
  });
  host.taught.unshift((argv) => {
    const line = argv.join(" ");
    if (line === `systemctl show --property=ActiveState -- ${timerUnit} ${eventsUnit}`) {
      const states = [`/run/systemd/units/timer:${timerUnit}`, invocation].map((path) => host.stat(path) !== null);
      return ok(states.map((isActive) => `ActiveState=${isActive ? "active" : "inactive"}\n`).join("\n"));
    }
    if (line === `systemctl restart ${eventsUnit}` || line === `systemctl start ${eventsUnit}`) {
      host.link(invocation, "0123456789abcdef");
      return ok();
    }
    if (line === `systemctl stop ${eventsUnit}`) {
      host.nodes.delete(invocation);
      return ok();
    }
    if (line === `systemctl enable ${eventsUnit}`) {
      host.link(eventsWants, `/etc/systemd/system/${eventsUnit}`);
      return ok();
    }
    if (line === `systemctl disable ${eventsUnit}`) {
      host.nodes.delete(eventsWants);
      return ok();
    }
    if (line === `truncate --size=0 ${dockerEventsPath}`) {
      host.put(dockerEventsPath, "");
      return ok();
    }
    return undefined;
  });
  return docker;
}

function answers(docker: FakeDocker, path: string, parameters: URLSearchParams): string | undefined {
  const { images, containers, volumes, cache, events, root, containerd } = docker;
  const driver = containerd === null ? [] : [["driver-type", "io.containerd.snapshotter.v1"]];
  const image = images.find(({ Id }) => path === `/images/${Id}/json`);
  const found: Record<string, unknown> = {
    "/info": { DockerRootDir: root, DriverStatus: driver },
    "/images/json": images,
    "/containers/json": containers.map((each) => ({ Names: [`/${each.Id}`], Mounts: [], ...each })),
    "/volumes": { Volumes: volumes },
    "/system/df":
      parameters.get("type") === "volume"
        ? { Volumes: volumes.map(({ Name, Size }) => ({ Name, UsageData: { Size, RefCount: 0 } })) }
        : { BuildCache: cache },
    "/events": null,
    ...(image && { [path]: image }),
  };
  if (path === "/events") return `${events.join("\n")}\n`;
  return path in found ? JSON.stringify(found[path]) : undefined;
}

/** Frees the space of what is removed. */
function removeFrom(docker: FakeDocker, path: string, id: string): void {
  const all = [
    ...docker.images.filter(({ Id }) => Id === id).map(({ Size }) => Size),
    ...docker.volumes.filter(({ Name }) => Name === id).map(({ Size }) => Size),
    ...(path === "/build/prune" ? docker.cache.map(({ Size }) => Size) : []),
  ];
  docker.free += all.reduce((sum, size) => sum + size, 0);
  docker.images = docker.images.filter(({ Id }) => Id !== id);
  docker.containers = docker.containers.filter(({ Id }) => Id !== id);
  docker.volumes = docker.volumes.filter(({ Name }) => Name !== id);
  if (path === "/build/prune") docker.cache = [];
}

/** Returns the line of an event. */
export function eventLine(type: string, action: string, id: string, atMs: number, attributes = {}): string {
  return JSON.stringify({
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    timeNano: atMs * 1e6,
  });
}

export const managed = { "com.gitlab.gitlab-runner.managed": "true" };

/**
 * Enables a cleanup that keeps half of the disk free. A runner has pulled and used `node:22`, and later `ruby:3`, and a
 * person has pulled `mine:1`. Three quarters of the disk are full.
 */
export function cleanable(host: FakeHost): FakeDocker {
  const docker = addDocker(host);
  const now = host.now();
  const hour = 3_600_000;
  docker.images = ["node:22", "ruby:3", "mine:1"].map((tag) => {
    return { Id: `sha256:${tag.split(":")[0]}`, RepoTags: [tag], RepoDigests: [], Size: 20e9 };
  });
  docker.volumes = [
    { Name: `runner-x-cache-${"0".repeat(32)}`, CreatedAt: new Date(now - 9 * hour).toISOString(), Size: 10e9 },
    { Name: "data", CreatedAt: new Date(now - 9 * hour).toISOString(), Size: 10e9 },
  ];
  docker.free = 25e9;
  const image = (origin: string, hours: number) => ({ origin, usedMs: now - hours * hour });
  host.put(cleanupPath, JSON.stringify({ keep: { share: 0.5 }, unused_for_days: null }), { mode: 0o600 });
  host.dir("/var/lib/edox-ops");
  host.dir(cleanupDir, { mode: 0o700 });
  const lastUse = {
    untilMs: now - hour,
    images: {
      "sha256:node": image("runner", 5),
      "sha256:ruby": image("runner", 2),
      "sha256:mine": image("foreign", 9),
    },
    volumes: { [`runner-x-cache-${"0".repeat(32)}`]: now - 6 * hour, data: now - 9 * hour },
    pulls: [],
  };
  host.put(lastUsePath, JSON.stringify(lastUse), { mode: 0o600 });
  return docker;
}
