// A throwaway key, with a line in the files of authorized keys for as long as a proof takes.

import { lockDir } from "../../engine/paths.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";
import { sshdSettings } from "../../ssh/settings.ts";
import { parentOf } from "../../text/path.ts";
import type { Record } from "./journal.ts";

const root = { uid: 0, gid: 0 };
const keyPath = `${lockDir}/probe-key`;
const knownHostsPath = `${lockDir}/probe-known-hosts`;
/** The name of this host for the probe, whose address may be any. */
export const hostAlias = "edox-ops-probe";

/** A line that is added for one user. */
interface KeyLine {
  path: string;
  /** The sources of the user's logins. */
  from: readonly string[];
  /** The only command that the key runs. */
  command: string;
}

/** What a login needs. */
export interface ThrowawayKey {
  keyPath: string;
  knownHostsPath: string;
  /**
   * Adds the line. The file keeps its owner, its mode and every other byte. Throws if that is not safe. Returns a
   * function that tells whether the line is still in the file, and the file and its directories are as they were then.
   */
  authorize(line: KeyLine): () => boolean;
}

/**
 * Makes a new key pair, whose private key only root can read. A line opens one command for its sources alone, and
 * expires by itself. All of it is recorded, so that it is removed in every case.
 */
export async function throwawayKey(host: Host, record: Record): Promise<ThrowawayKey> {
  for (const path of [keyPath, `${keyPath}.pub`, knownHostsPath]) {
    if (host.stat(path) !== null) host.remove(path);
    record({ kind: "absent", path });
  }
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  const argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", `${hostAlias}-${id}`, "-f", keyPath];
  const { code, stderr } = await host.run(argv, { limitMs: 10_000 });
  const publicKey = (textOf(host, `${keyPath}.pub`) ?? "").trim();
  if (code !== 0 || !/^ssh-ed25519 [\w+/=]+ [\w-]+$/.test(publicKey)) {
    throw new Problem("command-failed", "ssh-keygen made no key for the proof", { returncode: code, stderr });
  }
  host.writeFile(knownHostsPath, new TextEncoder().encode(await knownHosts(host)), { mode: 0o600, ...root });
  // sshd reads a time of the system's zone; before OpenSSH 9.1 it knows no other. The end of summer time takes an hour.
  const expiry = (await host.probe(["date", "--date=+90minutes", "+%Y%m%d%H%M%S"])).stdout.trim();
  return {
    keyPath,
    knownHostsPath,
    authorize({ path, from, command }) {
      const options = [`from="${from.join(",")}"`, `command="${command}"`, "restrict", `expiry-time="${expiry}"`];
      const line = `${options.join(",")} ${publicKey}`;
      const own = host.readOwn(path);
      if (own === null) throw new Problem("conflict", `${path} is not a regular file`);
      record({ kind: "line", path, line });
      // At the start, so that the removal restores a file whose last line has no end.
      const { mode, uid, gid } = own.stat;
      host.writeFile(path, Buffer.concat([Buffer.from(`${line}\n`), own.bytes]), { mode, uid, gid });
      const before = waysOf(host, path, uid);
      return () => before !== null && waysOf(host, path, uid) === before;
    },
  };
}

/**
 * Returns the status of the file, and of the directories of its owner above it; null if that is not possible. A change
 * of mode, of content or of a name changes the time of one of them, which no user can set.
 */
function waysOf(reader: HostReader, path: string, uid: number): string | null {
  const stats: unknown[] = [];
  try {
    for (let at = path; at !== "/"; at = parentOf(at)) {
      const stat = reader.stat(at);
      if (at === path || stat?.uid === uid) stats.push([at, stat]);
    }
    return JSON.stringify(stats);
  } catch {
    // The owner may have put another file system there.
    return null;
  }
}

/** Returns the public host keys, so that a login to another server than this host's fails. */
async function knownHosts(host: Host): Promise<string> {
  const settings = await sshdSettings(host, "root");
  const configured = "failure" in settings ? [] : settings.valuesOf("hostkey").map((path) => `${path}.pub`);
  const names = (host.list("/etc/ssh") ?? []).filter((name) => /^ssh_host_.*_key\.pub$/.test(name));
  const paths = new Set([...configured, ...names.map((name) => `/etc/ssh/${name}`)]);
  return [...paths].map((path) => `${hostAlias} ${textOf(host, path) ?? ""}`).join("\n");
}
