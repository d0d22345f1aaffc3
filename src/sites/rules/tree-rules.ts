// Reads the rules of a tree on this host.

import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { hintToShow } from "../../problem/show-file.ts";
import type { Project } from "../project.ts";
import { headersName, invalid, mostBytes, RuleFault, redirectsName } from "./lines.ts";
import { match } from "./pattern.ts";
import { type Rules, ruleFiles, rulesOf } from "./rules.ts";

/** Returns whether a tree has a file of rules, valid or not. */
export function hasRules(reader: HostReader, dir: string): boolean {
  return ruleFilesIn(reader, dir).length > 0;
}

/** Returns the names of the files of rules that a tree has. */
export function ruleFilesIn(reader: HostReader, dir: string): string[] {
  return ruleFiles.filter((name) => reader.stat(`${dir}/${name}`) !== null);
}

/**
 * Returns the rules of a tree, or null if it has none. `excluded`: files that a deploy leaves out. Throws a Problem for
 * a file that is refused.
 */
export function treeRules(reader: HostReader, dir: string, excluded: readonly string[] = []): Rules | null {
  return remembered((name) => {
    if (excluded.includes(name)) return null;
    const path = `${dir}/${name}`;
    const stat = reader.stat(path);
    if (stat === null) return null;
    if (stat.type !== "file")
      throw invalid(name, 1, new RuleFault("not a regular file", "write the rules into a file"));
    if (stat.size > mostBytes) throw invalid(name, 1, new RuleFault("limit reached", `at most ${mostBytes} bytes`));
    // Another user may own the tree.
    return reader.readOwn(path)?.bytes ?? null;
  });
}

/**
 * Returns the rules of the live tree, or null if it has none. Rules that are refused have no effect: an earlier version
 * may have deployed them, and an admin may have edited the tree.
 */
export function liveRules(reader: HostReader, project: Project): Rules | null {
  try {
    return treeRules(reader, project.root_path);
  } catch {
    return null;
  }
}

/** Returns why the rules of the live tree have no effect, and the command that shows the cause; or null. */
export function liveRulesFault(reader: HostReader, project: Project): { reason: string; hint: string[] } | null {
  try {
    treeRules(reader, project.root_path);
    return null;
  } catch (error) {
    // The check of the tree reports that it cannot be read.
    if (error instanceof UnknownStateError) return null;
    const reason = Problem.of(error).message;
    const [, name = "", line] = linePattern.exec(reason) ?? [];
    const path = `${project.root_path}/${name}`;
    return { reason, hint: reader.stat(path)?.type === "file" ? hintToShow(path, line) : ["ls", "-ld", path] };
  }
}

/** How a Problem about a line begins. */
const linePattern = new RegExp(`^(${ruleFiles.join("|")}):(\\d+): `);

/** Returns whether a rule answers this path in place of a file. */
export function rulesAnswer(reader: HostReader, dir: string, path: string): boolean {
  try {
    return treeRules(reader, dir)?.redirects.some(({ forced, from }) => forced && match(from, path) !== null) ?? false;
  } catch {
    return false;
  }
}

/** The rules of recent trees, because each check of a run reads the same files. */
const recent = new Map<string, Rules>();
const mostRecent = 4;

function remembered(read: (name: string) => Uint8Array | null): Rules | null {
  const files = new Map([redirectsName, headersName].map((name) => [name, read(name)]));
  const digest = new Bun.CryptoHasher("sha256");
  for (const bytes of files.values()) digest.update(`${bytes?.length ?? -1} `).update(bytes ?? new Uint8Array());
  const key = digest.digest("hex");
  const known = recent.get(key);
  if (known !== undefined) return known;
  const rules = rulesOf((name) => files.get(name) ?? null);
  if (rules === null) return null;
  const [oldest] = recent.keys();
  if (recent.size >= mostRecent && oldest !== undefined) recent.delete(oldest);
  recent.set(key, rules);
  return rules;
}
