// Package lists that a power cut has damaged. apt writes them without a sync, and keeps a damaged one until the server has a
// newer one.

import type { Host, HostReader, Output } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { listsDir } from "./sources.ts";

/** How apt reports a list that it cannot read. What a server has just sent is in partial/. */
const unreadable = new RegExp(`(?:Splitting up|MergeList|Unable to parse package file) ${listsDir}/(?!partial/)`);

/** Returns whether apt could not read its lists. */
export function hasUnreadableLists({ stderr }: Output): boolean {
  return unreadable.test(stderr);
}

/**
 * Returns whether a list is shorter than its release file says. apt reports nothing then, and does not find the packages
 * behind the cut. Lists that apt keeps compressed are not compared.
 */
export function hasCutLists(reader: HostReader): boolean {
  const names = reader.list(listsDir) ?? [];
  return names.some((name) => {
    const prefix = /^(.+)_InRelease$/.exec(name)?.[1];
    if (prefix === undefined) return false;
    const own = names.filter((each) => each.startsWith(`${prefix}_`) && each.endsWith("_Packages"));
    if (own.length === 0) return false;
    const sizes = new Map<string, number>();
    for (const [, size, path = ""] of (textOf(reader, `${listsDir}/${name}`) ?? "").matchAll(
      /^ [0-9a-f]{64} +(\d+) (\S+\/Packages)$/gm,
    ))
      sizes.set(path.replaceAll("/", "_"), Number(size));
    return own.some((each) => {
      const size = sizes.get(each.slice(prefix.length + 1));
      return size !== undefined && (reader.stat(`${listsDir}/${each}`)?.size ?? size) < size;
    });
  });
}

/** Removes all lists, so that apt fetches them again. */
export function removeLists(host: Host): void {
  for (const name of host.list(listsDir) ?? []) {
    const path = `${listsDir}/${name}`;
    if (name !== "lock" && host.stat(path)?.type === "file") host.remove(path);
  }
}
