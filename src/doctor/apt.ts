// Checks that apt is usable: its sources can be read and have lists and keys, and the keys stay valid for a while. It
// sends no requests.

import { type AptSource, aptSources, mayBeFaulty } from "../apt/sources.ts";
import type { Check, CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { readSources } from "../resources/apt-readable.ts";
import { type PublicKey, publicKeys, signers } from "../signature/openpgp.ts";
import { few } from "../text/lines.ts";

const day = 24 * 3600 * 1000;
const soonDays = 60;
/** Bytes that suffice for a dozen signatures at the end of an InRelease file. */
const signatureBytes = 32 * 1024;
const trustedDir = "/etc/apt/trusted.gpg.d";
const update = ["sudo", "apt-get", "update"];

const updates = "updates and installations of packages";

export const apt: Check[] = [
  { name: "apt:sources", runsProgram: true, affects: updates, run: sources },
  { name: "apt:keys", affects: updates, run: keys },
];

async function sources(reader: HostReader): Promise<CheckResult> {
  const all = aptSources(reader);
  if (all.length === 0) {
    return { status: "error", detail: "apt has no sources", hint: ["ls", "-l", "/etc/apt/sources.list.d"] };
  }
  const { unmet, duplicates } = mayBeFaulty(reader) ? await readSources(reader) : { unmet: null, duplicates: [] };
  if (unmet !== null) return { status: "error", detail: unmet.reason, ...(unmet.hint && { hint: unmet.hint }) };
  const keyless = all.flatMap(({ path, title, keyPaths }) => {
    const missing = keyPaths.find((each) => reader.statTarget(each) === null);
    return missing === undefined ? [] : [{ path, fault: `the key of ${title} is missing: ${missing}` }];
  });
  const [first] = keyless;
  if (first !== undefined) {
    const detail = [...new Set(keyless.map(({ fault }) => fault))].join("; ");
    return { status: "error", detail, hint: ["cat", first.path] };
  }
  // Only apt itself knows whether these have lists: a disc, or a source with a variable in its name.
  const fetched = all.filter(({ title }) => !/^cdrom:|\$\(/.test(title));
  const without = fetched.filter((source) => releasePath(reader, source) === null);
  if (without.length === 0 && duplicates[0] !== undefined) {
    const { first, second } = duplicates[0];
    const detail = `${second} repeats ${first}, and apt warns about it in each run: remove one of them`;
    const [, path = second, line = "1"] = /^(.+):(\d+)$/.exec(second) ?? [];
    return { status: "warning", detail, hint: ["sed", "-n", `${line}p`, path] };
  }
  if (without.length === 0) return { status: "ok", detail: "the lists of all sources have been fetched" };
  const names = few([...new Set(without.map(({ title }) => title))]);
  return { status: "warning", detail: `the lists of these sources were never fetched: ${names}`, hint: update };
}

/**
 * Checks only the keys that signed the lists that were fetched last. Keyrings also contain old keys, whose expiry is
 * irrelevant.
 */
function keys(reader: HostReader): CheckResult {
  const rings = new Map<string, PublicKey[]>();
  const ends = aptSources(reader).flatMap((source) => {
    const endsMs = endOf(reader, source, rings);
    return endsMs === null ? [] : [{ title: source.title, endsMs, path: source.path }];
  });
  const first = ends.sort((a, b) => a.endsMs - b.endsMs)[0];
  if (first === undefined) {
    return { status: "ok", detail: `no key in use expires within ${soonDays} days` };
  }
  const date = new Date(first.endsMs).toISOString().slice(0, 10);
  const expired = first.endsMs <= reader.now();
  const detail = `the key of ${first.title} ${expired ? "expired" : "expires"} on ${date}: install its successor`;
  return { status: expired ? "error" : "warning", detail, hint: ["cat", first.path] };
}

/**
 * Returns when the last of the keys that signed a source expires, in Unix milliseconds. Returns null if one is valid
 * for longer than the limit, or if the expiry is unknown. The search ends at the first such key: most hosts have a
 * dozen keyrings, and a source needs one of them.
 */
function endOf(reader: HostReader, source: AptSource, rings: Map<string, PublicKey[]>): number | null {
  const path = releasePath(reader, source);
  const signature = path === null ? null : reader.tail(path.replace(/_Release$/, "_Release.gpg"), signatureBytes);
  if (signature === null) return null;
  const ids = signers(signature);
  const enoughMs = reader.now() + soonDays * day;
  let lastMs: number | null = null;
  for (const place of source.key === null ? keyPathsOf(reader, source) : [null]) {
    const ring = place === null ? publicKeys(new TextEncoder().encode(source.key ?? "")) : ringOf(reader, place, rings);
    for (const { id, expiresMs } of ring) {
      if (!ids.includes(id)) continue;
      if (expiresMs === null || expiresMs > enoughMs) return null;
      lastMs = Math.max(lastMs ?? 0, expiresMs);
    }
  }
  return lastMs;
}

/** Returns the paths of a source's keys. If it names no file, apt uses its own directory. */
function keyPathsOf(reader: HostReader, { keyPaths }: AptSource): string[] {
  if (keyPaths.length > 0) return keyPaths;
  const names = (reader.list(trustedDir) ?? []).filter((name) => /^[\w.-]+\.(gpg|asc)$/.test(name));
  return ["/etc/apt/trusted.gpg", ...names.map((name) => `${trustedDir}/${name}`)];
}

function ringOf(reader: HostReader, path: string, rings: Map<string, PublicKey[]>): PublicKey[] {
  const known = rings.get(path) ?? publicKeys(reader.read(path) ?? new Uint8Array());
  rings.set(path, known);
  return known;
}

function releasePath(reader: HostReader, { listPrefix }: AptSource): string | null {
  const paths = ["InRelease", "Release"].map((name) => `${listPrefix}${name}`);
  return paths.find((path) => reader.stat(path) !== null) ?? null;
}
