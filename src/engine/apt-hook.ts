// Commands that others have apt run around dpkg (DPkg::Pre-Invoke and its like): one that fails ends an installation.

import type { HostReader, Output } from "../host/host.ts";
import { textOf } from "./facts.ts";

const confDir = "/etc/apt/apt.conf.d";

export interface FailedHook {
  /** The setting, the command and the file that it stands in, for a person. */
  title: string;
  /** null where no file has the command as it was run. */
  path: string | null;
  /** dpkg had ended well by then: the packages are installed. */
  isAfter: boolean;
}

export function failedHook(see: HostReader, { stderr }: Output): FailedHook | null {
  // The commands of Pre-Install-Pkgs get a list of the packages, and apt names them in other words.
  const script = /^E: Failure running script (.+)$/m.exec(stderr)?.[1];
  const [, setting = "DPkg::Pre-Install-Pkgs", command = script] =
    /^E: Problem executing scripts (DPkg::\S+) '(.*)'$/m.exec(stderr) ?? [];
  if (command === undefined) return null;
  const names = (see.list(confDir) ?? []).filter((name) => !name.startsWith("."));
  const paths = ["/etc/apt/apt.conf", ...names.map((name) => `${confDir}/${name}`)];
  const path = paths.find((each) => textOf(see, each)?.includes(`"${command}"`)) ?? null;
  const isAfter = setting === "DPkg::Post-Invoke" && !/^E: Sub-process \/\S*dpkg /m.test(stderr);
  return { title: `apt's hook ${setting} '${command}'${path === null ? "" : ` in ${path}`} failed`, path, isAfter };
}
