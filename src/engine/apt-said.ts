// What apt-get could not fetch, and why, in sentences for a person: from its words, which differ with what failed.

import type { Output } from "../host/host.ts";
import { linesOf } from "./lines.ts";

/** Lists that were not fetched, or not trusted. Its other warnings are advice, and one error says nothing new. */
const ofSources =
  /^(?:E(?!: Some index files failed)|W(?=: (?:Failed to fetch|GPG error|An error occurred during the signature))): (.+)$/;
const ofFiles = /^E: (Failed to fetch .+)$/;
const reasonLimit = 160;

export function failedSources(output: Output): string[] {
  return sentences(output, ofSources);
}

export function failedFiles(output: Output): string[] {
  return sentences(output, ofFiles);
}

/** One sentence a reason, however many files it kept from coming: sizes and ports make no other reason of it. */
function sentences({ stdout, stderr }: Output, wanted: RegExp): string[] {
  const why = new Map<string, string>();
  for (const [, name = "", reason = ""] of stdout.matchAll(/^Err:\d+ (.+)\n {2}(.+)$/gm)) why.set(name, reason);
  const kept = new Map<string, { reason: string; files: Set<string> }>();
  for (const line of linesOf(stderr)) {
    const said = wanted.exec(line)?.[1];
    if (said === undefined) continue;
    const { file, reason } = split(said, why);
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

function split(said: string, why: ReadonlyMap<string, string>): { file?: string; reason: string } {
  const [, address, its] = /^Failed to fetch (\S+) {2}(.+)$/.exec(said) ?? [];
  if (address !== undefined && its !== undefined) return { file: address, reason: shortened(its) };
  // Whatever kept it from coming, without a network too, stderr says that the repository has no Release file.
  const name = /^The repository '(.+)' /.exec(said)?.[1] ?? "";
  const reason = why.get(name);
  if (reason === undefined) return { reason: said };
  return { file: name.replace(/^(\S+?)\/? (\S+) (\S+)$/, "$1/dists/$2/$3"), reason: shortened(reason) };
}

/** Of a file that is too long apt says so with each piece that came, and each time guesses why. */
function shortened(reason: string): string {
  const plain = reason.replace(/ \[IP: [^\]]*\]$/, "").replace(/\. Mirror sync in progress\?.*$/, "");
  return plain.length > reasonLimit ? `${plain.slice(0, reasonLimit)}…` : plain;
}
