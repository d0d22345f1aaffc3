// The login that this process belongs to. Several connections, and programs of other users, may be of one login.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

/**
 * Returns the login session of this process, or null. sudo and su stay in the session of the login. Where logind does
 * not run, it is the process of sshd that serves the connection.
 */
export function loginSession(reader: HostReader): string | null {
  const scope = /\/(session-[^/]+)\.scope\b/.exec(textOf(reader, "/proc/self/cgroup") ?? "")?.[1];
  if (scope !== undefined) return scope;
  for (let pid = "self"; pid !== "0"; ) {
    const status = textOf(reader, `/proc/${pid}/status`) ?? "";
    const field = (name: string): string => new RegExp(`^${name}:\t(.*)$`, "m").exec(status)?.[1] ?? "0";
    if (field("Name").startsWith("sshd")) return `sshd-${field("Pid")}`;
    pid = field("PPid");
  }
  return null;
}
