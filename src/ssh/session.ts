// The SSH session that this process was started in.

import { fieldsOf } from "../host/account-files.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { canonicalAddress } from "./address.ts";
import { type Endpoint, type TcpSocket, tcpSockets } from "./sockets.ts";

export interface SshSession {
  client: Endpoint;
  server: Endpoint;
  /** The user who logged in, or null if it is not known. */
  user: string | null;
  /** The key that the login used. null: another method, or the journal does not name it. */
  key: { type: string; fingerprint: string } | null;
}

/**
 * Returns the SSH session that this process belongs to, or null on a console, in a timer, or for another user than
 * root.
 *
 * The connection is that of the nearest sshd of root among the ancestors of this process, as the kernel lists it: sudo
 * and su remove SSH_CONNECTION, and a process may set it to anything. tmux and screen have no sshd as their ancestor:
 * there, SSH_CONNECTION of this process or its nearest ancestor is used, if that connection is still established.
 */
export async function sshSession(reader: HostReader): Promise<SshSession | null> {
  try {
    const chain = ancestors(reader);
    const found = ofDaemon(reader, chain) ?? ofEnvironment(reader, chain);
    return found && { ...found, ...(await loginOf(reader, found)) };
  } catch {
    // A process of the chain ended, or belongs to another user.
    return null;
  }
}

interface Process {
  pid: number;
  uid: number;
  name: string;
}

type Connection = Pick<SshSession, "client" | "server" | "user">;

/** Returns this process and its ancestors, the nearest first. */
function ancestors(reader: HostReader): Process[] {
  const chain: Process[] = [];
  let pid = Number(reader.readLink("/proc/self") ?? 0);
  while (pid > 1 && chain.length < 100) {
    const [, name = "", parent = "0"] =
      /^\d+ \((.*)\) \S (\d+) /s.exec(textOf(reader, `/proc/${pid}/stat`) ?? "") ?? [];
    const uid = reader.stat(`/proc/${pid}`)?.uid;
    if (uid === undefined) break;
    chain.push({ pid, uid, name });
    pid = Number(parent);
  }
  return chain;
}

/** OpenSSH 9.8 and newer run a session in a program of its own. */
const isDaemon = ({ name }: Process): boolean => name === "sshd" || name === "sshd-session";

function ofDaemon(reader: HostReader, chain: readonly Process[]): Connection | null {
  const at = chain.findIndex((each) => isDaemon(each) && each.uid === 0);
  const daemon = chain[at];
  if (daemon === undefined) return null;
  const dir = `/proc/${daemon.pid}/fd`;
  const links = (reader.list(dir) ?? []).map((name) => reader.readLink(`${dir}/${name}`));
  const socket = tcpSockets(reader, daemon.pid).find(
    ({ state, inode }) => state === "established" && links.includes(`socket:[${inode}]`),
  );
  if (socket === undefined) return null;
  // Below the sshd of root, an sshd runs as the user; a session of root has none.
  const below = chain[at - 1];
  return { ...ends(socket), user: nameOf(reader, below && isDaemon(below) ? below.uid : 0) };
}

function ofEnvironment(reader: HostReader, chain: readonly Process[]): Connection | null {
  for (const { pid } of chain) {
    const [, value] = /(?:^|\0)SSH_CONNECTION=([^\0]*)/.exec(textOf(reader, `/proc/${pid}/environ`) ?? "") ?? [];
    if (value === undefined) continue;
    const [client = "", clientPort, server = "", serverPort] = value.split(" ");
    const socket = tcpSockets(reader).find(
      ({ state, local, remote }) =>
        state === "established" &&
        isAt(remote, { address: client, port: Number(clientPort) }) &&
        isAt(local, { address: server, port: Number(serverPort) }),
    );
    return socket === undefined ? null : { ...ends(socket), user: null };
  }
  return null;
}

function isAt(one: Endpoint, other: Endpoint): boolean {
  return one.port === other.port && one.address === canonicalAddress(other.address.replace(/%.*$/, ""));
}

function ends({ local, remote }: TcpSocket): Pick<Connection, "client" | "server"> {
  return { client: remote, server: local };
}

function nameOf(reader: HostReader, uid: number): string | null {
  return fieldsOf(reader, "/etc/passwd").find((fields) => fields[2] === String(uid))?.[0] ?? null;
}

/**
 * Returns the user and the key that sshd logged for this connection. Clients choose parts of such lines, such as the
 * name of an unknown user, but none of a line that begins with Accepted; and only a process of root has _UID=0.
 */
async function loginOf(reader: HostReader, { client, user }: Connection): Promise<Pick<SshSession, "user" | "key">> {
  const pattern = `^Accepted \\S+ for \\S+ from \\S+ port ${client.port} ssh2`;
  const daemons = ["_UID=0", "_COMM=sshd", "_COMM=sshd-session"];
  const flags = ["--boot", "--quiet", "--output=cat", "--reverse", "--lines=20", `--grep=${pattern}`];
  const { stdout } = await reader.probe(["journalctl", ...flags, ...daemons], { limitMs: 5000 });
  for (const line of stdout.split("\n")) {
    const found = /^Accepted \S+ for (\S+) from (\S+) port (\d+) ssh2(?:: (\S+) (SHA256:\S+))?/.exec(line);
    const [, name = "", address = "", port, type, fingerprint] = found ?? [];
    if (!isAt(client, { address, port: Number(port) })) continue;
    const key = type === undefined || fingerprint === undefined ? null : { type, fingerprint };
    return { user: name, key };
  }
  return { user, key: null };
}
