import { textOf } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";

/** The number of a group that this host knows from its own file, or null. */
export function gidOf(see: HostReader, name: string): number | null {
  const lines = (textOf(see, "/etc/group") ?? "").split("\n");
  const [, , gid] = lines.map((line) => line.split(":")).find(([first]) => first === name) ?? [];
  return gid === undefined ? null : Number(gid);
}

/** What to say of one that is not there, and what makes it. */
export function noGroup(name: string): { reason: string; hint: string[] } {
  return { reason: `there is no group ${name}`, hint: ["sudo", "groupadd", "--system", name] };
}
