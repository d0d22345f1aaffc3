import { dpkgInterrupted, installedPackage, unfinishedPackages } from "../apt/dpkg.ts";
import { commandToFinish } from "../apt/finish.ts";
import { installs } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";

/** Returns a resource for an installed Debian package of any version. */
export function packageInstalled(name: string): Resource {
  return {
    name: `package:${name}`,
    title: `${name} is installed`,
    check(reader, ahead) {
      const isThere = installedPackage(reader, name) !== null || installs(ahead, name);
      return isThere ? [] : [{ kind: "packages", names: [name] }];
    },
  };
}

/** Finishes a dpkg that was interrupted. */
export const dpkgConfigured: Resource = {
  name: "dpkg:configured",
  title: "all unpacked packages are configured",
  affects: "updates and installations of packages",
  check(reader) {
    if (!dpkgInterrupted(reader)) return [];
    const unfinished = unfinishedPackages(reader);
    return [{ kind: "packages", names: [], ...(unfinished.length > 0 && { unfinished }) }];
  },
  // The step installs more packages. On a host without sites, an unfinished package is no reason to install nginx.
  repairCommand: commandToFinish,
};
