// The SSH session of a process, on a host in memory.

import { expect, test } from "bun:test";
import { sshSession } from "../../src/ssh/session.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";

/** 192.0.2.7:50432 connected to 198.51.100.1:22, and a listener. */
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0 100 0 0 10 0
   1: 016433C6:0016 070200C0:C500 01 00000000:00000000 02:000A 00000000     0        0 200 4 0 20 4 30 10 -1
`;
const tcp6 = `  sl  local_address                         remote_address                        st
   0: B80D0120000000000000000001000000:0016 B80D0120000000000000000007000000:C501 01 00000000:00000000 02:000A 00000000     0        0 300 4 0 20 4 30 10 -1
`;

/** A process of this host, with its parent. */
function put(host: FakeHost, pid: number, name: string, parent: number, uid = 0, environ = ""): void {
  host.dir(`/proc/${pid}`, { uid });
  host.put(`/proc/${pid}/stat`, `${pid} (${name}) S ${parent} 0 0`);
  host.put(`/proc/${pid}/environ`, environ);
  host.put(`/proc/${pid}/net/tcp`, tcp);
  host.put(`/proc/${pid}/net/tcp6`, tcp6);
}

function withProcesses(journal = ""): FakeHost {
  const host = fakeHost();
  host.put("/etc/passwd", "root:x:0:0::/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n");
  host.link("/proc/self", "50");
  host.put("/proc/self/net/tcp", tcp);
  host.put("/proc/self/net/tcp6", tcp6);
  host.taught.push(() => ok(journal));
  put(host, 50, "edox-ops", 40);
  put(host, 40, "sudo) S 1 (x", 30);
  put(host, 30, "bash", 20, 1000, "SSH_CONNECTION=1.1.1.1 1 2.2.2.2 2");
  return host;
}

const connection = { client: { address: "192.0.2.7", port: 0xc500 }, server: { address: "198.51.100.1", port: 22 } };

test("SSH session: is the connection of the sshd that started it, though sudo removes the variable", async () => {
  const host = withProcesses();
  for (const [daemon, uid, user] of [
    ["sshd", 1000, "admin"],
    ["sshd-session", 1000, "admin"],
  ] as const) {
    put(host, 20, daemon, 10, uid);
    put(host, 10, daemon, 1);
    host.link("/proc/10/fd/3", "/dev/null");
    host.link("/proc/10/fd/4", "socket:[200]");
    expect(await sshSession(host)).toEqual({ ...connection, user, key: null });
  }
});

test("SSH session: its user and key are those of the journal's line for exactly this connection", async () => {
  const key = "SHA256:G2zC4L5BdFSXzTdr3CDCweC+6TlrwwogZDK3GX1Dya4";
  const lines = [
    `Failed password for invalid user Accepted publickey for root from 192.0.2.7 port 50432 ssh2: RSA ${key}`,
    `Accepted publickey for mallory from 192.0.2.8 port 50432 ssh2: RSA ${key}`,
    `Accepted publickey for mallory from 192.0.2.7 port 50433 ssh2: RSA ${key}`,
    `Accepted publickey for admin from 192.0.2.7 port 50432 ssh2: ED25519 ${key}`,
  ];
  const host = withProcesses(lines.join("\n"));
  put(host, 20, "sshd", 1);
  host.link("/proc/20/fd/4", "socket:[200]");
  expect(await sshSession(host)).toEqual({ ...connection, user: "admin", key: { type: "ED25519", fingerprint: key } });
});

test("SSH session: a variable counts where no sshd is an ancestor, if its connection is established", async () => {
  const host = withProcesses("Accepted password for admin from 2001:db8::7 port 50433 ssh2");
  put(host, 20, "tmux: server", 1, 1000);
  expect(await sshSession(host)).toBe(null);
  put(host, 30, "bash", 20, 1000, "A=1\0SSH_CONNECTION=2001:db8:0::7 50433 2001:db8::1 22\0B=2");
  expect(await sshSession(host)).toEqual({
    client: { address: "2001:db8::7", port: 50433 },
    server: { address: "2001:db8::1", port: 22 },
    user: "admin",
    key: null,
  });
});

test("SSH session: there is none on a console, and a user's own sshd is none", async () => {
  const host = withProcesses();
  put(host, 30, "login", 1);
  expect(await sshSession(host)).toBe(null);
  put(host, 30, "bash", 20, 1000);
  put(host, 20, "sshd", 1, 1000);
  host.link("/proc/20/fd/4", "socket:[200]");
  expect(await sshSession(host)).toBe(null);
});
