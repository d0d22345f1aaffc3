// Who logs in to this host with a key of their own, and can become root.

import { fieldsOf } from "../../host/account-files.ts";
import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { findAccount } from "../../resources/user.ts";
import { type AuthorizedKey, authorizedKeys, opensShell } from "../../ssh/authorized-keys.ts";
import type { SshSession } from "../../ssh/session.ts";
import { authorizedKeysPaths, parseSettings, type SshdSettings, sshdSettings } from "../../ssh/settings.ts";
import { linesOf } from "../../text/lines.ts";
import { nameOf } from "../../text/path.ts";
import { isExpired } from "../ssh/accounts.ts";
import { type BecomesRoot, becomesRoot } from "./sudo.ts";

const mostUsers = 20;
/** Each account costs a run of sshd. Those that sudo knows come first, then those with keys at the usual place. */
const mostAccounts = 100;
const sudoGroups = ["sudo", "admin", "wheel"];
const sudoersDir = "/etc/sudoers.d";
/** sshd reads the whole file for each login. A person has a few kilobytes. */
const mostBytes = 1024 * 1024;

export interface User {
  name: string;
  /** The file of authorized keys that has the user's own keys. */
  keysPath: string;
  becomesRoot: BecomesRoot;
  /** Whether the present session is of this user. */
  isOperator: boolean;
}

export interface Users {
  /** The operator first, then those who can become root. At most 20. */
  users: User[];
  /** Why others are no users in this sense, as sentences without a full stop. */
  reasons: string[];
}

/** Returns the users who can log in as far as files and settings show. Only a login proves that sshd lets them in. */
export async function usersWithKeys(reader: HostReader, session: SshSession | null, only?: string): Promise<Users> {
  const users: User[] = [];
  const reasons: string[] = [];
  const all = await accounts(reader, session, only);
  if (all.length > mostAccounts)
    reasons.push(`${all.length - mostAccounts} of ${all.length} accounts were not examined`);
  for (const account of all.slice(0, mostAccounts)) {
    const found = await userOf(reader, account, session);
    if (found === null) continue;
    if ("reason" in found) reasons.push(`${account.name}: ${found.reason}`);
    else users.push(found);
  }
  const rank = ({ isOperator, becomesRoot }: User): number => (isOperator ? 0 : becomesRoot !== null ? 1 : 2);
  users.sort((one, other) => rank(one) - rank(other));
  for (const { name } of users.slice(mostUsers)) reasons.push(`${name}: only ${mostUsers} users are proven`);
  return { users: users.slice(0, mostUsers), reasons };
}

interface Account {
  name: string;
  uid: number;
  home: string;
  shell: string;
}

async function accounts(reader: HostReader, session: SshSession | null, only?: string): Promise<Account[]> {
  const names = fieldsOf(reader, "/etc/passwd").map(([name = ""]) => name);
  // The operator may come from a directory service, whose users are not listed.
  const wanted = only === undefined ? [session?.user ?? "", ...names] : [only];
  const found: Account[] = [];
  for (const name of new Set(wanted.filter(isName))) {
    const account = await findAccount(reader, name);
    if (account !== null && !isWithoutShell(account.shell)) found.push(account);
  }
  const named = namedForSudo(reader);
  const rank = ({ name, home }: Account): number => {
    if (name === session?.user) return 0;
    return (named.has(name) ? 0 : 2) + (hasUsualKeys(reader, home) ? 1 : 2);
  };
  const ranked = found.map((account) => ({ account, rank: rank(account) }));
  return ranked.sort((one, other) => one.rank - other.rank).map(({ account }) => account);
}

/** Returns the users whom a rule of sudo, or a group that usually has one, may let become root. */
function namedForSudo(reader: HostReader): Set<string> {
  const members = fieldsOf(reader, "/etc/group").flatMap(([group = "", , , users = ""]) =>
    sudoGroups.includes(group) ? users.split(",") : [],
  );
  const files = ["/etc/sudoers", ...(reader.list(sudoersDir) ?? []).map((name) => `${sudoersDir}/${name}`)];
  return new Set([...members, ...files.flatMap((path) => textIfReadable(reader, path).match(/[\w.@$-]+/g) ?? [])]);
}

function textIfReadable(reader: HostReader, path: string): string {
  try {
    return textOf(reader, path) ?? "";
  } catch {
    return "";
  }
}

