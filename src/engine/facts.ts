// Gathers the facts about a host once.

import { installedPackage, packageField } from "../apt/dpkg.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

export interface Facts {
  /** os-release(5): ID, ID_LIKE, VERSION_ID, PRETTY_NAME. */
  id: string;
  like: string[];
  version: string;
  /** The distribution whose packages fit: the host's own, or the one that it derives from. null for any other. */
  family: "debian" | "ubuntu" | null;
  /** The codename in that family. A derivative's UBUNTU_CODENAME or DEBIAN_CODENAME takes precedence over its own. */
  codename: string;
  name: string;
  /** The userland architecture in dpkg's terms: amd64, arm64, armhf. "" if dpkg is not installed. */
  architecture: string;
  systemd: boolean;
  apt: boolean;
  /** Whether the kernel has IPv6, and it is not disabled. */
  ipv6: boolean;
  /** The name of the board as the firmware reports it ("Raspberry Pi 4 Model B Rev 1.5"), or "". */
  model: string;
}

/** Reads the facts from the files of the host. Missing files result in defaults. */
export function gatherFacts(reader: HostReader): Facts {
  const release = osRelease(textOf(reader, "/etc/os-release") ?? textOf(reader, "/usr/lib/os-release") ?? "");
  const dpkg = installedPackage(reader, "dpkg");
  return {
    id: release.ID ?? "linux",
    like: (release.ID_LIKE ?? "").split(" ").filter(Boolean),
    version: release.VERSION_ID ?? "",
    family: familyOf(release),
    codename: release.UBUNTU_CODENAME ?? release.DEBIAN_CODENAME ?? release.VERSION_CODENAME ?? "",
    name: release.PRETTY_NAME ?? release.ID ?? "this system",
    architecture: dpkg === null ? "" : (packageField(dpkg, "Architecture") ?? ""),
    // sd_booted(3) checks for the same directory.
    systemd: reader.stat("/run/systemd/system") !== null,
    apt: reader.stat("/usr/bin/apt-get") !== null,
    ipv6: (textOf(reader, "/proc/net/if_inet6") ?? "").trim() !== "",
    model: (textOf(reader, "/proc/device-tree/model") ?? "").replace("\0", ""),
  };
}

/** Mint and Pop!_OS name Ubuntu's codename, and LMDE names Debian's. Others declare their parent only in ID_LIKE. */
function familyOf({ ID, ID_LIKE = "", UBUNTU_CODENAME, DEBIAN_CODENAME }: Record<string, string>): Facts["family"] {
  const like = ID_LIKE.split(" ");
  if (ID === "debian" || ID === "ubuntu") return ID;
  if (UBUNTU_CODENAME !== undefined) return "ubuntu";
  if (DEBIAN_CODENAME !== undefined) return "debian";
  return like.includes("ubuntu") ? "ubuntu" : like.includes("debian") ? "debian" : null;
}

/** Parses the assignments of os-release(5) with their shell quotes and backslashes, without a shell. */
export function osRelease(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, key = "", raw = ""] of text.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)) {
    const quoted = /^(["'])(.*)\1$/.exec(raw.trim());
    found[key] = (quoted?.[2] ?? raw.trim()).replace(/\\(.)/g, "$1");
  }
  return found;
}
