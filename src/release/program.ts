// The executable that runs, where it lies on a host.

import { installedPackage } from "../engine/dpkg.ts";
import { Problem } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";

/** Where the Debian package has it. */
const packagedPath = "/usr/bin/edox-ops";

/** Throws a Problem where dpkg owns it: what apt is asked for instead, and where that comes from. */
export function demandUnpackaged(see: HostReader, program: string, instead: readonly string[], from = ""): void {
  if (program !== packagedPath || installedPackage(see, "edox-ops") === null) return;
  throw new Problem("blocked", `apt owns ${program}${from}`, { hint: ["sudo", "apt-get", ...instead] });
}

export function folderOf(program: string): string {
  return program.slice(0, program.lastIndexOf("/")) || "/";
}

/** What lies beside it, hidden: the one that was replaced last, and where a new one is unpacked. */
export function beside(program: string): { previous: string; work: string } {
  const slash = program.lastIndexOf("/") + 1;
  const hidden = `${program.slice(0, slash)}.${program.slice(slash)}`;
  return { previous: `${hidden}.previous`, work: `${hidden}.update` };
}
