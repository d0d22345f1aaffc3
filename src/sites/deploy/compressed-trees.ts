// Records which releases were deployed with compressed files, and with which. Without this record, a deploy could not know
// that a file has no compressed one because that would not be smaller.

import type { Host, HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { backupNames, backupsOf, readWorkingFile, stampName, stampOf } from "./releases.ts";

const pathOf = (key: string): string => `${backupsOf(key)}/.compressed`;

/** Returns the encodings by the stamp of each release. Stamps are unique, so an entry never applies to another tree. */
function readAll(reader: HostReader, key: string): Map<string, string> {
  const text = new TextDecoder().decode(readWorkingFile(reader, pathOf(key)) ?? undefined);
  return new Map([...text.matchAll(/^(\d{8}T\d{6}Z) ([.a-z ]+)$/gm)].map(([, stamp = "", all = ""]) => [stamp, all]));
}

/** Returns the encodings that a tree was compressed with; none where another program made or changed the tree. */
export function readCompressed(reader: HostReader, trees: Trees, key: string, dir: string): string[] {
  const stamp = stampOf(trees, dir);
  const encodings = stamp === null ? undefined : readAll(reader, key).get(stamp);
  return encodings?.split(" ") ?? [];
}

/** Records a new release durably, before its tree is live. Drops entries whose trees no longer exist. */
export function recordCompressed(
  host: Host,
  trees: Trees,
  { key, live, seconds, encodings }: { key: string; live: string; seconds: number; encodings: readonly string[] },
): void {
  const dirs = [live, ...backupNames(host, key).map((name) => `${backupsOf(key)}/${name}`)];
  const there = new Set(dirs.map((dir) => stampOf(trees, dir)));
  const before = readAll(host, key);
  const all = [...before].filter(([stamp]) => there.has(stamp));
  if (encodings.length > 0) all.push([stampName(seconds), encodings.join(" ")]);
  if (all.length === 0 && before.size === 0) return;
  const lines = all.map((words) => `${words.join(" ")}\n`);
  const attributes = { mode: 0o600, uid: host.uid, gid: host.uid };
  host.writeFile(pathOf(key), new TextEncoder().encode(lines.join("")), attributes);
}