/** A home that this process may not open has none. */
function hasUsualKeys(reader: HostReader, home: string): boolean {
  try {
    return reader.stat(`${home}/.ssh/authorized_keys`) !== null;
  } catch {
    return false;
  }
}

/** A name that ssh and sshd take as an argument. */
const isName = (name: string): boolean => /^[A-Za-z0-9_][\w.@\\$-]*$/.test(name);

const isWithoutShell = (shell: string): boolean => ["nologin", "false", "sync", "true"].includes(nameOf(shell));

async function userOf(
  reader: HostReader,
  { name, uid, home }: Account,
  session: SshSession | null,
): Promise<User | { reason: string } | null> {
  const isOperator = session?.user === name;
  const settings = await settingsOf(reader, name, session);
  const own = ownKeys(reader, authorizedKeysPaths(settings, { name, home }));
  if (own === null) return isOperator ? { reason: "has no authorized keys" } : null;
  if ("reason" in own) return own;
  const address = session?.client.address ?? null;
  const now = reader.now();
  const usable = own.keys.filter((key) => {
    if (!acceptedTypes(key.type, settings)) return false;
    // sshd has let this one in, so that its addresses fit.
    if (isOperator && session.key?.fingerprint === key.fingerprint) return opensShell(key, null, now);
    // On a console, nothing shows that its holder is at these addresses.
    if (session === null && key.options.has("from")) return false;
    return opensShell(key, address, now);
  });
  if (usable.length === 0) return { reason: "has no key that opens a shell from here" };
  const reason = refusal(settings, uid) ?? (isExpired(reader, name) ? "its account has expired" : null);
  if (reason !== null) return { reason };
  return { name, keysPath: own.path, becomesRoot: await becomesRoot(reader, name, uid), isOperator };
}

/** Returns the settings for a user, or the default ones where sshd does not print them. A login decides then. */
async function settingsOf(reader: HostReader, name: string, session: SshSession | null): Promise<SshdSettings> {
  const { client, server } = session ?? {};
  const from = client &&
    server && { address: client.address, localAddress: server.address, localPort: `${server.port}` };
  const settings = await sshdSettings(reader, name, from);
  return "failure" in settings
    ? parseSettings("authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2")
    : settings;
}

/**
 * Returns the first of these files that has a key, with its keys; or why it is not read. The files belong to their user,
 * who may exchange them for anything.
 */
function ownKeys(
  reader: HostReader,
  paths: readonly string[],
): { path: string; keys: AuthorizedKey[] } | { reason: string } | null {
  for (const path of paths) {
    try {
      const stat = reader.stat(path);
      if (stat === null) continue;
      if (stat.type !== "file") return { reason: `${path} is not a regular file` };
      const bytes = stat.size > mostBytes ? null : (reader.readOwn(path)?.bytes ?? new Uint8Array());
      // It may have grown meanwhile.
      if (bytes === null || bytes.length > mostBytes) return { reason: `${path} is larger than 1 MiB` };
      const keys = authorizedKeys(bytes);
      if (keys.length > 0) return { path, keys };
    } catch (error) {
      // Not even root may enter a file system that a user has mounted.
      if (error instanceof UnknownStateError && reader.uid !== 0) throw error;
      return { reason: linesOf(error instanceof Error ? error.message : String(error))[0] ?? path };
    }
  }
  return null;
}

/** Returns whether sshd accepts a signature of a key of this type. */
function acceptedTypes(type: string, settings: SshdSettings): boolean {
  const accepted = settings.valuesOf("pubkeyacceptedalgorithms").flatMap((each) => each.split(","));
  const names = type === "ssh-rsa" ? ["rsa-sha2-256", "rsa-sha2-512", "ssh-rsa"] : [type];
  return accepted.length === 0 || names.some((each) => accepted.includes(each));
}

/** Returns why sshd gives a person no shell, though the probe's key, which has a command, would get in. Else null. */
function refusal({ is }: SshdSettings, uid: number): string | null {
  if (!is("forcecommand", "none", "")) return "sshd has a ForceCommand for it";
  if (!is("chrootdirectory", "none", "")) return "sshd has a ChrootDirectory for it";
  if (uid === 0 && is("permitrootlogin", "forced-commands-only"))
    return "sshd has PermitRootLogin forced-commands-only";
  return null;
}
