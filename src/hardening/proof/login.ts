// One attempt to connect from outside.

import type { HostReader } from "../../host/host.ts";
import type { Endpoint } from "../../ssh/sockets.ts";
import { linesOf } from "../../text/lines.ts";
import { hostAlias, type ThrowawayKey } from "./key.ts";
import type { Outside } from "./namespace.ts";

/** Packets that a firewall drops end in this time. */
const connectSeconds = 3;
/**
 * A login runs PAM, and the start-up files of the user's shell. A client that outlives a killed run waits for replies
 * that no longer reach it, and would keep the namespace forever: timeout(1) ends it.
 */
const loginSeconds = 10;
const timeout = ["timeout", "-k", "1", String(loginSeconds)];
const loginLimitMs = (loginSeconds + 2) * 1000;
/** How long a refused or closed connection is tried again: sshd may restart, or drop new ones at random (MaxStartups). */
const retryMs = 3000;
const pauseMs = 200;
const longestReason = 200;
/** The client prints it as soon as sshd has accepted the key: before anything that the user's shell can print. */
const acceptedMark = "edox-ops-probe is accepted";

/** A way in, and the address that it is tried from. */
export interface Attempt {
  endpoint: Endpoint;
  source: string;
}

/** Why a login did not succeed. */
export interface Refusal {
  reason: string;
  /**
   * What ended it. "unreachable": no server answers. "denied": sshd does not accept the key, and the client itself says
   * so. "ended": all that a user can cause as well, by a start-up file of the shell or by killing the session.
   */
  by: "unreachable" | "denied" | "ended";
}

/** Logs in as a user and runs the command of the key. Returns null, or why it did not succeed. */
export async function login(
  outside: Outside,
  reader: HostReader,
  { user, endpoint, source, key }: Attempt & { user: string; key: ThrowawayKey },
): Promise<Refusal | null> {
  const end = reader.now() + retryMs;
  for (;;) {
    let isIn = false;
    const { code, stderr } = await outside.run(sshCommand({ user, endpoint, source }, key), {
      limitMs: loginLimitMs,
      // It is the first output, in one piece. The user's shell may print more than is kept.
      onOutput(text) {
        isIn ||= text.includes(acceptedMark);
      },
    });
    if (code === 0) return null;
    const lines = linesOf(stderr);
    const late = code === 124 ? `it did not end within ${loginSeconds} s` : null;
    const reason = late ?? (lines.at(-1) ?? `exit code ${code}`).slice(0, longestReason);
    const isClosed = code === 255 && /connection (refused|reset|closed)|kex_exchange/i.test(lines.join("\n"));
    if (!isClosed || reader.now() >= end) {
      const by = isIn ? "ended" : failureOf(lines);
      return { reason: isIn || (code !== 255 && late === null) ? `logged in, but: ${reason}` : reason, by };
    }
    await reader.sleep(pauseMs);
  }
}

/** Without a session, only ssh and sshd write these lines. */
function failureOf(lines: readonly string[]): Refusal["by"] {
  if (lines.some((line) => /^ssh: connect to host /.test(line))) return "unreachable";
  return lines.some((line) => /Permission denied|authentication failures/.test(line)) ? "denied" : "ended";
}

/**
 * Returns whether a server answers a TCP connection. ssh makes it, and then breaks off, because the server is none of
 * its kind: other programs for that need not be installed.
 */
export async function answers(outside: Outside, { endpoint, source }: Attempt): Promise<boolean> {
  const argv = sshCommand({ user: "probe", endpoint, source });
  const { code, stderr } = await outside.run(argv, { limitMs: loginLimitMs });
  return code === 255 && !/^(?:ssh: connect to host|bind) /m.test(stderr);
}

function sshCommand({ user, endpoint, source }: Attempt & { user: string }, key?: ThrowawayKey): string[] {
  const options = [
    "BatchMode=yes",
    "PreferredAuthentications=publickey",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "ControlPath=none",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    `UserKnownHostsFile=${key?.knownHostsPath ?? "/dev/null"}`,
    `HostKeyAlias=${hostAlias}`,
    "LogLevel=ERROR",
    `ConnectTimeout=${connectSeconds}`,
    `BindAddress=${source}`,
  ];
  const accepted = ["PermitLocalCommand=yes", `LocalCommand=echo ${acceptedMark}`];
  const identity = key === undefined ? [] : ["-i", key.keyPath, ...accepted.flatMap((each) => ["-o", each])];
  const flags = options.flatMap((each) => ["-o", each]);
  const words = [...identity, "-T", "-p", String(endpoint.port), "-l", user];
  return [...timeout, "ssh", "-F", "none", ...flags, ...words, "--", endpoint.address];
}
