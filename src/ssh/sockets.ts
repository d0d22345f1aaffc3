// The TCP connections and listeners of this host, as the kernel lists them in /proc/net/tcp and tcp6.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { canonicalAddress, familyOf } from "./address.ts";

export interface Endpoint {
  /** An address as inet_ntop(3) writes it. An IPv4 address that is mapped into IPv6 is written as IPv4. */
  address: string;
  port: number;
}

/** Returns "192.0.2.1:22" or "[2001:db8::1]:22". */
export function endpointText({ address, port }: Endpoint): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

export interface TcpSocket {
  local: Endpoint;
  remote: Endpoint;
  state: "established" | "listen" | "other";
  inode: number;
}

/** Returns the TCP sockets of the network namespace of a process. */
export function tcpSockets(reader: HostReader, pid: number | "self" = "self"): TcpSocket[] {
  return ["tcp", "tcp6"].flatMap((name) => parse(textOf(reader, `/proc/${pid}/net/${name}`) ?? ""));
}

function parse(text: string): TcpSocket[] {
  const row = /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2})(?: +\S+){5} +(\d+)/gm;
  return [...text.matchAll(row)].map(([, local = "", localPort = "", remote = "", remotePort = "", state, inode]) => ({
    local: { address: addressOf(local), port: Number.parseInt(localPort, 16) },
    remote: { address: addressOf(remote), port: Number.parseInt(remotePort, 16) },
    state: state === "01" ? "established" : state === "0A" ? "listen" : "other",
    inode: Number(inode),
  }));
}

/** Each word of 32 bits is in the byte order of the machine, which is little-endian. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  const text = bytes.length === 4 ? bytes.join(".") : (bytes.toString("hex").match(/.{4}/g) ?? []).join(":");
  return canonicalAddress(text) ?? text;
}
