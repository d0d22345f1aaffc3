// Extracts from apt-get's output which files it could not fetch, and why. Its wording differs with the kind of failure.

import type { Output } from "../host/host.ts";
import { linesOf } from "../text/lines.ts";

/**
 * Matches lists that were not fetched or not trusted. apt's other warnings are advice, and one error only repeats the
 * others.
 */
const ofSources =
  /^(?:E(?!: Some index files failed)|W(?=: (?:Failed to fetch|GPG error|An error occurred during the signature))): (.+)$/;
const ofFiles = /^E: (Failed to fetch .+)$/;
const reasonLimit = 160;

/** Returns a sentence for each reason why package lists were not fetched or not trusted. */
export function failedSources(output: Output): string[] {
  return sentences(output, ofSources);
}

/** Returns a sentence for each reason why packages were not fetched. */
export function failedFiles(output: Output): string[] {
  return sentences(output, ofFiles);
}

/**
 * Returns one sentence per reason, however many files it affects. Sizes and ports do not make two reasons different.
 */
function sentences({ stdout, stderr }: Output, pattern: RegExp): string[] {
  const why = new Map<string, string>();
  for (const [, name = "", reason = ""] of stdout.matchAll(/^Err:\d+ (.+)\n {2}(.+)$/gm)) why.set(name, reason);
  const kept = new Map<string, { reason: string; files: Set<string> }>();
  for (const line of linesOf(stderr)) {
    const sentence = pattern.exec(line)?.[1];
    if (sentence === undefined) continue;
    const { file, reason } = split(sentence, why);
    const kind = file === undefined ? reason : reason.replace(/\d+/g, "");
    const same = kept.get(kind) ?? { reason, files: new Set() };
    if (file !== undefined) same.files.add(file);
    kept.set(kind, same);
  }
  return [...kept.values()].map(({ reason, files }) => {
    const [first, ...more] = files;
    if (first === undefined) return reason;
    return `Failed to fetch ${first}${more.length > 0 ? ` and ${more.length} more` : ""}: ${reason}`;
  });
}

function split(sentence: string, why: ReadonlyMap<string, string>): { file?: string; reason: string } {
  const [, address, its] = /^Failed to fetch (\S+) {2}(.+)$/.exec(sentence) ?? [];
  if (address !== undefined && its !== undefined) return { file: address, reason: shorten(its) };
  // For every cause, a missing network included, stderr says that the repository has no Release file.
  const name = /^The repository '(.+)' /.exec(sentence)?.[1] ?? "";
  const reason = why.get(name);
  if (reason === undefined) return { reason: sentence };
  return { file: name.replace(/^(\S+?)\/? (\S+) (\S+)$/, "$1/dists/$2/$3"), reason: shorten(reason) };
}

/**
 * Removes what varies between repetitions. For a file that is too long, apt reports each received piece with a guess
 * about the cause.
 */
function shorten(reason: string): string {
  const plain = reason.replace(/ \[IP: [^\]]*\]$/, "").replace(/\. Mirror sync in progress\?.*$/, "");
  return plain.length > reasonLimit ? `${plain.slice(0, reasonLimit)}…` : plain;
}
