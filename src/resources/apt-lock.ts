import type { Requirement } from "../problem/requirement.ts";

/** All locks that apt-get takes. apt's own lock timeout does not cover the lists lock. */
const lockPaths = [
  "/var/lib/dpkg/lock-frontend",
  "/var/lib/dpkg/lock",
  "/var/lib/apt/lists/lock",
  "/var/cache/apt/archives/lock",
];

/**
 * Met when no other process holds an apt or dpkg lock. Waits ten minutes, which unattended-upgrades can take on a Pi.
 */
export const aptFree: Requirement = {
  name: "apt:lock",
  title: "no other apt or dpkg is running",
  waitMs: 600_000,
  check(reader) {
    for (const path of lockPaths) {
      const [holder] = reader.lockHolders(path);
      if (holder === undefined) continue;
      return {
        reason: `${path} is held by ${holder.command} (pid ${holder.pid})`,
        hint: ["ps", "-fp", String(holder.pid)],
      };
    }
    return null;
  },
};
