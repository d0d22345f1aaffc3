import type { HostReader } from "../../host/host.ts";

/** sshd uses the first value of a setting, and reads this directory in the order of the names. */
export const dropInPath = "/etc/ssh/sshd_config.d/00-edox-ops.conf";
/** The file of the Python version, which a file such as 50-cloud-init.conf overrides. */
export const pythonPath = "/etc/ssh/sshd_config.d/edox-ops.conf";

/** Returns whether this program, or its Python version, hardened sshd. */
export function hasSshHardening(reader: HostReader): boolean {
  return [dropInPath, pythonPath].some((path) => reader.stat(path) !== null);
}
