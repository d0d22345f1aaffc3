// The log of sessions: one line for each, also for a refused one.

import { root } from "../engine/change.ts";
import { logDir } from "../engine/paths.ts";
import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { deployKeysLogPath } from "./paths.ts";
import { quoted } from "./quoted.ts";

interface SessionEntry {
  /** The name of the key in the forced command, which may not be recorded any more. */
  key: string | undefined;
  fingerprint: string | undefined;
  project: string | undefined;
  /** SSH_CONNECTION: the address and port of the client, and of this host. */
  connection: string | undefined;
  request: string | undefined;
  outcome: string;
  exit: number;
}

/** Appends the line. Returns why the log could not be written, or null: a full disk is no reason to fail a deploy. */
export function logSession(host: Host, entry: SessionEntry): string | null {
  const { key, fingerprint, project, connection, request, outcome, exit } = entry;
  const address = /^[0-9A-Fa-f.:%A-Za-z]{1,64}(?= )/.exec(connection ?? "")?.[0];
  const fields = {
    ...{ key: quoted(key ?? ""), fingerprint: fingerprint ?? "-", project: project ?? "-", address: address ?? "-" },
    ...{ request: quoted(request ?? ""), outcome, exit },
  };
  const words = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  const stamp = new Date(host.now()).toISOString().slice(0, 19);
  try {
    if (host.stat(logDir) === null) host.makeDirectory(logDir, { mode: 0o755, ...root });
    host.append(deployKeysLogPath, `[${stamp}Z] SESSION ${words.join(" ")}\n`, 0o640, true);
    return null;
  } catch (error) {
    return `${deployKeysLogPath} cannot be written: ${Problem.of(error).message}`;
  }
}
