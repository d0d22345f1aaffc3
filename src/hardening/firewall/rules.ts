// Rules of ufw, as its command line and as the tuples that it writes into its files.

import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";
import { demandRegular } from "../../problem/regular-file.ts";
import { hintToShow } from "../../problem/show-file.ts";
import { type Allowed, readAllowed } from "./allow.ts";
import { userRules6Path, userRulesPath } from "./paths.ts";

/** A rule that edox-ops adds. */
export interface Rule extends Allowed {
  action: "allow" | "limit";
}

/** A rule for incoming packets in one of ufw's files. */
export interface Tuple {
  action: string;
  protocol: string;
  /** A port, a list, or ranges; "any". */
  ports: string;
  from: string;
  /** It holds for some interfaces, destinations or source ports only. */
  isNarrow: boolean;
  /** The only interface that it is about, `eth+` for several; null for all. */
  interface: string | null;
  /** It names an application profile, so that no other rule replaces it. */
  isProfile: boolean;
}

const everywhere = ["0.0.0.0/0", "::/0"];

/** Returns the words of ufw's command line, in the form that `ufw show added` prints. */
export function spellRule({ action, port, protocol, from }: Rule): string {
  return from === null
    ? `${action} ${port}/${protocol}`
    : `${action} from ${from} to any port ${port} proto ${protocol}`;
}

/** Returns the rule of this spelling, or null for another one. */
export function readRule(text: string): Rule | null {
  const general = /^(allow|limit) (\d+\/(?:tcp|udp))$/.exec(text);
  const narrow = /^(allow|limit) from (\S+) to any port (\d+) proto (tcp|udp)$/.exec(text);
  const typed = general ? general[2] : narrow && `${narrow[3]}/${narrow[4]}@${narrow[2]}`;
  const allowed = readAllowed(typed ?? "");
  return "reason" in allowed ? null : { action: (general ?? narrow)?.[1] as Rule["action"], ...allowed };
}

/** Returns whether the rules differ at most in their action: ufw replaces one by the other. */
export function isSamePlace(a: Rule, b: Rule): boolean {
  return a.port === b.port && a.protocol === b.protocol && a.from === b.from;
}

/** Returns the rules in ufw's files, for IPv4 and for IPv6. ufw has them while it is inactive too. */
export function ufwTuples(reader: HostReader): { ipv4: Tuple[]; ipv6: Tuple[] } {
  return { ipv4: tuplesOf(rulesText(reader, userRulesPath)), ipv6: tuplesOf(rulesText(reader, userRules6Path)) };
}

/** Throws a Problem for a file that ufw cannot read either. */
function rulesText(reader: HostReader, path: string): string {
  demandRegular(reader, path);
  const text = textOf(reader, path) ?? "";
  if (!text.includes("\uFFFD")) return text;
  throw new Problem("invalid-config", `${path} is not valid UTF-8`, { hint: hintToShow(path) });
}

function tuplesOf(text: string): Tuple[] {
  return [...text.matchAll(/^### tuple ### (.*)$/gm)].flatMap(([, line = ""]) => {
    const words = line.split(" ").filter((word) => !word.startsWith("comment="));
    const [action = "", protocol = "", ports = "", to = "", sourcePorts = "", from = ""] = words;
    const direction = words.at(-1) ?? "";
    // Rules of the direction out and for forwarded packets decide about other packets.
    if (action.startsWith("route:") || !direction.startsWith("in")) return [];
    const isNarrow = direction !== "in" || !everywhere.includes(to) || sourcePorts !== "any";
    // A logged rule is "allow_log".
    const isProfile = words.length > 7;
    const name = /^in_(\S+)$/.exec(direction)?.[1] ?? null;
    return [{ action: action.replace(/_log.*$/, ""), protocol, ports, from, isNarrow, interface: name, isProfile }];
  });
}

function concerns(tuple: Tuple, { port, protocol }: Pick<Rule, "port" | "protocol">): boolean {
  if (tuple.protocol !== "any" && tuple.protocol !== protocol) return false;
  return tuple.ports.split(",").some((part) => {
    const [low, high = low] = part.split(":").map(Number);
    return part === "any" || (low !== undefined && low <= port && port <= (high ?? low));
  });
}

/** Returns the first rule that decides about packets of any address to this port, or undefined. */
export function decisive(tuples: readonly Tuple[], at: Pick<Rule, "port" | "protocol">): Tuple | undefined {
  return tuples.find((tuple) => concerns(tuple, at) && !tuple.isNarrow && everywhere.includes(tuple.from));
}

/** Returns the rules that deny this port to some addresses, or on an interface, before another rule decides. */
export function partialDenials(tuples: readonly Tuple[], at: Pick<Rule, "port" | "protocol">): Tuple[] {
  const all = decisive(tuples, at);
  const first = all === undefined ? tuples : tuples.slice(0, tuples.indexOf(all));
  return first.filter((each) => {
    const isPartial = each.interface !== null || !everywhere.includes(each.from);
    return isPartial && !isOpening(each) && concerns(each, at);
  });
}

/** Returns whether a rule denies this port to everyone on this interface, before another rule decides. */
export function isDeniedOn(name: string, tuples: readonly Tuple[], at: Pick<Rule, "port" | "protocol">): boolean {
  const isHere = (pattern: string): boolean =>
    pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
  const own = tuples.filter((each) => each.interface === null || isHere(each.interface));
  const first = own.find((each) => concerns(each, at) && everywhere.includes(each.from));
  return first !== undefined && first.interface !== null && !isOpening(first);
}

/** Returns whether some rule lets somebody reach this port: at least some addresses, or those of an interface. */
export function isOpened(tuples: readonly Tuple[], at: Pick<Rule, "port" | "protocol">): boolean {
  return tuples.some((each) => isOpening(each) && concerns(each, at));
}

/** Returns whether some rule lets only some addresses or interfaces reach this port. */
export function isNarrowed(tuples: readonly Tuple[], at: Pick<Rule, "port" | "protocol">): boolean {
  return tuples.some((each) => {
    return isOpening(each) && concerns(each, at) && (each.isNarrow || !everywhere.includes(each.from));
  });
}

function isOpening({ action }: Tuple): boolean {
  return action === "allow" || action === "limit";
}

/** Returns whether the rules have the effect of this one, and none before it denies the same packets. */
export function has(tuples: readonly Tuple[], rule: Rule): boolean {
  if (rule.from !== null) return contains(tuples, rule);
  const { action } = decisive(tuples, rule) ?? {};
  return action === "limit" || action === rule.action;
}

/** Returns whether this very rule is one of the rules. */
export function contains(tuples: readonly Tuple[], rule: Rule): boolean {
  return tuples.some(({ action, ports, protocol, from, isNarrow, isProfile }) => {
    const isSame = action === rule.action && ports === String(rule.port) && protocol === rule.protocol;
    const isFrom = rule.from === null ? everywhere.includes(from) : from === rule.from;
    return isSame && isFrom && !isNarrow && !isProfile;
  });
}
