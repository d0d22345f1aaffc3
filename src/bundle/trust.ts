// Which bundles this host accepts: signed by a trusted key, and not older than one that it has accepted.

import * as v from "valibot";
import { root } from "../engine/change.ts";
import { stateDir } from "../engine/paths.ts";
import { type Host, type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement, Unmet, Warn } from "../problem/requirement.ts";
import { hintToShow } from "../problem/show-file.ts";
import { hasValidKeys, isSigned } from "../signature/ecdsa.ts";
import { parseJson } from "../text/json.ts";
import { hasKept, keepIndexes } from "./kept-indexes.ts";
import { acceptedPath, trustDir } from "./paths.ts";
import type { Bundle } from "./reader.ts";
import { hintToShowBundle } from "./show-hint.ts";

export interface Policy {
  /** A file with public keys that are trusted in addition to those of the host. */
  keyPath?: string | undefined;
  /** A bundle without a signature is refused even if this host has no key. */
  requiresSignature: boolean;
  /** A bundle that is older than an accepted one is not refused. */
  allowsOlder: boolean;
}

interface Accepted {
  /** The serial of the newest accepted bundle, in Unix seconds. */
  serial: number;
  ids: readonly string[];
}

const acceptedSchema = v.object({ serial: v.number(), ids: v.array(v.string()) });

/** The number of recorded bundles, so that the record does not grow forever. A delta refers to one of them. */
const mostIds = 100;

/** Returns the requirement that a trusted key has signed the bundle, if this host or the command line names a key. */
export function signedByTrustedKey(bundle: Bundle, policy: Policy): Requirement {
  return {
    name: "bundle:signature",
    title: "the bundle has the signature that this host requires",
    async check(reader, warn) {
      const keys = await trustedKeys(reader, policy);
      return keys.length === 0 ? withoutKeys(bundle, policy, warn) : withKeys(bundle, keys);
    },
  };
}

function withoutKeys({ path, signature }: Bundle, { requiresSignature }: Policy, warn: Warn): Unmet | null {
  if (requiresSignature) {
    const reason = `--require-signature needs a key: --key FILE, or a file ${trustDir}/*.pem`;
    return { reason, code: "missing-value", hint: ["ls", "-l", trustDir] };
  }
  if (signature !== null) warn(`${path} is signed, but this host has no key to verify that`);
  return null;
}

async function withKeys({ path, signature, manifestBytes }: Bundle, keys: readonly Key[]): Promise<Unmet | null> {
  const paths = keys.map((key) => key.path).join(", ");
  const hint = ["ls", "-l", ...keys.map((key) => key.path)];
  if (signature === null) {
    const reason = `${path} is not signed, and this host accepts only bundles that a key of ${paths} has signed`;
    return { reason, code: "invalid-signature", hint };
  }
  const text = keys.map((key) => key.text).join("\n");
  if (await isSigned(manifestBytes, signature, text)) return null;
  return { reason: `${path} is not signed by a trusted key (${paths})`, code: "invalid-signature", hint };
}

export interface Key {
  path: string;
  text: string;
}

/** Returns the keys of the host and of the command line. Throws a Problem for one that could not be trusted. */
export async function trustedKeys(reader: HostReader, { keyPath }: Policy): Promise<Key[]> {
  const names = (readable(reader, trustDir, () => reader.list(trustDir)) ?? []).filter((name) => name.endsWith(".pem"));
  if (names.length > 0) demandRootsAlone(reader, trustDir);
  const own = names.map((name) => `${trustDir}/${name}`);
  for (const path of own) demandRootsAlone(reader, path);
  const paths = [...own, ...(keyPath === undefined ? [] : [keyPath])];
  return Promise.all(
    paths.map(async (path) => {
      const text = readable(reader, path, () => textOf(reader, path));
      if (text === null) throw new Problem("not-found", `no key ${path}`, { hint: ["ls", "-l", path] });
      if (await hasValidKeys(text)) return { path, text };
      const message = `${path} is not a public key in PEM on the curve P-256: make one with openssl ec -pubout`;
      throw new Problem("invalid-signature", message, {
        hint: ["openssl", "pkey", "-pubin", "-in", path, "-text", "-noout"],
      });
    }),
  );
}

