// How a client reaches the SSH server of this host, and by which key it recognizes it.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import type { Endpoint } from "./sockets.ts";

export interface SshServer {
  port: number;
  /** The type and the value of a public key, as in known_hosts. */
  key: string;
}

/** That of the package, and one that was built on the host. */
const sshdPaths = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"];
const standardPort = 22;
/** The types of host keys, the preferred one first. */
const types = ["ed25519", "ecdsa", "rsa"];

/** Returns whether this host has an SSH server. */
export function hasSshd(reader: HostReader): boolean {
  return sshdPaths.some((path) => reader.stat(path) !== null);
}

/**
 * Returns port and key of the SSH server. Throws a Problem if the host has no key or the server is stopped, and an
 * UnknownStateError without root.
 */
export async function sshServer(reader: HostReader): Promise<SshServer> {
  const key = types.map((type) => publicKey(reader, type)).find((found) => found !== null);
  if (key === undefined) {
    throw new Problem("precondition-failed", "this host has no SSH host key in /etc/ssh", {
      hint: ["sudo", "apt-get", "install", "openssh-server"],
    });
  }
  const ports = await sshPorts(reader);
  return { port: ports.includes(standardPort) ? standardPort : (ports[0] ?? standardPort), key };
}

function publicKey(reader: HostReader, type: string): string | null {
  const text = textOf(reader, `/etc/ssh/ssh_host_${type}_key.pub`) ?? "";
  return /^(?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]+={0,2}/.exec(text)?.[0] ?? null;
}

/** Returns the ports on which the SSH server listens. Throws as {@link sshServer} does. */
export async function sshPorts(reader: HostReader): Promise<number[]> {
  return (await socketPorts(reader)) ?? (await configuredPorts(reader));
}

/**
 * Returns the addresses and ports at which an sshd of root listens, or systemd for it. "0.0.0.0", "::" and "*" are all
 * addresses of a family, or of both.
 */
export async function sshListeners(reader: HostReader): Promise<Endpoint[]> {
  const ofSocket = await socketPorts(reader);
  const { stdout } = await reader.probe(["ss", "-H", "-l", "-t", "-n", "-p"], { limitMs: 10_000 });
  const found = stdout.split("\n").flatMap((line) => {
    const [, , , local = "", , users = ""] = line.trim().split(/\s+/);
    const [, address = "", port] = /^\[?([^\]%]*)(?:%[^\]]*)?\]?:(\d+)$/.exec(local) ?? [];
    const endpoint = { address, port: Number(port) };
    const holders = [...users.matchAll(/\("([^"]*)",pid=(\d+),/g)];
    const isSsh = holders.some(([, name, pid]) =>
      name === "sshd" ? reader.stat(`/proc/${pid}`)?.uid === 0 : pid === "1" && ofSocket?.includes(endpoint.port),
    );
    return isSsh ? [endpoint] : [];
  });
  return [...new Map(found.map((each) => [`${each.address} ${each.port}`, each])).values()];
}

/** Returns the ports of an active ssh.socket, with which sshd ignores those of its configuration; or null without one. */
async function socketPorts(reader: HostReader): Promise<number[] | null> {
  const { stdout } = await reader.probe(["systemctl", "show", "--property=ActiveState,Listen", "ssh.socket"]);
  if (!/^ActiveState=active$/m.test(stdout)) return null;
  return [...stdout.matchAll(/^Listen=.*:(\d+) \(Stream\)$/gm)].map(([, port]) => Number(port));
}

async function configuredPorts(reader: HostReader): Promise<number[]> {
  const { code, stdout, stderr } = await reader.probe(["sshd", "-T"]);
  if (code === 0) return [...stdout.matchAll(/^port (\d+)$/gm)].map(([, port]) => Number(port));
  const message = `the port of the SSH server is unknown: ${stderr.trim().split("\n")[0]}`;
  // sshd reads its keys before anything else, which only root may.
  if (reader.uid !== 0) throw new UnknownStateError(message);
  throw new Problem("precondition-failed", message, { hint: ["sudo", "systemctl", "start", "ssh"] });
}
