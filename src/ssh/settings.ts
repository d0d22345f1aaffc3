// The effective settings of sshd for one user, with every Match block applied.

import type { HostReader } from "../host/host.ts";
import { linesOf } from "../text/lines.ts";

/** The settings, by their names in lower case. A setting that occurs several times has all its values. */
export interface SshdSettings {
  /** Returns all words of a setting; none if it is not set. */
  valuesOf(name: string): string[];
  /** Returns whether the first word of a setting is one of these, in lower case. "": it is not set. */
  is(name: string, ...values: string[]): boolean;
}

/** How a client connects. sshd prints no settings if a Match block names a part that is not given. */
export interface Connection {
  /** The name and the address of the client. */
  host: string;
  address: string;
  /** The address and the port of the server. */
  localAddress: string;
  localPort: string;
}

const loopback: Connection = { host: "localhost", address: "127.0.0.1", localAddress: "127.0.0.1", localPort: "22" };

/** Returns the command that prints the settings for a user who connects from this address, or in this way. */
export function settingsCommand(user: string, from: string | Partial<Connection> = {}): string[] {
  const parts = typeof from === "string" ? { address: from } : from;
  const { host, address, localAddress, localPort } = { ...loopback, ...parts };
  return ["sshd", "-T", "-C", `user=${user},host=${host},addr=${address},laddr=${localAddress},lport=${localPort}`];
}

/** Returns the settings for a user, or why sshd does not print them. */
export async function sshdSettings(
  reader: HostReader,
  user: string,
  from?: string | Partial<Connection>,
): Promise<SshdSettings | { failure: string }> {
  const { code, stdout, stderr } = await reader.probe(settingsCommand(user, from), { limitMs: 10_000 });
  if (code !== 0) return { failure: linesOf(stderr).at(-1) ?? `exit code ${code}` };
  return parseSettings(stdout);
}

/** Parses the output of `sshd -T`. */
export function parseSettings(text: string): SshdSettings {
  const settings = Map.groupBy(text.split("\n").map(split), ([name]) => name);
  const valuesOf = (name: string): string[] =>
    (settings.get(name) ?? []).flatMap(([, value]) => value.split(/\s+/).filter((each) => each !== ""));
  return { valuesOf, is: (name, ...values) => values.includes((valuesOf(name)[0] ?? "").toLowerCase()) };
}

function split(line: string): [name: string, value: string] {
  const at = line.indexOf(" ");
  return at < 0 ? [line.toLowerCase(), ""] : [line.slice(0, at).toLowerCase(), line.slice(at + 1)];
}

/** Returns the files of authorized keys of a user, as absolute paths. */
export function authorizedKeysPaths(settings: SshdSettings, { name, home }: { name: string; home: string }): string[] {
  return settings.valuesOf("authorizedkeysfile").map((path) => {
    const named = path.replace(/%[hu%]/g, (token) => ({ "%h": home, "%u": name, "%%": "%" })[token] ?? token);
    return named.startsWith("/") ? named : `${home}/${named}`;
  });
}

/**
 * Returns whether a pattern of ssh_config(5) matches a name. Users write such patterns in their own files, and a regular
 * expression with many stars takes exponential time: this one never returns to a star before the last.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  let [at, star, retry] = [0, -1, 0];
  for (let i = 0; i < name.length; ) {
    const isStar = pattern[at] === "*";
    if (isStar) [star, retry] = [at, i];
    else if (pattern[at] === "?" || pattern[at] === name[i]) i += 1;
    else if (star < 0) return false;
    else {
      at = star;
      retry += 1;
      i = retry;
    }
    at += 1;
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