/** Any other user who could change a key could accept a bundle. */
function demandRootsAlone(reader: HostReader, path: string): void {
  const stat = readable(reader, path, () => reader.stat(path));
  if (stat !== null && stat.uid === 0 && stat.type !== "link" && (stat.mode & 0o022) === 0) return;
  const message = `${path} is not used as a trusted key: a user other than root could change it`;
  throw new Problem("invalid-signature", message, { hint: ["ls", "-ld", path] });
}

/**
 * Returns the result of `read`. A run continues if a state is unknown, but never if that state decides what root trusts:
 * throws a Problem then. A dry run of another user leaves it unknown.
 */
function readable<T>(reader: HostReader, path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (reader.uid !== 0 || !(cause instanceof UnknownStateError)) throw cause;
    throw new Problem("permission-denied", `${path} cannot be read`, { hint: ["ls", "-ld", path], cause });
  }
}

/** Returns the requirement that this host has not accepted a newer bundle. */
export function notReplayed({ path, manifest }: Bundle, { allowsOlder }: Policy): Requirement {
  return {
    name: "bundle:serial",
    title: "this host has accepted no newer bundle",
    check(reader) {
      const { serial } = accepted(reader);
      if (allowsOlder || manifest.serial >= serial) return null;
      const [own, newest] = [timeText(manifest.serial), timeText(serial)];
      const reason = `${path} (${own}) is older than the newest bundle that this host has accepted (${newest}): pass --allow-older to accept it`;
      return { reason, code: "invalid-bundle", hint: hintToShowBundle(path) };
    },
  };
}

/** Returns the requirement that this host has accepted the bundle that a delta refers to, and has kept its indexes. */
export function hasPredecessor({ path, manifest }: Bundle): Requirement {
  return {
    name: "bundle:since",
    title: "the bundle is complete for this host",
    check(reader) {
      const { since } = manifest;
      const isKnown = since === null || accepted(reader).ids.includes(since.id);
      if (isKnown && manifest.kept.every((each) => hasKept(reader, each))) return null;
      const earlier = since ? `the bundle of ${timeText(since.serial)} (${since.id.slice(0, 12)})` : "another bundle";
      const reason = `${path} has only what changed since ${earlier}, which this host has not accepted or no longer has`;
      return { reason, code: "wrong-target", hint: hintToShowBundle(path) };
    },
  };
}

/** Returns the bundles that this host has accepted; serial 0 if there are none. Throws a Problem for an invalid record. */
export function accepted(reader: HostReader): Accepted {
  const text = readable(reader, acceptedPath, () => textOf(reader, acceptedPath));
  if (text === null) return { serial: 0, ids: [] };
  try {
    return v.parse(acceptedSchema, parseJson(text));
  } catch (cause) {
    const hint = hintToShow(acceptedPath);
    throw new Problem("invalid-config", `${acceptedPath} is not a record of accepted bundles`, { hint, cause });
  }
}

/** Records that a run has applied the bundle, and keeps its indexes for a delta. Does nothing if it is the last one. */
export async function accept(host: Host, bundle: Bundle): Promise<void> {
  const { id, manifest } = bundle;
  const before = accepted(host);
  const serial = Math.max(before.serial, manifest.serial);
  if (before.ids.at(-1) === id && before.serial === serial) return;
  if (host.stat(stateDir) === null) host.makeDirectory(stateDir, { mode: 0o750, ...root });
  await keepIndexes(host, bundle);
  const ids = [...before.ids.filter((each) => each !== id), id].slice(-mostIds);
  const text = `${JSON.stringify({ serial, ids }, null, 2)}\n`;
  host.writeFile(acceptedPath, new TextEncoder().encode(text), { mode: 0o644, ...root });
}

/** Returns a time in the form that `date --set` reads. */
export function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
