// The state of ufw as a resource: its rules, its defaults, and that it filters now and after a boot.

import { type Change, installs } from "../../engine/change.ts";
import type { Resource } from "../../engine/step.ts";
import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";
import type { Warn } from "../../problem/requirement.ts";
import { hintToShow } from "../../problem/show-file.ts";
import { linesOf } from "../../text/lines.ts";
import { readHostRecord } from "../record.ts";
import { ufwConfPath, ufwDefaultsPath, userRules6Path, userRulesPath } from "./paths.ts";
import {
  contains,
  decisive,
  has,
  isSamePlace,
  type Rule,
  readRule,
  spellRule,
  type Tuple,
  ufwTuples,
} from "./rules.ts";
import { isEnabledAtBoot } from "./set-up.ts";
import { type FirewallOptions, flagsOf, wantedRules } from "./wanted.ts";

type Command = Extract<Change, { kind: "command" }>;
type OptionsOf = (reader: HostReader) => FirewallOptions;

const ufwPath = "/usr/sbin/ufw";
/** The files that ufw rewrites. A rollback restores them. */
const touches = [userRulesPath, userRules6Path, ufwConfPath, ufwDefaultsPath];

/** Returns a command of ufw, whose files a rollback restores. */
export function ufw(reason: string, ...words: string[]): Command {
  // The same command would fail again, and leave a part of the rules in the kernel.
  const hintFor = (stderr: string): string[] | undefined => {
    const [, path] = /^Problem running '([^']+)'$/m.exec(stderr) ?? [];
    return path === undefined ? undefined : hintToShow(path);
  };
  return { kind: "command", argv: ["ufw", ...words], reason, touches, hintFor };
}

/** Returns whether ufw filters now. Throws UnknownStateError without root. */
export async function isActive(reader: HostReader): Promise<boolean> {
  if (reader.stat(ufwPath) === null) return false;
  const { code, stdout, stderr } = await reader.probe(["ufw", "status"], { env: { LC_ALL: "C" } });
  const status = /^Status: (\w+)/m.exec(stdout)?.[1];
  if (code !== 0 || status === undefined) {
    // For a file that it cannot read, ufw prints where in its own code it failed.
    const why = linesOf(stderr).at(-1) ?? `exit code ${code}`;
    throw new UnknownStateError(`ufw status failed: ${why}`, ["sudo", "ufw", "status"]);
  }
  return status === "active";
}

/** Returns the plan for the rules: what to add, what to delete, and which of them edox-ops has added then. */
export async function planRules(
  reader: HostReader,
  options: FirewallOptions,
  warn: Warn,
): Promise<{ missing: Rule[]; unwanted: Rule[]; opened: string[] }> {
  const { ipv4, ipv6 } = ufwTuples(reader);
  const isThere = (rule: Rule): boolean => {
    const families = rule.from === null ? [ipv4, ipv6] : [rule.from.includes(":") ? ipv6 : ipv4];
    return families.every((tuples) => has(tuples, rule));
  };
  const wanted = await wantedRules(reader, options, warn);
  const before = readHostRecord(reader).firewall?.opened ?? [];
  const ours = before.flatMap((text) => readRule(text) ?? []);
  const isReplaced = (rule: Rule): boolean => {
    return ours.some((each) => isSamePlace(each, rule) && each.action !== rule.action);
  };
  const missing = wanted.filter((rule) => isReplaced(rule) || !isThere(rule));
  for (const rule of missing) for (const tuples of [ipv4, ipv6]) demandEffect(tuples, rule);
  const others = ours.filter((rule) => !wanted.some((each) => isSamePlace(each, rule)));
  const opened = wanted.filter((rule) => before.includes(spellRule(rule)) || missing.includes(rule));
  if (options.keepsOpened) return { missing, unwanted: [], opened: [...opened, ...others].map(spellRule) };
  const unwanted = others.filter((rule) => contains(ipv4, rule) || contains(ipv6, rule));
  return { missing, unwanted, opened: opened.map(spellRule) };
}

/** Throws a Problem if an earlier rule decides otherwise: ufw appends rules, and the first one decides. */
function demandEffect(tuples: readonly Tuple[], rule: Rule): void {
  const first = rule.from === null ? decisive(tuples, rule) : undefined;
  if (first === undefined || first.action === rule.action) return;
  const { action, ports, protocol, isProfile } = first;
  const isReplaced = ports === String(rule.port) && protocol === rule.protocol && !isProfile;
  if (isReplaced) return;
  const text = `${action} ${ports}${protocol === "any" ? "" : `/${protocol}`}`;
  const hint = isProfile ? ["sudo", "ufw", "status", "numbered"] : ["sudo", "ufw", "delete", ...text.split(" ")];
  throw new Problem("conflict", `ufw has the rule '${text}', which comes before '${spellRule(rule)}'`, { hint });
}

/** Returns the changes of ufw. The rules are added before it is enabled, and others deleted after that. */
async function ufwChanges(reader: HostReader, ahead: readonly Change[], options: FirewallOptions, warn: Warn) {
  const { missing, unwanted } = await planRules(reader, options, warn);
  const isInstalled = reader.stat(ufwPath) !== null && !installs(ahead, "ufw");
  const active = isInstalled && (await isActive(reader));
  const defaults = textOf(reader, ufwDefaultsPath) ?? "";
  const policy = (name: string): string =>
    new RegExp(`^DEFAULT_${name}_POLICY="?(\\w+)`, "m").exec(defaults)?.[1] ?? "";
  const changes: Command[] = missing.map((rule) => {
    return ufw(`ufw does not ${spellRule(rule)}`, ...spellRule(rule).split(" "));
  });
  if (policy("INPUT") === "ACCEPT") {
    changes.push(ufw("ufw allows incoming connections by default", "default", "deny", "incoming"));
  }
  if (defaults !== "" && policy("OUTPUT") !== "ACCEPT") {
    changes.push(ufw("ufw denies outgoing connections by default", "default", "allow", "outgoing"));
  }
  for (const rule of unwanted) {
    const text = spellRule(rule);
    changes.push(ufw(`the rule '${text}' is no longer needed`, "delete", ...text.split(" ")));
  }
  if (!active || !isEnabledAtBoot(reader)) {
    const reason = active ? "ufw is not enabled at boot" : "ufw is not active";
    return [...changes, { ...ufw(reason, "--force", "enable"), ...(!active && { undo: ["ufw", "disable"] }) }];
  }
  const isTouched = ahead.some((change) => "path" in change && change.path === ufwDefaultsPath);
  if (changes.length === 0 && !isTouched) return [];
  return [...changes, ufw("ufw has not loaded its rules", "reload")];
}

/** Returns the resource for the rules of ufw, which doctor checks as host:firewall. */
export function ufwFilters(optionsOf: OptionsOf): Resource {
  return {
    name: "host:firewall",
    title: "ufw denies incoming connections except to the allowed ports",
    affects: "all ports of this host",
    check: (reader, ahead, warn) => ufwChanges(reader, ahead, optionsOf(reader), warn),
    repairCommand: (reader) => {
      return ["sudo", "edox-ops", "host", "firewall", ...flagsOf(optionsOf(reader)), "--yes"];
    },
  };
}
