// Finds the apt hook (DPkg::Pre-Invoke and similar settings) that failed. A failing hook aborts an installation.

import type { HostReader, Output } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

const confDir = "/etc/apt/apt.conf.d";

interface FailedHook {
  /** Names the setting, the command and its file in a message. */
  title: string;
  /** null if no file contains the command in the form in which it ran. */
  path: string | null;
  /** dpkg had already succeeded: the packages are installed. */
  isAfter: boolean;
}

/** Returns the hook that made apt-get fail with this output, or null if no hook did. */
export function failedHook(reader: HostReader, { stderr }: Output): FailedHook | null {
  // Pre-Install-Pkgs commands receive a list of the packages, and apt reports their failure with a different message.
  const script = /^E: Failure running script (.+)$/m.exec(stderr)?.[1];
  const [, setting = "DPkg::Pre-Install-Pkgs", command = script] =
    /^E: Problem executing scripts (DPkg::\S+) '(.*)'$/m.exec(stderr) ?? [];
  if (command === undefined) return null;
  const names = (reader.list(confDir) ?? []).filter((name) => !name.startsWith("."));
  const paths = ["/etc/apt/apt.conf", ...names.map((name) => `${confDir}/${name}`)];
  const path = paths.find((each) => textOf(reader, each)?.includes(`"${command}"`)) ?? null;
  const isAfter = setting === "DPkg::Post-Invoke" && !/^E: Sub-process \/\S*dpkg /m.test(stderr);
  return { title: `apt's hook ${setting} '${command}'${path === null ? "" : ` in ${path}`} failed`, path, isAfter };
}
