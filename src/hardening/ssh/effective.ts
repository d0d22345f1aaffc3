// Whether the settings apply to every account that can log in, and which line decides otherwise.

import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { type ConfigLine, decidingLines, readSshdConfig, sshdConfigPath } from "../../ssh/config.ts";
import type { SshdSettings } from "../../ssh/settings.ts";
import { few } from "../../text/lines.ts";
import { type LoginAccount, loginAccounts } from "./accounts.ts";
import { dropInPath } from "./paths.ts";
import { askSshd } from "./questions.ts";
import { type Choices, passwordSettings, type Setting } from "./settings.ts";

/** A line of another file, by which a setting is less strict than ours. */
export interface Weakness {
  setting: Setting;
  line: ConfigLine;
  users: string[];
}

/** The settings, the choices, and sshd's configuration. */
export interface Hardening {
  settings: readonly Setting[];
  choices: Choices;
  lines: readonly ConfigLine[];
}

const shownFaults = 3;

/** Returns whether a setting must be strict for this account. */
function applies({ name, isOfRoot }: Setting, { user, uid }: LoginAccount, { passwordUsers }: Choices): boolean {
  return isOfRoot ? uid === 0 : !(passwordSettings.includes(name) && passwordUsers.includes(user));
}

/** Returns whether sshd reads our file for every connection. */
function isIncluded(lines: readonly ConfigLine[]): boolean {
  return lines.some(({ path, criteria }) => path === dropInPath && criteria.length === 0);
}

/** Returns the lines by which a setting is less strict for one of the accounts. */
function weaknessesOf(accounts: readonly LoginAccount[], { settings, choices, lines }: Hardening): Weakness[] {
  const found = new Map<ConfigLine, Weakness>();
  for (const setting of settings) {
    for (const account of accounts.filter((each) => applies(setting, each, choices))) {
      for (const line of decidingLines(lines, setting.name, account)) {
        if (line.path === dropInPath || setting.isStrict(firstWord(line).toLowerCase())) continue;
        const known = found.get(line);
        if (known === undefined) found.set(line, { setting, line, users: [account.user] });
        else known.users.push(account.user);
      }
    }
  }
  return [...found.values()];
}

function firstWord({ words: [value = ""] }: ConfigLine): string {
  return value;
}

/** Describes the line, and for whom it applies. `total`: the number of accounts. */
export function describeWeakness({ setting: { name }, line, users }: Weakness, total: number): string {
  const what = `${line.path}:${line.line} sets ${name} ${firstWord(line)}`;
  if (line.criteria.length === 0) return `${what}, and sshd reads it before ${dropInPath}`;
  return `${what} in a Match block${users.length < total ? ` for ${few(users)}` : ""}`;
}

/** Returns the command that turns the line into a comment. */
function commentOut({ line: { path, line } }: Weakness): string[] {
  return ["sudo", "sed", "-i", `${line}s/^/#/`, path];
}

/**
 * Throws a Problem if the essential settings would not apply to everyone, with the file and the line that decides.
 * Returns the lines by which other settings do not apply.
 */
export function demandEffective(reader: HostReader, hardening: Hardening): Weakness[] {
  if (!isIncluded(hardening.lines)) {
    const add = `1i Include ${dropInPath.replace(/[^/]+$/, "*.conf")}`;
    const message = `${sshdConfigPath} has no line that includes ${dropInPath}, so that sshd would ignore it`;
    throw new Problem("conflict", message, { hint: ["sudo", "sed", "-i", add, sshdConfigPath] });
  }
  const accounts = loginAccounts(reader);
  const all = weaknessesOf(accounts, hardening);
  const essential = all.filter(({ setting }) => setting.isEssential);
  const [first] = essential;
  if (first === undefined) return all;
  const named = essential.slice(0, shownFaults).map((each) => describeWeakness(each, accounts.length));
  const more = essential.length > shownFaults ? `; and ${essential.length - shownFaults} more` : "";
  const names = essential.flatMap(({ setting, users }) => (passwordSettings.includes(setting.name) ? users : []));
  const allow = names.length > 0 && names.length < accounts.length ? ", or pass --allow-password USER" : "";
  throw new Problem("conflict", `${named.join("; ")}${more}: remove the line${allow}`, { hint: commentOut(first) });
}

/** A setting that sshd itself does not apply. */
export interface Ineffective {
  setting: Setting;
  value: string;
  user: string;
  /** The address of the connection. */
  address: string;
}

/**
 * Asks sshd for the settings of every account, also for the addresses, names and ports that Match blocks of other files
 * have. Returns those that are not strict, or why sshd does not print them. See {@link askSshd} for `limitMs`.
 */
export async function ineffectiveSettings(
  reader: HostReader,
  { settings, choices, lines }: Hardening,
  limitMs?: number,
): Promise<Ineffective[] | { failure: string }> {
  const { answers, failure } = await askSshd(reader, lines, loginAccounts(reader), limitMs);
  const found = answers.flatMap(({ answer, accounts, place }) =>
    accounts.flatMap((account) => ofAccount(answer, account, place.address ?? "127.0.0.1")),
  );
  return failure === null || found.length > 0 ? found : { failure };

  function isAllowed(user: string): boolean {
    return choices.passwordUsers.includes(user);
  }

  function ofAccount(answer: SshdSettings, account: LoginAccount, address: string): Ineffective[] {
    const { user } = account;
    const weak = settings.flatMap((setting) => {
      const value = (answer.valuesOf(setting.name.toLowerCase())[0] ?? "").toLowerCase();
      const isFine = setting.isStrict(value) || !applies(setting, account, choices);
      return isFine ? [] : [{ setting, value, user, address }];
    });
    const [password] = settings.filter(({ name }) => name === passwordSettings[0]);
    const isRefused = isAllowed(user) && answer.is(passwordSettings[0]?.toLowerCase() ?? "", "no");
    return isRefused && password ? [...weak, { setting: password, value: "no", user, address }] : weak;
  }
}

/** Returns the hardening of these choices on this host. */
export function hardeningOf(reader: HostReader, settings: readonly Setting[], choices: Choices): Hardening {
  return { settings, choices, lines: readSshdConfig(reader) };
}

/** Describes a setting that sshd does not apply, and for whom. */
export function describeIneffective({ setting: { name }, value, user, address }: Ineffective): string {
  return `${name} is ${value || "not set"} for ${user} from ${address}`;
}
