// What doctor looks at besides the recipes' resources. To add a check, add an entry.

import type { HostReader, Stat } from "../host/host.ts";
import { configFault } from "../recipes/nginx-accepts.ts";
import { bootstrapLogPath, docsRoot, logDir, projectsPath, stateDir } from "../recipes/paths.ts";
import { clockSet } from "../resources/ready.ts";
import { apt } from "./apt.ts";
import type { Entry, Finding } from "./finding.ts";
import { pi } from "./pi.ts";
import { pythonVersion } from "./python-version.ts";
import { upkeep } from "./upkeep.ts";

const mebibyte = 1024 * 1024;
/** Under the first apt cannot unpack what bootstrap installs, under the second a host is soon full. */
const roomError = 300 * mebibyte;
const roomWarning = 1024 * mebibyte;
const inodeError = 0.01;
const inodeWarning = 0.05;

/** What edox-ops writes to, or apt for it. */
const written = ["/etc", "/usr", "/var/lib", "/var/cache/apt", logDir, docsRoot];

/** The state files of the contract, which only root reads. */
const stateFiles = [projectsPath, `${stateDir}/runner.json`, `${stateDir}/host.json`];

export const entries: Entry[] = [
  {
    name: `log:${bootstrapLogPath}`,
    look: (see) =>
      see.stat(bootstrapLogPath) === null
        ? { status: "ok", detail: "not configured (optional; run edox-ops bootstrap --yes)" }
        : { status: "ok", detail: "present" },
  },
  { name: "nginx:config", follows: ["package:nginx"], look: validConfig },
  {
    name: "state:permissions",
    look(see) {
      const present = stateFiles.flatMap((path) => {
        const stat = see.stat(path);
        return stat === null ? [] : [{ path, stat }];
      });
      const all = present.filter(({ stat }) => stat.mode !== 0o600 || stat.uid !== 0);
      const open = all.find(({ stat }) => !isRootsToChange(stat)) ?? all[0];
      if (open) {
        const mode = open.stat.mode.toString(8).padStart(4, "0");
        return {
          // None has a secret in it, and the Python version made runner.json readable.
          status: isRootsToChange(open.stat) ? "warning" : "error",
          detail: `${open.path} is ${mode}, not 0600 and root's`,
          hint: ["sudo", "chmod", "0600", open.path],
        };
      }
      if (present.length === 0) return { status: "ok", detail: "not configured (optional; no state file yet)" };
      return { status: "ok", detail: `${present.length} state files are root's alone` };
    },
  },
  {
    name: "host:disk",
    look(see) {
      const least = smallest(see, ({ bytesFree }) => bytesFree);
      if (least === null) return { status: "unknown", detail: "the free room could not be told" };
      const detail = `${Math.floor(least.space.bytesFree / mebibyte)} MiB free for ${least.path}`;
      const { bytesFree } = least.space;
      const status = bytesFree < roomError ? "error" : bytesFree < roomWarning ? "warning" : "ok";
      return { status, detail, hint: ["sudo", "apt-get", "clean"] };
    },
  },
  {
    name: "host:inodes",
    look(see) {
      const least = smallest(see, ({ inodes, inodesFree }) => (inodes === 0 ? 1 : inodesFree / inodes));
      if (least === null) return { status: "unknown", detail: "the free inodes could not be told" };
      const { inodes, inodesFree } = least.space;
      if (inodes === 0) return { status: "ok", detail: `${least.path} has no limit` };
      const share = inodesFree / inodes;
      const detail = `${Math.floor(share * 100)} % free for ${least.path}`;
      const status = share < inodeError ? "error" : share < inodeWarning ? "warning" : "ok";
      return { status, detail, hint: ["df", "-i", least.path] };
    },
  },
  {
    name: "host:clock",
    async look(see) {
      const unmet = await clockSet.check(see, () => {});
      if (unmet === null) return { status: "ok", detail: "not before this edox-ops was built" };
      return { status: "error", detail: unmet.reason, ...(unmet.hint && { hint: unmet.hint }) };
    },
  },
  ...upkeep,
  ...apt,
  ...pi,
  pythonVersion,
];

/** Whether only root can change it. */
function isRootsToChange({ uid, mode }: Stat): boolean {
  return uid === 0 && (mode & 0o022) === 0;
}

function smallest(see: HostReader, measure: (space: NonNullable<ReturnType<HostReader["space"]>>) => number) {
  const spaces = written.flatMap((path) => {
    const space = see.space(path);
    return space === null ? [] : [{ path, space }];
  });
  return spaces.sort((a, b) => measure(a.space) - measure(b.space))[0] ?? null;
}

async function validConfig(see: HostReader): Promise<Omit<Finding, "name">> {
  if (see.stat("/etc/nginx/nginx.conf") === null) {
    return { status: "error", detail: "nginx has no configuration", hint: ["sudo", "edox-ops", "bootstrap", "--yes"] };
  }
  const fault = await configFault(see);
  if (fault === null) return { status: "ok", detail: "nginx accepts it" };
  return { status: "error", detail: fault.reason, hint: fault.hint };
}
