import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Unmet } from "../problem/requirement.ts";

/** Returns the number of a group in /etc/group, or null. */
export function gidOf(reader: HostReader, name: string): number | null {
  const lines = (textOf(reader, "/etc/group") ?? "").split("\n");
  const [, , gid] = lines.map((line) => line.split(":")).find(([first]) => first === name) ?? [];
  return idIn(gid);
}

/** (uid_t) -1 leaves the owner of a file as it is, so it is no number of a user or a group. */
const noId = 0xffffffff;

/** Returns the number in a field of passwd(5) or group(5), or null if there is none: an empty one is not root's. */
export function idIn(field = ""): number | null {
  const id = /^\d+$/.test(field) ? Number(field) : noId;
  return id < noId ? id : null;
}

/** Returns the reason and the hint for a missing group. */
export function noGroup(name: string): Required<Unmet> {
  return { reason: `group ${name} does not exist`, hint: ["sudo", "groupadd", "--system", name], code: "not-found" };
}
