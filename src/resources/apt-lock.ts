import type { Requirement } from "../engine/step.ts";

/** Every lock that apt-get takes; its own time limit does not cover the one of the lists. */
const lockPaths = [
  "/var/lib/dpkg/lock-frontend",
  "/var/lib/dpkg/lock",
  "/var/lib/apt/lists/lock",
  "/var/cache/apt/archives/lock",
];

/** Nobody else is installing: waited for ten minutes, which unattended-upgrades on a Pi can take. */
export const aptFree: Requirement = {
  name: "apt:lock",
  title: "no other apt or dpkg is running",
  waitMs: 600_000,
  check(see) {
    for (const path of lockPaths) {
      const [holder] = see.lockHolders(path);
      if (holder === undefined) continue;
      return {
        reason: `${path} is held by ${holder.command} (pid ${holder.pid})`,
        hint: ["ps", "-fp", String(holder.pid)],
      };
    }
    return null;
  },
};
