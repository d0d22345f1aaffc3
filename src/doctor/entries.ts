// The checks of the host itself. A check of a feature is in the feature's folder.

import { type Check, isHealthy } from "../engine/finding.ts";
import { docsRoot, logDir, projectsPath, stateDir } from "../engine/paths.ts";
import type { HostReader, Stat } from "../host/host.ts";
import { mountPointOf } from "../problem/mount-point.ts";
import { clockSet } from "../resources/ready.ts";
import { isRunnerInstalled } from "../runner/service.ts";
import { countOf } from "../text/lines.ts";
import { sizeText } from "../text/size.ts";
import { apt } from "./apt.ts";
import { interruptedRun } from "./journal.ts";
import { pi } from "./pi.ts";
import { pythonVersion } from "./python-version.ts";
import { upkeep } from "./upkeep.ts";

const mebibyte = 1024 * 1024;
/** Below the first, apt cannot unpack what bootstrap installs. Below the second, a host is soon full. */
const roomError = 300 * mebibyte;
const roomWarning = 1024 * mebibyte;
const inodeError = 0.01;
const inodeWarning = 0.05;

/** Directories that edox-ops writes to, directly or through apt, and what fails where they are full. */
const written: Record<string, string> = {
  "/etc": "changes of the configuration",
  "/usr": "updates of packages",
  "/var/lib": "updates of packages",
  "/var/cache/apt": "updates of packages",
  [logDir]: "logs",
  [docsRoot]: "deploys",
};

/** The state files of the contract, which only root reads. */
const stateFiles = [projectsPath, `${stateDir}/runner.json`, `${stateDir}/host.json`];

export const entries: Check[] = [
  {
    name: "state:permissions",
    run(reader) {
      const present = stateFiles.flatMap((path) => {
        const stat = reader.stat(path);
        return stat === null ? [] : [{ path, stat }];
      });
      const all = present.filter(({ stat }) => stat.mode !== 0o600 || stat.uid !== 0);
      const open = all.find(({ stat }) => !isRootOnly(stat)) ?? all[0];
      if (open) {
        // A readable file is a warning only: no state file contains a secret, and the Python version made runner.json
        // readable.
        return { status: isRootOnly(open.stat) ? "warning" : "error", ...accessFault(open.path, open.stat) };
      }
      if (present.length === 0) return { status: "not-set-up", detail: "not configured (optional; no state file yet)" };
      return { status: "ok", detail: `only root can read ${countOf(present.length, "state file")}` };
    },
  },
  {
    name: "host:disk",
    run(reader) {
      const least = smallest(reader, ({ bytesFree }) => bytesFree);
      if (least === null) return { status: "unknown", detail: "the free space could not be determined" };
      const detail = `${sizeText(least.space.bytesFree)} free for ${least.path}`;
      const { bytesFree } = least.space;
      if (bytesFree >= roomWarning) return { status: "ok", detail };
      const status = bytesFree < roomError ? "error" : "warning";
      const clean = ["sudo", "apt-get", "clean"];
      const list = ["sudo", "du", "-axh", "--max-depth=2", "--threshold=100M", mountPointOf(reader, least.path)];
      const affects = writersOf(reader, least.path);
      const hint = bytesFree + packagesKept(reader, least.path) >= roomWarning ? clean : list;
      return { status, detail, affects, hint };
    },
  },
  {
    name: "host:inodes",
    run(reader) {
      const least = smallest(reader, ({ inodes, inodesFree }) => (inodes === 0 ? 1 : inodesFree / inodes));
      if (least === null) return { status: "unknown", detail: "the free inodes could not be determined" };
      const { inodes, inodesFree } = least.space;
      if (inodes === 0) return { status: "ok", detail: `${least.path} has no limit on inodes` };
      const share = inodesFree / inodes;
      const detail = `${Math.floor(share * 100)} % of the inodes are free for ${least.path}`;
      const status = share < inodeError ? "error" : share < inodeWarning ? "warning" : "ok";
      const point = mountPointOf(reader, least.path);
      const affects = isHealthy(status) ? {} : { affects: writersOf(reader, least.path) };
      const hint = ["sudo", "du", "-x", "--inodes", "--max-depth=2", "--threshold=1000", point];
      return { status, detail, ...affects, hint };
    },
  },
  {
    name: "host:clock",
    affects: "HTTPS, certificates and updates of packages",
    async run(reader) {
      const unmet = await clockSet.check(reader, () => {});
      if (unmet === null) return { status: "ok", detail: "the clock is not before the build date of this edox-ops" };
      return { status: "error", detail: unmet.reason, ...(unmet.hint && { hint: unmet.hint }) };
    },
  },
  interruptedRun,
  ...upkeep,
  ...apt,
  ...pi,
  pythonVersion,
];

/**
 * Returns the fault in the owner or mode of a state file. The owner comes first, because an owner can change the mode.
 */
function accessFault(path: string, { type, mode, uid }: Stat): { detail: string; hint: string[] } {
  if (type !== "file") return { detail: `${path} is not a regular file`, hint: ["ls", "-ld", path] };
  if (uid !== 0) {
    const detail = `${path} belongs to user ${uid}, not to root`;
    return { detail, hint: ["sudo", "chown", "root:root", path] };
  }
  const detail = `${path} has mode ${mode.toString(8).padStart(4, "0")} instead of 0600`;
  return { detail, hint: ["sudo", "chmod", "0600", path] };
}

/** Returns what writes to the file system of this path. */
function writersOf(reader: HostReader, path: string): string {
  const point = mountPointOf(reader, path);
  const dirs = Object.keys(written).filter((dir) => mountPointOf(reader, dir) === point);
  const jobs = dirs.includes("/var/lib") && isRunnerInstalled(reader) ? ["CI jobs"] : [];
  return [...new Set([...jobs, ...dirs.map((dir) => written[dir]).reverse()])].join(", ");
}

/** Returns the bytes of packages that apt could fetch again, if they are on the same file system as this path. */
function packagesKept(reader: HostReader, path: string): number {
  const dir = "/var/cache/apt/archives";
  if (mountPointOf(reader, dir) !== mountPointOf(reader, path)) return 0;
  const names = (reader.list(dir) ?? []).filter((name) => name.endsWith(".deb"));
  return names.reduce((bytes, name) => bytes + (reader.stat(`${dir}/${name}`)?.size ?? 0), 0);
}

/** Returns whether only root can change it. */
function isRootOnly({ uid, mode }: Stat): boolean {
  return uid === 0 && (mode & 0o022) === 0;
}

function smallest(reader: HostReader, measure: (space: NonNullable<ReturnType<HostReader["space"]>>) => number) {
  const spaces = Object.keys(written).flatMap((path) => {
    const space = reader.space(path);
    return space === null ? [] : [{ path, space }];
  });
  return spaces.sort((a, b) => measure(a.space) - measure(b.space))[0] ?? null;
}
