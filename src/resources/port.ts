import { type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Requirement } from "../problem/requirement.ts";
import { linesOf } from "../text/lines.ts";

/** The state of a listening socket in /proc/net/tcp (include/net/tcp_states.h). */
const listening = "0A";

/**
 * Returns a requirement that is met if no other program listens on the port. `serves` reports cheaply that the program
 * itself does: the kernel needs 6 ms to list the sockets, more than the rest of a converged run.
 */
export function portFree(port: number, program: string, serves: (reader: HostReader) => boolean): Requirement {
  return {
    name: `port:${port}`,
    title: `port ${port} is available to ${program}`,
    check(reader) {
      const holder = serves(reader) ? null : portHolder(reader, port, program);
      if (holder === null) return null;
      const hint = ["sudo", "ss", "-ltnp", "sport", "=", `:${port}`];
      return { reason: `port ${port} is taken by ${holder}, which ${program} needs`, hint, code: "conflict" };
    },
  };
}

/**
 * Describes the process that listens on the port, or returns null if it is this program or none. Throws
 * UnknownStateError if only root can determine it.
 */
export function portHolder(reader: HostReader, port: number, program: string): string | null {
  const sockets = listeners(reader, port);
  if (sockets.size === 0) return null;
  const owner = ownerOf(reader, sockets);
  if (owner?.command === program) return null;
  if (owner !== null) return `${owner.command} (pid ${owner.pid})`;
  if (reader.uid !== 0) throw new UnknownStateError(`only root can see which program listens on port ${port}`);
  return "a process that this host does not list, possibly in a container";
}

/** Returns the inodes of the sockets that listen on a port, IPv4 and IPv6. */
function listeners(reader: HostReader, port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const found = new Set<string>();
  for (const path of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (textOf(reader, path) ?? "").split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === listening && local?.endsWith(`:${hex}`) && inode) found.add(inode);
    }
  }
  return found;
}

function ownerOf(reader: HostReader, inodes: Set<string>): { pid: number; command: string } | null {
  for (const pid of reader.list("/proc") ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const descriptors = reader.list(`/proc/${pid}/fd`) ?? [];
      if (!descriptors.some((fd) => isOneOf(inodes, reader.readLink(`/proc/${pid}/fd/${fd}`)))) continue;
    } catch (error) {
      // In a container some processes are hidden even from root.
      if (error instanceof UnknownStateError) continue;
      throw error;
    }
    return { pid: Number(pid), command: linesOf(textOf(reader, `/proc/${pid}/comm`) ?? "")[0] ?? "a process" };
  }
  return null;
}

/** Returns whether an open file is one of these sockets. */
function isOneOf(inodes: Set<string>, target: string | null): boolean {
  const inode = /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1];
  return inode !== undefined && inodes.has(inode);
}
