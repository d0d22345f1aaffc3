// Records the runners that edox-ops registered in runner.json. The contract defines its keys; a list of all runners is
// added.

import * as v from "valibot";
import { Text } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { regularFile } from "../problem/regular-file.ts";
import { hintToShow } from "../problem/show-file.ts";
import { file } from "../resources/file.ts";
import { parseJson } from "../text/json.ts";
import { runnerStatePath } from "./paths.ts";
import { type Runner, sameServer } from "./runners.ts";

const madeSchema = v.looseObject(
  {
    url: v.string("url is a text"),
    /** The number in GitLab, or 0 if it is unknown. */
    id: v.number("id is a number"),
    name: v.string("name is a text"),
    privileged: v.boolean("privileged is true or false"),
    /** The owner in GitLab of a runner that was created from here: "project 7", "group 3", "instance". */
    owner: v.optional(v.string("owner is a text")),
    /** Whether it runs only jobs of protected branches. This is known for a runner that was created from here. */
    guarded: v.optional(v.boolean("guarded is true or false")),
  },
  "a runner is an object",
);

/**
 * The keys of the contract describe the runner that was registered last. Each entry of the list is validated
 * separately.
 */
const recordSchema = v.looseObject(
  { runners: v.optional(v.array(v.unknown(), "runners is an array")) },
  "it is not an object",
);

/** The record of the Python version: one runner, with its address and name. */
const onlySchema = v.object({
  url: v.pipe(v.string(), v.nonEmpty()),
  description: v.pipe(v.string(), v.nonEmpty()),
  docker_privileged: v.optional(v.unknown()),
});

export type RecordedRunner = v.InferOutput<typeof madeSchema>;
export type RunnerRecord = v.InferOutput<typeof recordSchema>;

/** Reads the record, or returns null if no runner was registered. Throws a Problem that names the invalid key. */
export function readRecord(reader: HostReader): RunnerRecord | null {
  const bytes = regularFile(reader, runnerStatePath);
  if (bytes === null) return null;
  let json: unknown;
  try {
    json = parseJson(new TextDecoder().decode(bytes));
  } catch (error) {
    throw brokenRecord(error instanceof RangeError ? `cannot be used: ${error.message}` : "is not JSON");
  }
  const found = v.safeParse(recordSchema, json);
  if (found.success) return found.output;
  const [issue] = found.issues;
  throw brokenRecord(`has ${v.getDotPath(issue) ?? "something"} wrong: ${issue.message}`);
}

const madeByRecord = new WeakMap<RunnerRecord, RecordedRunner[]>();

/** Returns the recorded runners, without invalid entries. A record is validated once, because it does not change. */
export function recordedRunners(record: RunnerRecord | null): readonly RecordedRunner[] {
  if (record === null) return [];
  const known = madeByRecord.get(record) ?? isUsable(record);
  madeByRecord.set(record, known);
  return known;
}

function isUsable(record: RunnerRecord): RecordedRunner[] {
  if (record.runners) return record.runners.filter((each): each is RecordedRunner => v.is(madeSchema, each));
  if (!v.is(onlySchema, record)) return [];
  const { url, description, docker_privileged } = record;
  return [{ url, id: 0, name: description, privileged: docker_privileged === true }];
}

/** Returns the list without some runners. Invalid entries stay unchanged. */
export function withoutRunner(record: RunnerRecord | null, goes: (entry: RecordedRunner) => boolean): unknown[] {
  return (record?.runners ?? recordedRunners(record)).filter((each) => !(v.is(madeSchema, each) && goes(each)));
}

/** Returns a sentence for each invalid entry. */
export function recordFaults(record: RunnerRecord | null): string[] {
  return (record?.runners ?? []).flatMap((each, i) => {
    const found = v.safeParse(madeSchema, each);
    if (found.success) return [];
    return [`${runnerStatePath} has an invalid entry, runner ${i + 1}: ${found.issues[0].message}`];
  });
}

/**
 * Returns whether two entries are the same runner: the same server, and the same number or, without numbers, the same
 * name.
 */
export function sameRunner(
  one: Pick<RecordedRunner, "url" | "id" | "name">,
  other: Pick<RecordedRunner, "url" | "id" | "name">,
): boolean {
  const isNumbered = one.id > 0 && other.id > 0;
  return (isNumbered ? one.id === other.id : one.name === other.name) && sameServer(one.url, other.url);
}

/**
 * Returns our record of a runner of this host, or null if the runner is foreign. A runner whose `url` was edited in
 * config.toml, because its GitLab was renamed, is recognised by its number and name.
 */
export function recordOf(record: RunnerRecord | null, runner: Runner): RecordedRunner | null {
  const all = recordedRunners(record);
  return all.find((entry) => sameRunner(entry, runner)) ?? all.find((entry) => isMoved(entry, runner)) ?? null;
}

/** Returns whether these are one runner whose GitLab now has another address. */
export function isMoved(entry: RecordedRunner, runner: Runner): boolean {
  return entry.id > 0 && entry.id === runner.id && entry.name === runner.name;
}

/**
 * Returns the record as a resource. `next` computes the desired record from the present one, and null removes the file.
 */
export function recordFile(next: (before: RunnerRecord | null, reader: HostReader) => object | null): Resource {
  return file({
    name: `state:${runnerStatePath}`,
    title: "the runners of edox-ops are recorded",
    path: runnerStatePath,
    mode: 0o600,
    text(reader) {
      const before = readRecord(reader);
      const after = next(before, reader);
      if (after === null) return null;
      const bytes = reader.read(runnerStatePath);
      if (bytes !== null && Bun.deepEquals(before, after)) return new Text(bytes);
      return Text.of(`${JSON.stringify(after, null, 2)}\n`);
    },
  });
}

function brokenRecord(why: string): Problem {
  return new Problem("invalid-config", `${runnerStatePath} ${why}`, { hint: hintToShow(runnerStatePath) });
}
