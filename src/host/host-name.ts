import type { HostReader } from "./host.ts";
import { textOf } from "./text-file.ts";

/**
 * Returns the name of this host for messages and for the repository of its backups: letters, digits, dots, _ and -, the
 * first one a letter or a digit. Other characters are replaced.
 */
export function hostName(reader: HostReader): string {
  const name = (textOf(reader, "/proc/sys/kernel/hostname") ?? "").trim().replace(/[^A-Za-z0-9._-]/g, "-");
  return name.replace(/^[^A-Za-z0-9]+/, "").slice(0, 253) || "localhost";
}
