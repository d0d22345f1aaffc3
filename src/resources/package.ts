import { installs } from "../engine/change.ts";
import { dpkgInterrupted, installedPackage } from "../engine/dpkg.ts";
import type { Resource } from "../engine/step.ts";

/** A Debian package is installed, in whatever version. */
export function installed(name: string): Resource {
  return {
    name: `package:${name}`,
    title: `${name} is installed`,
    check(see, ahead) {
      const isThere = installedPackage(see, name) !== null || installs(ahead, name);
      return isThere ? [] : [{ kind: "packages", names: [name] }];
    },
  };
}

/** No dpkg was stopped half-way. */
export const dpkgConfigured: Resource = {
  name: "dpkg:configured",
  title: "every unpacked package is configured",
  check: (see) => (dpkgInterrupted(see) ? [{ kind: "packages", names: [] }] : []),
};
