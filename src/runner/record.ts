// Which runners edox-ops registered: runner.json, the contract's, with a list of all of them besides.

import * as v from "valibot";
import { Text } from "../engine/change.ts";
import { regularFile } from "../engine/facts.ts";
import { parseJson } from "../engine/json.ts";
import { hintToShow } from "../engine/show-file.ts";
import { Problem, type Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { runnerStatePath } from "../recipes/paths.ts";
import { file } from "../resources/file.ts";
import { type Runner, sameServer } from "./runners.ts";

const madeSchema = v.looseObject(
  {
    url: v.string("url is a text"),
    /** As GitLab numbers it; 0 where it did not say. */
    id: v.number("id is a number"),
    name: v.string("name is a text"),
    privileged: v.boolean("privileged is true or false"),
    /** Whom it was made for in GitLab, from here: "project 7", "group 3", "instance". */
    owner: v.optional(v.string("owner is a text")),
    /** Whether it is for protected branches only: known of a runner that was made from here. */
    guarded: v.optional(v.boolean("guarded is true or false")),
  },
  "a runner is an object",
);

/** The keys of the contract are of the runner that was registered last. Each entry of the list is judged by itself. */
const recordSchema = v.looseObject(
  { runners: v.optional(v.array(v.unknown(), "runners is an array")) },
  "it is no object",
);

/** What the Python version recorded: one runner, by its address and name. */
const onlySchema = v.object({
  url: v.pipe(v.string(), v.nonEmpty()),
  description: v.pipe(v.string(), v.nonEmpty()),
  docker_privileged: v.optional(v.unknown()),
});

export type Made = v.InferOutput<typeof madeSchema>;
export type RunnerRecord = v.InferOutput<typeof recordSchema>;

/** Null where none was registered. Throws a Problem that names the key. */
export function readRecord(see: HostReader): RunnerRecord | null {
  const bytes = regularFile(see, runnerStatePath);
  if (bytes === null) return null;
  let json: unknown;
  try {
    json = parseJson(new TextDecoder().decode(bytes));
  } catch (error) {
    throw broken(error instanceof RangeError ? `cannot be used: ${error.message}` : "is not JSON");
  }
  const found = v.safeParse(recordSchema, json);
  if (found.success) return found.output;
  const [issue] = found.issues;
  throw broken(`has ${v.getDotPath(issue) ?? "something"} wrong: ${issue.message}`);
}

const madeByRecord = new WeakMap<RunnerRecord, Made[]>();

/** Returns the runners that are recorded, without entries that cannot be used. A record is judged once: it is not changed. */
export function madeBy(record: RunnerRecord | null): readonly Made[] {
  if (record === null) return [];
  const known = madeByRecord.get(record) ?? usable(record);
  madeByRecord.set(record, known);
  return known;
}

function usable(record: RunnerRecord): Made[] {
  if (record.runners) return record.runners.filter((each): each is Made => v.is(madeSchema, each));
  if (!v.is(onlySchema, record)) return [];
  const { url, description, docker_privileged } = record;
  return [{ url, id: 0, name: description, privileged: docker_privileged === true }];
}

/** Returns the list without some runners. An entry that cannot be used stays as it is. */
export function withoutMade(record: RunnerRecord | null, goes: (made: Made) => boolean): unknown[] {
  return (record?.runners ?? madeBy(record)).filter((each) => !(v.is(madeSchema, each) && goes(each)));
}

/** Returns a sentence for each entry that cannot be used. */
export function recordFaults(record: RunnerRecord | null): string[] {
  return (record?.runners ?? []).flatMap((each, i) => {
    const found = v.safeParse(madeSchema, each);
    if (found.success) return [];
    return [`${runnerStatePath} has an invalid entry, runner ${i + 1}: ${found.issues[0].message}`];
  });
}

/** One runner has one place in the list. */
export function sameRunner(one: Pick<Made, "url" | "id" | "name">, other: Pick<Made, "url" | "id" | "name">): boolean {
  const isNumbered = one.id > 0 && other.id > 0;
  return (isNumbered ? one.id === other.id : one.name === other.name) && sameServer(one.url, other.url);
}

/**
 * Returns our record of a runner of this host, or null: it is foreign. A runner whose `url` was edited in config.toml, because
 * its GitLab was renamed, is recognised by its number and name.
 */
export function ours(record: RunnerRecord | null, runner: Runner): Made | null {
  const all = madeBy(record);
  return all.find((made) => sameRunner(made, runner)) ?? all.find((made) => isMoved(made, runner)) ?? null;
}

/** Returns whether these are one runner whose GitLab has another address now. */
export function isMoved(made: Made, runner: Runner): boolean {
  return made.id > 0 && made.id === runner.id && made.name === runner.name;
}

/** The record as it should be, from what it is; null: there is none any more. */
export function recordFile(next: (before: RunnerRecord | null, see: HostReader) => object | null): Resource {
  return file({
    name: `state:${runnerStatePath}`,
    title: "it is recorded which runners are ours",
    path: runnerStatePath,
    mode: 0o600,
    text(see) {
      const before = readRecord(see);
      const after = next(before, see);
      if (after === null) return null;
      const bytes = see.read(runnerStatePath);
      if (bytes !== null && Bun.deepEquals(before, after)) return new Text(bytes);
      return Text.of(`${JSON.stringify(after, null, 2)}\n`);
    },
  });
}

function broken(why: string): Problem {
  return new Problem("state", `${runnerStatePath} ${why}`, { hint: hintToShow(runnerStatePath) });
}
