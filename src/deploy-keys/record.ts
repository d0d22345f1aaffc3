// The record of all deploy keys. The files for sshd and sudo are generated from it.

import * as v from "valibot";
import { Text } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { jsonRecord } from "../problem/json-record.ts";
import { file } from "../resources/file.ts";
import { network, slug } from "../sites/project.ts";
import { readPublicKey } from "../ssh/public-key.ts";
import { deployKeysPath } from "./paths.ts";

const count = (what: string) =>
  v.pipe(
    v.number(`${what} is a number`),
    v.integer(`${what} is a whole number`),
    v.minValue(1, `${what} is at least 1`),
  );

const keySchema = v.object({
  project: slug,
  name: slug,
  public_key: v.pipe(
    v.string(),
    v.check((line) => {
      const read = readPublicKey(line);
      return "line" in read && read.line === line;
    }, "public_key is not a public key"),
  ),
  fingerprint: v.string(),
  /** The networks that may use it; all by default. */
  from: v.optional(v.pipe(v.array(network, "from is a list of networks"), v.minLength(1, "from names no network"))),
  /** In ISO 8601. */
  expires: v.optional(v.pipe(v.string(), v.isoTimestamp("expires is not a time in ISO 8601"))),
  previews_only: v.optional(v.literal(true, "previews_only is not true")),
  /** Bytes of all files of a deploy, unpacked. */
  max_size: count("max_size"),
  /** Files and directories of a deploy. */
  max_files: count("max_files"),
  /** Deploys an hour. */
  rate: count("rate"),
  /** Seconds that an upload may take. */
  max_seconds: v.optional(count("max_seconds")),
});

/** A setting of a later version may be a limit, without which the key could do more. */
const snapshotKeySchema = v.strictObject(keySchema.entries, ({ expected }) => {
  if (expected === "never") return "this version does not know it";
  return expected === "Object" ? "it is not an object" : "it is missing";
});

const recordSchema = v.object({
  /** The program that the sudo rule names. It is part of a command line of a shell, and of the syntax of sudoers(5). */
  program: v.pipe(v.string(), v.check(isPlainPath, "program is not a plain absolute path")),
  keys: v.pipe(
    v.array(keySchema),
    v.check((keys) => isUnique(keys.map(idOf)), "two keys have the same name"),
    v.check((keys) => isUnique(keys.map((key) => key.public_key)), "a public key occurs twice"),
  ),
});

export type DeployKey = v.InferOutput<typeof keySchema>;
export type KeyRecord = v.InferOutput<typeof recordSchema>;

/** Returns whether the path has no character that a shell or sudoers(5) would read as syntax. */
export function isPlainPath(path: string): boolean {
  return /^(\/[A-Za-z0-9._-]+)+$/.test(path);
}

/** Returns the name of a key among those of all projects. */
export function idOf({ project, name }: Pick<DeployKey, "project" | "name">): string {
  return `${project}/${name}`;
}

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

/** Returns the record, or null if there is no key. Throws a Problem for an invalid one. */
export function readKeys(reader: HostReader): KeyRecord | null {
  return jsonRecord(reader, deployKeysPath, recordSchema);
}

export interface InvalidKey {
  /** "demo/ci", or its position if these are invalid as well. */
  id: string;
  /** The arguments that name it in a command, with placeholders for what is invalid. */
  words: string[];
  reason: string;
}

/**
 * Returns the keys in the record of a snapshot. An invalid one does not keep the others from being returned. Throws a
 * Problem if there is no list of keys.
 */
export function snapshotKeys(reader: HostReader, path: string): { keys: DeployKey[]; invalid: InvalidKey[] } {
  const keys: DeployKey[] = [];
  const invalid: InvalidKey[] = [];
  const schema = v.object({ keys: v.array(v.unknown(), "keys is a list") });
  for (const [i, value] of (jsonRecord(reader, path, schema)?.keys ?? []).entries()) {
    const found = v.safeParse(snapshotKeySchema, value);
    if (found.success) keys.push(found.output);
    else invalid.push(invalidKey(value, i + 1, found.issues[0]));
  }
  return { keys, invalid };
}

function invalidKey(value: unknown, position: number, issue: v.BaseIssue<unknown>): InvalidKey {
  const part = v.object({ project: v.fallback(slug, ""), name: v.fallback(slug, "") });
  const read = v.safeParse(part, value);
  const { project, name } = read.success ? read.output : { project: "", name: "" };
  const id = project && name ? idOf({ project, name }) : String(position);
  const at = v.getDotPath(issue);
  const reason = at === null ? issue.message : `${at}: ${issue.message}`;
  return { id, words: [project || "PROJECT", "--name", name || "NAME"], reason };
}

/** Returns the record after a change, which may be null for no key. */
export type Edit = (before: KeyRecord | null) => KeyRecord | null;

/** Returns the record as a resource. */
export function recordFile(edit: Edit): Resource {
  return file({
    name: `state:${deployKeysPath}`,
    title: "the deploy keys are recorded",
    path: deployKeysPath,
    mode: 0o600,
    text(reader) {
      const before = readKeys(reader);
      const after = edit(before);
      if (after === null || after.keys.length === 0) return null;
      const bytes = reader.read(deployKeysPath);
      if (bytes !== null && Bun.deepEquals(before, after)) return new Text(bytes);
      return Text.of(`${JSON.stringify(after, null, 2)}\n`);
    },
  });
}
