import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Unmet } from "../problem/requirement.ts";

/** Returns the number of a group in /etc/group, or null. */
export function gidOf(reader: HostReader, name: string): number | null {
  const lines = (textOf(reader, "/etc/group") ?? "").split("\n");
  const [, , gid] = lines.map((line) => line.split(":")).find(([first]) => first === name) ?? [];
  return gid === undefined ? null : Number(gid);
}

/** Returns the reason and the hint for a missing group. */
export function noGroup(name: string): Required<Unmet> {
  return { reason: `there is no group ${name}`, hint: ["sudo", "groupadd", "--system", name], code: "not-found" };
}
