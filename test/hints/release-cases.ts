// States of a program and of the server of its releases, each with the hint that self-update gives.

import { appendFileSync, chmodSync, mkdirSync } from "node:fs";
import { makeBundle } from "../bundle/small.ts";
import type { TreeHost } from "../sites/tree.ts";

export const program = "/usr/local/bin/edox-ops";
export const dpkgStatus = "/var/lib/dpkg/status";
const previous = "/usr/local/bin/.edox-ops.previous";

/** Where the Debian package installs the program. */
const packaged = "/usr/bin/edox-ops";

/** Records the Debian package of the program as installed. */
function recordPackage(disk: TreeHost): void {
  const fields = ["Package: edox-ops", "Status: install ok installed", "Architecture: amd64", "Version: 1.2.3"];
  appendFileSync(`${disk.root}${dpkgStatus}`, `${fields.join("\n")}\n\n`);
  disk.write(packaged, "#!/bin/sh\necho 1.2.3\n");
}

export interface ReleaseCase {
  of: string;
  /** The version that the server names as the latest one; 1.2.4 without it. The program is 1.2.3. */
  latest?: string;
  /** What EDOX_BASE_URL has instead of the server's address. */
  base?: string;
  /** Brings the host into the state. */
  state?: (disk: TreeHost) => unknown;
  /** The path of the program that runs. */
  path?: string;
  from: string;
  /** What the hint prints of the cause, where it only looks. */
  shows?: string;
  /** What is typed afterwards, where the hint only prepares for it. */
  after?: string;
  /** The version that the program has in the end. */
  becomes?: string;
}

export const releaseCases: ReleaseCase[] = [
  {
    of: 'self-update/program.ts ["command", "-v", "edox-ops"]',
    path: `${program} (deleted)`,
    from: "self-update",
    shows: program,
  },
  {
    of: 'cli/self-update.ts ["sudo", "EDOX_BASE_URL=https://…", "edox-ops", "self-update"]',
    base: "mirror.test",
    from: "self-update",
    becomes: "1.2.4",
  },
  {
    of: 'cli/self-update.ts ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]',
    from: "self-update --version 1.2",
    becomes: "1.2.2",
  },
  {
    of: 'self-update/update.ts ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]',
    from: "self-update --rollback",
    becomes: "1.2.2",
  },
  {
    of: 'self-update/update.ts ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"]',
    state(disk) {
      disk.write(previous, "#!/bin/sh\nexit 134\n");
      chmodSync(disk.root + previous, 0o755);
    },
    from: "self-update --rollback",
    becomes: "1.2.2",
  },
  {
    of: 'bundle/show-hint.ts ["edox-ops", "bundle", "show", path]',
    state: (disk) => makeBundle(disk.host, "/srv/edox.tar", {}),
    from: "self-update --bundle /srv/edox.tar",
    shows: "program: none",
  },
  {
    of: 'self-update/update.ts ["sudo", "edox-ops", "self-update", ...from, "--version", release.version]',
    latest: "1.2.2",
    from: "self-update",
    becomes: "1.2.2",
  },
  {
    of: 'self-update/update.ts ["sudo", "mv", previous, `{previous}.old`]',
    state: (disk) => void mkdirSync(disk.root + previous),
    from: "self-update",
    after: "self-update",
    becomes: "1.2.4",
  },
  {
    of: 'self-update/update.ts ["df", "-h", folder]',
    state: (disk) => void Object.assign(disk.host, { space: () => ({ bytesFree: 1e6, inodes: 1e6, inodesFree: 9e5 }) }),
    from: "self-update",
    shows: "Use%",
  },
  {
    // apt itself plans it: the packages of this machine stay as they are.
    of: 'self-update/update.ts ["sudo", "apt-get", "install", `./{asset}`]',
    state: recordPackage,
    path: packaged,
    from: "self-update",
    shows: "Inst edox-ops [1.2.3] (1.2.4 ",
  },
  {
    of: 'cli/uninstall.ts ["sudo", "apt-get", "remove", "edox-ops"]',
    state: recordPackage,
    path: packaged,
    from: "uninstall --yes",
    shows: "Remv edox-ops [1.2.3]",
  },
];
