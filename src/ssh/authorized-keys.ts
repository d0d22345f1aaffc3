// Reads the file of authorized keys of a user: which of its keys open a session for a person.

import { overlap } from "./address.ts";
import { fingerprintOf } from "./public-key.ts";
import { matchesPattern } from "./settings.ts";

export interface AuthorizedKey {
  /** "ssh-ed25519", "ssh-rsa" and so on. */
  type: string;
  fingerprint: string;
  /** Names in lower case, with their values without quotes; "" for an option without a value. */
  options: ReadonlyMap<string, string>;
}

/** The name of a key type, also of certificates and of security keys. */
const keyType = /^(?:sk-)?(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+)(?:@openssh\.com)?$/;

/** Returns the keys of a file. Comments, broken lines and certificate authorities are left out. Bytes need not be text. */
export function authorizedKeys(bytes: Uint8Array): AuthorizedKey[] {
  return Buffer.from(bytes).toString("latin1").split("\n").flatMap(keyIn);
}

function keyIn(line: string): AuthorizedKey[] {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return [];
  const first = text.split(/[ \t]/, 1)[0] ?? "";
  const [options, end] = keyType.test(first) ? [[], 0] : optionsOf(text);
  const [type = "", base64 = ""] = text
    .slice(end)
    .trim()
    .split(/[ \t]+/);
  const blob = Buffer.from(base64, "base64");
  const isKey = keyType.test(type) && blob.length > 0 && blob.toString("latin1").includes(type);
  const named = new Map(options.map(withValue));
  return isKey && !named.has("cert-authority") ? [{ type, fingerprint: fingerprintOf(blob), options: named }] : [];
}

/**
 * Returns the options of a line, and where they end: at the first space that is not within quotes, as in sshd. It takes
 * time in proportion to the line, whose author may want it to take long.
 */
function optionsOf(line: string): [options: string[], end: number] {
  const options: string[] = [];
  let [from, at, isQuoted] = [0, 0, false];
  for (; at < line.length; at++) {
    const character = line[at] as string;
    if (character === "\\" && line[at + 1] === '"') at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === " " || character === "\t") break;
    else if (character === ",") {
      options.push(line.slice(from, at));
      from = at + 1;
    }
  }
  return [[...options, line.slice(from, at)], at];
}

function withValue(option: string): [name: string, value: string] {
  const at = option.indexOf("=");
  if (at < 0) return [option.toLowerCase(), ""];
  const value = option.slice(at + 1).replace(/^"(.*)"$/s, "$1");
  return [option.slice(0, at).toLowerCase(), value.replaceAll('\\"', '"')];
}

/**
 * Returns whether a person can use the key for a shell: it has no forced command, has surely not expired, and accepts
 * this address. `address` null: it is not known from where the person comes.
 */
export function opensShell({ options }: AuthorizedKey, address: string | null, nowMs: number): boolean {
  if (options.has("command")) return false;
  const expiry = options.get("expiry-time");
  if (expiry !== undefined && !(earliestMs(expiry) > nowMs)) return false;
  const from = options.get("from");
  return from === undefined || address === null || accepts(from, address);
}

/** No time zone is further ahead of UTC. */
const mostAheadMs = 14 * 3600 * 1000;

/** Returns the earliest moment that a time of authorized_keys(5) may stand for. A time without Z is local. */
function earliestMs(text: string): number {
  const [, year, month, day, hour = "00", minute = "00", second = "00", zone] =
    /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/.exec(text) ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return zone === "Z" ? ms : ms - mostAheadMs;
}

/** A name of a host in the list matches no address: it would need the DNS. */
function accepts(list: string, address: string): boolean {
  const patterns = list.split(",").map((each) => each.trim().toLowerCase());
  const matches = (pattern: string): boolean =>
    pattern.includes("/") ? overlap(pattern, address) : matchesPattern(pattern, address);
  if (patterns.some((each) => each.startsWith("!") && matches(each.slice(1)))) return false;
  return patterns.some((each) => !each.startsWith("!") && matches(each));
}
