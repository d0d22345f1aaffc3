// The versions of a site as they are on the disk: a directory is a version, and a symlink beside it is an alias.

import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { parseJson } from "../../text/json.ts";
import { versionsDir } from "../paths.ts";
import { isRecord } from "../project.ts";
import { indexName, isVersionName } from "./names.ts";
import { byNewest } from "./order.ts";

export interface Version {
  name: string;
  /** What a version selector shows. */
  title: string;
  /** Sorted. */
  aliases: string[];
}

export interface SiteVersions {
  /** Newest first. */
  versions: Version[];
  /** The version of each alias, which may be missing. */
  aliases: Map<string, string>;
}

/** The directory of a project's versions and aliases. */
export const versionsOf = (slug: string): string => `${versionsDir}/${slug}`;
export const indexPath = (slug: string): string => `${versionsOf(slug)}/${indexName}`;
/** The titles that differ from the names. nginx serves no hidden file. */
export const titlesPath = (slug: string): string => `${versionsOf(slug)}/.titles.json`;
export const aliasPath = (slug: string, alias: string): string => `${versionsOf(slug)}/${alias}`;

export const hintToList = (slug: string): string[] => ["sudo", "edox-ops", "project", "versions", "list", slug];

/** Returns the problem of a name that stands for no version. */
export function noVersion(slug: string, name: string): Problem {
  return new Problem("not-found", `${slug} has no version ${name}`, { hint: hintToList(slug) });
}

/** Returns the versions of a project; none for a project without any. */
export function readVersions(reader: HostReader, slug: string): SiteVersions {
  const dir = versionsOf(slug);
  const names: string[] = [];
  const aliases = new Map<string, string>();
  for (const name of reader.list(dir) ?? []) {
    if (!isVersionName(name)) continue;
    const target = reader.readLink(`${dir}/${name}`);
    if (target !== null) aliases.set(name, target);
    else if (reader.stat(`${dir}/${name}`)?.type === "directory") names.push(name);
  }
  const titles = names.length === 0 ? {} : readTitles(reader, slug);
  const versions = names.sort(byNewest).map((name) => ({
    name,
    title: titles[name] ?? name,
    aliases: [...aliases].flatMap(([alias, target]) => (target === name ? [alias] : [])),
  }));
  return { versions, aliases };
}

/** Returns the titles by the name of the version. A damaged file has none. */
export function readTitles(reader: HostReader, slug: string): Record<string, string> {
  const bytes = reader.read(titlesPath(slug));
  if (bytes === null) return {};
  try {
    const read = parseJson(new TextDecoder().decode(bytes));
    if (!isRecord(read)) return {};
    return Object.fromEntries(
      Object.entries(read).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  } catch {
    return {};
  }
}

/** Returns the version that a name or an alias stands for; null for neither. */
export function versionNamed({ versions, aliases }: SiteVersions, name: string): Version | null {
  const resolved = aliases.get(name) ?? name;
  return versions.find((version) => version.name === resolved) ?? null;
}

/** Trees that are about to change. */
interface TreesAhead {
  added?: string | undefined;
  removed?: string | undefined;
  /** The aliases of the version follow. */
  renamed?: { from: string; to: string } | undefined;
}

/** Returns a view of the host in which these trees are as they will be. */
export function withTrees(reader: HostReader, slug: string, ahead: TreesAhead): HostReader {
  const { renamed } = ahead;
  const added = [ahead.added, renamed?.to].filter((name) => name !== undefined);
  const removed = [ahead.removed, renamed?.from].filter((name) => name !== undefined);
  const dir = versionsOf(slug);
  const has = (names: readonly string[], path: string): boolean => names.some((name) => path === `${dir}/${name}`);
  return {
    ...reader,
    stat(path) {
      if (has(removed, path)) return null;
      const found = reader.stat(path);
      if (found !== null || !(path === dir || has(added, path)) || added.length === 0) return found;
      return { type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, changedMs: reader.now() };
    },
    readLink(path) {
      const target = reader.readLink(path);
      return renamed !== undefined && target === renamed.from && path.startsWith(`${dir}/`) ? renamed.to : target;
    },
    list(path) {
      const found = reader.list(path);
      if (path !== dir) return found;
      const names = new Set([...(found ?? []), ...added].filter((name) => !removed.includes(name)));
      return found === null && names.size === 0 ? null : [...names].sort();
    },
  };
}
