// Package lists that a power cut has damaged. apt writes them without a sync, and keeps a damaged one until the server has a
// newer one.

import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { aptOptions, type Run } from "./run.ts";
import { listsDir } from "./sources.ts";

/** How apt reports a list that it cannot read. What a server has just sent is in partial/. */
const unreadable = new RegExp(
  `(?:Splitting (?:up|of clearsigned file)|MergeList|Unable to parse package file) ${listsDir}/(?!partial/)`,
);

/** Returns a runner that has apt fetch its lists again where it cannot read them, and then repeats the command. */
export function withReadableLists(host: Host, run: Run): Run {
  return async (...argv) => {
    const answer = await run(...argv);
    if (!unreadable.test(answer.stderr)) return answer;
    removeLists(host);
    if (!argv.includes("update")) await run("apt-get", ...aptOptions, "update");
    return run(...argv);
  };
}

/**
 * Returns the sources of which a list is shorter than its release file says, each as the beginning of the names of its
 * lists. apt reports nothing then, and does not find the packages behind the cut. Lists that apt keeps compressed, or as
 * links to a local mirror, are not compared.
 */
export function cutSources(reader: HostReader): string[] {
  const names = reader.list(listsDir) ?? [];
  return names.flatMap((name) => {
    const source = /^(.+_)InRelease$/.exec(name)?.[1];
    if (source === undefined) return [];
    const own = names.filter((each) => each.startsWith(source) && each.endsWith("_Packages"));
    if (own.length === 0) return [];
    const entries = (textOf(reader, `${listsDir}/${name}`) ?? "").matchAll(/^ [0-9a-f]{64} +(\d+) (\S*Packages)$/gm);
    const sizes = new Map([...entries].map(([, size, path = ""]) => [path.replaceAll("/", "_"), Number(size)]));
    const isCut = own.some((each) => {
      const entry = reader.stat(`${listsDir}/${each}`);
      return entry?.type === "file" && entry.size < (sizes.get(each.slice(source.length)) ?? 0);
    });
    return isCut ? [source] : [];
  });
}

/** Removes the lists of these sources, or all of them, so that apt fetches them again. */
export function removeLists(host: Host, sources: readonly string[] = [""]): void {
  for (const name of host.list(listsDir) ?? []) {
    const path = `${listsDir}/${name}`;
    const isTheirs = sources.some((source) => name.startsWith(source));
    if (isTheirs && name !== "lock" && host.stat(path)?.type === "file") host.remove(path);
  }
}
