// Who can log in with a password, and who did.

import type { HostReader } from "../../host/host.ts";
import { inPatterns, readSshdConfig } from "../../ssh/config.ts";
import type { SshdSettings } from "../../ssh/settings.ts";
import { type LoginAccount, loginAccounts, namesWithPassword } from "./accounts.ts";
import { askSshd } from "./questions.ts";

/**
 * Returns the users for whom sshd accepts a password from some address, or why that is unknown. Part of the answers are
 * enough if one of them is not `allowed`. Throws UnknownStateError without root. See {@link askSshd} for `limitMs`.
 */
export async function passwordLogins(
  reader: HostReader,
  { limitMs, allowed = [] }: { limitMs?: number; allowed?: readonly string[] } = {},
): Promise<string[] | { failure: string }> {
  const names = namesWithPassword(reader);
  const accounts = loginAccounts(reader).filter(({ user }) => names.has(user));
  const { answers, failure } = await askSshd(reader, readSshdConfig(reader), accounts, limitMs);
  const accepted = answers.flatMap(({ answer, accounts }) => accounts.filter((each) => acceptsPassword(answer, each)));
  const found = [...new Set(accepted.map(({ user }) => user))];
  return failure === null || found.some((user) => !allowed.includes(user)) ? found : { failure };
}

function acceptsPassword(settings: SshdSettings, { user, uid, groups }: LoginAccount): boolean {
  const { is, valuesOf } = settings;
  const asks =
    is("passwordauthentication", "yes") || (is("kbdinteractiveauthentication", "yes") && is("usepam", "yes"));
  if (!asks || (uid === 0 && !is("permitrootlogin", "yes"))) return false;
  const methods = valuesOf("authenticationmethods");
  const isEnough = (method: string): boolean => /^(any|password|keyboard-interactive(:\w+)?)$/.test(method);
  if (methods.length > 0 && !methods.some(isEnough)) return false;
  // A pattern may also name the address, which can be any.
  const isUser = (name: string): boolean => valuesOf(name).some((each) => inPatterns(each.split("@")[0] ?? "", [user]));
  const isGroup = (name: string): boolean => valuesOf(name).some((each) => inPatterns(each, groups));
  const allows = (name: string, matches: boolean): boolean => valuesOf(name).length === 0 || matches;
  const isDenied = valuesOf("denyusers").includes(user) || isGroup("denygroups");
  return !isDenied && allows("allowusers", isUser("allowusers")) && allows("allowgroups", isGroup("allowgroups"));
}

/** How far back the journal is read. */
const recent = "-90days";

/** Returns the users who logged in with a password within 90 days, as far as the journal has it. */
export async function recentPasswordUsers(reader: HostReader): Promise<string[]> {
  const pattern = "^Accepted (password|keyboard-interactive/pam) for ";
  const flags = ["--quiet", "--no-pager", "--output=cat", `--since=${recent}`, "--reverse", "--lines=1000"];
  const daemons = ["_UID=0", "_COMM=sshd", "_COMM=sshd-session"];
  const { stdout } = await reader.probe(["journalctl", ...flags, `--grep=${pattern}`, ...daemons], { limitMs: 10_000 });
  const names = [...stdout.matchAll(/^Accepted (?:password|keyboard-interactive\/pam) for (\S+) from /gm)];
  return [...new Set(names.map(([, name = ""]) => name))];
}
