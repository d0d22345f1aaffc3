// Whether a user can become root.

import type { HostReader } from "../../host/host.ts";
import { linesOf } from "../../text/lines.ts";
import { shadowOf } from "../ssh/accounts.ts";

/**
 * How a user becomes root: already is, by sudo without a password, or by sudo with the password that is set. null: not
 * at all.
 */
export type BecomesRoot = "is" | "sudo" | "password" | null;

export async function becomesRoot(reader: HostReader, name: string, uid: number): Promise<BecomesRoot> {
  if (uid === 0) return "is";
  const { code, stdout } = await reader.probe(["sudo", "-l", "-U", name], { limitMs: 10_000 });
  const rule = code === 0 ? sudoRule(stdout) : null;
  if (rule !== "password") return rule;
  return /^[^!*]/.test(shadowOf(reader, name)[1] ?? "") ? "password" : null;
}

/**
 * Returns whether a listing of sudo has a rule for all commands as root. It wraps no rules, but its Defaults, which are
 * indented as rules are.
 */
export function sudoRule(listing: string): "sudo" | "password" | null {
  const rules = linesOf(listing).flatMap((line) => {
    const [, runAs = "", rest = ""] = /^ {4}\(([^)]*)\) (.*)$/.exec(line) ?? [];
    const users = (runAs.split(":")[0] ?? "").split(",").map((each) => each.trim());
    const [, tags = "", commands = ""] = /^((?:[A-Z_]+: )*)(.*)$/.exec(rest) ?? [];
    const isAll = commands.split(",").some((each) => each.trim() === "ALL");
    const isRoot = users.some((each) => each === "ALL" || each === "root") && !users.includes("!root");
    return isAll && isRoot ? [tags.includes("NOPASSWD: ") ? ("sudo" as const) : ("password" as const)] : [];
  });
  // The last rule that matches decides.
  return rules.at(-1) ?? null;
}
