// Whether apt installs updates by itself, from its effective settings: any file of apt.conf.d can override another.

import { installs } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { hintToShow } from "../problem/show-file.ts";
import { linesOf } from "../text/lines.ts";
import { periodicPath } from "./paths.ts";

const dir = "/etc/apt/apt.conf.d";
const names = ["Update-Package-Lists", "Unattended-Upgrade"];

/** Returns the values of the settings that automatic updates need, in a file of apt or in the output of apt-config. */
export function updateSettings(text: string): { name: string; value: string | undefined }[] {
  const plain = text.replace(/^\s*(?:\/\/|#).*$/gm, "");
  return names.map((name) => ({
    name,
    value: [...plain.matchAll(new RegExp(`^\\s*APT::Periodic::${name}\\s+"([^"]*)";`, "gim"))].at(-1)?.[1],
  }));
}

export const periodicHeader = "// Written by edox-ops.\n";

/** A file of apt's settings has a few kilobytes. */
const mostCharacters = 64 * 1024;

/** Returns whether this host is to install updates by itself. An admin may have turned them off. */
export function hasUpdates(reader: HostReader): boolean {
  const text = new TextDecoder().decode(reader.head(periodicPath, mostCharacters) ?? undefined);
  return text.startsWith(periodicHeader) || updateSettings(text).at(-1)?.value === "1";
}

/** A resource that nothing else turns off what this file of apt turns on. */
export const unattendedUpdates: Resource = {
  name: "host:security-updates",
  title: "security updates are installed automatically",
  async check(reader, ahead) {
    const isPlanned = installs(ahead, "unattended-upgrades") || ahead.some((each) => "path" in each);
    // The files of this run are not there yet. They are checked after the changes.
    if (isPlanned) return [];
    const command = ["apt-config", "dump", "APT::Periodic"];
    const { code, stdout, stderr } = await reader.probe(command);
    if (code !== 0) {
      throw new Problem("invalid-config", `apt-config failed: ${linesOf(stderr)[0] ?? `exit code ${code}`}`, {
        hint: command,
      });
    }
    const enable = /^APT::Periodic::Enable "(?:0|false|no)";$/im.exec(stdout) ? ["Enable"] : [];
    const [off] = [...enable, ...updateSettings(stdout).flatMap(({ name, value }) => (isOn(value) ? [] : [name]))];
    if (off === undefined) return [];
    const path = lastToSet(reader, off);
    const where = path === null ? "" : ` by ${path}`;
    const message = `security updates are not installed automatically: APT::Periodic::${off} is turned off${where}`;
    throw new Problem("conflict", message, { hint: path === null ? command : hintToShow(path) });
  },
};

/** The value is a number of days, a number with a unit, or "always". */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^0*[smhd]?$/.test(value);
}

/** Returns the last file that names the setting, other than ours. apt reads /etc/apt/apt.conf after the directory. */
function lastToSet(reader: HostReader, setting: string): string | null {
  const paths = [...(reader.list(dir) ?? []).map((name) => `${dir}/${name}`), "/etc/apt/apt.conf"];
  const sets = (path: string): boolean => new RegExp(`\\b${setting}\\s+"`, "i").test(textOf(reader, path) ?? "");
  return paths.findLast((path) => path !== periodicPath && sets(path)) ?? null;
}
