import type { HostReader } from "../host/host.ts";
import { hasJournal, unfinishedPackages } from "./dpkg.ts";

/**
 * Returns the command that finishes an interrupted dpkg, or null if nothing is unfinished. The packages are named,
 * because apt only then installs a newer version of one whose scripts fail.
 */
export function commandToFinish(reader: HostReader): string[] | null {
  if (hasJournal(reader)) return ["sudo", "dpkg", "--configure", "-a"];
  const names = unfinishedPackages(reader);
  return names.length === 0 ? null : ["sudo", "apt-get", "install", ...names];
}
