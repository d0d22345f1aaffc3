// The journal of a step: what undoes each of its changes, on the disk before the change is applied. A run that ends
// removes its journal, so that one that is left belongs to a run that was killed, or to an incomplete rollback.

import * as v from "valibot";
import type { Host, HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { parentOf } from "../text/path.ts";
import { root } from "./change.ts";
import { journaledSteps, recoverHint } from "./interrupted.ts";
import type { Inverse } from "./inverse.ts";
import { journalDir } from "./paths.ts";

const parentDir = parentOf(journalDir);

interface Header {
  /** The id of the step. */
  step: string;
  /** The commands that run once more after a rollback. */
  again: string[][];
}

export interface Journal {
  /** Returns when the inverse is on the disk. */
  add(inverse: Inverse): void;
  /** Removes the journal: all changes were applied, or all of them rolled back. */
  end(): void;
}

/** A journal that an interrupted run left. */
export interface LeftJournal extends Header {
  inverses: Inverse[];
}

/**
 * Creates the journal of a step. Throws a Problem if an earlier run left one. Only a holder of the host's lock calls
 * it.
 */
export function openJournal(host: Host, header: Header): Journal {
  if (host.stat(parentDir) === null) host.makeDirectory(parentDir, { mode: 0o755, ...root });
  if (host.stat(journalDir) === null) host.makeDirectory(journalDir, { mode: 0o700, ...root });
  demandPrivate(host);
  const path = `${journalDir}/${header.step}`;
  if (host.stat(path) !== null) {
    throw new Problem("precondition-failed", `an interrupted run left ${path}, and was not rolled back`, {
      hint: recoverHint,
    });
  }
  host.writeFile(path, new TextEncoder().encode(journalLine({ schema: 1, ...header })), { mode: 0o600, ...root });
  return {
    add(inverse) {
      const data =
        inverse.kind === "file" ? { ...inverse, bytes: Buffer.from(inverse.bytes).toString("base64") } : inverse;
      host.append(path, journalLine(data), 0o600, true);
    },
    end: () => host.remove(path),
  };
}

/** Returns the paths of the journals that interrupted runs left, the newest first. */
export function leftJournals(reader: HostReader): string[] {
  const paths = journaledSteps(reader).map((name) => `${journalDir}/${name}`);
  const changedMs = (path: string): number => reader.stat(path)?.changedMs ?? 0;
  return paths.sort((one, other) => changedMs(other) - changedMs(one));
}

/**
 * Removes the files that killed runs were about to rename to a journal. A directory that others can change is left
 * alone, and so is any other file. A file that cannot be removed is no failure, because the next journal replaces it.
 */
export function removeUnbegun(host: Host): void {
  const names = (host.list(journalDir) ?? []).filter((name) => /^\.[\w-][\w.-]*\.edox-ops-new$/.test(name));
  try {
    demandPrivate(host);
    for (const name of names) host.remove(`${journalDir}/${name}`);
  } catch {
    return;
  }
}

/**
 * Reads a journal. An incomplete last line is left out, because its change was not applied yet. Throws a Problem if
 * another user could have written it, or if any other line is not as this program writes it.
 */
export function readJournal(reader: HostReader, path: string): LeftJournal {
  demandPrivate(reader);
  const stat = reader.stat(path);
  const isOwn = stat?.type === "file" && stat.uid === root.uid && (stat.mode & 0o077) === 0;
  if (!isOwn) throw unusable(path, "it is not a file that only root can open");
  const lines = new TextDecoder().decode(reader.read(path) ?? undefined).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const values = lines.map(parseLine);
  if (values.at(-1) === undefined) values.pop();
  if (v.is(newerSchema, values[0])) {
    throw new Problem("precondition-failed", `${path} was written by a newer version of edox-ops`, {
      hint: ["sudo", "edox-ops", "self-update"],
    });
  }
  const wrong = values.findIndex((value, i) => !v.is(i === 0 ? headerSchema : inverseSchema, value));
  if (wrong >= 0 || values.length === 0) throw unusable(path, `line ${Math.max(wrong, 0) + 1} is damaged`);
  const [header, ...inverses] = values;
  return { ...v.parse(headerSchema, header), inverses: inverses.map((value) => v.parse(inverseSchema, value)) };
}

function unusable(path: string, why: string): Problem {
  return new Problem("invalid-config", `${path} cannot be used for a rollback: ${why}`, {
    hint: ["sudo", "rm", "-r", path],
  });
}

/** Throws a Problem if another user could write a journal. */
function demandPrivate(reader: HostReader): void {
  for (const [dir, open] of [
    [parentDir, 0o022],
    [journalDir, 0o077],
  ] as const) {
    const stat = reader.stat(dir);
    if (stat?.type === "directory" && stat.uid === root.uid && (stat.mode & open) === 0) continue;
    throw new Problem("precondition-failed", `${dir} is not a directory that only root can change`, {
      hint: ["ls", "-ld", dir],
    });
  }
}

/** The digest shows which line a power cut left incomplete, regardless of what the file system left in its place. */
function journalLine(data: object): string {
  const json = JSON.stringify(data);
  return `${digestOf(json)} ${json}\n`;
}

/** Returns the value of a line, or undefined if the line is damaged. */
function parseLine(line: string): unknown {
  const json = line.slice(digestLength + 1);
  if (line.slice(0, digestLength + 1) !== `${digestOf(json)} `) return undefined;
  try {
    return parseJson(json);
  } catch {
    return undefined;
  }
}

const digestLength = 16;

function digestOf(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, digestLength);
}

const number = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most));
const attributes = { mode: number(0o7777), uid: number(0xfffffffe), gid: number(0xfffffffe) };
/** A dot is allowed at the end only, where it makes the kernel follow a link to a directory. */
const path = v.pipe(v.string(), v.regex(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+(?:\/\.)?$/));
const word = v.pipe(v.string(), v.regex(/^[^\0]*$/));
const argv = v.pipe(v.array(word), v.nonEmpty());
const line = v.pipe(v.string(), v.regex(/^[^\n\0]+$/));

const headerSchema = v.strictObject({
  schema: v.literal(1),
  step: v.pipe(v.string(), v.regex(/^[\w-][\w.-]*$/)),
  again: v.array(argv),
});

/** The remaining lines of a later schema are unknown to this version, and are no damage. */
const newerSchema = v.object({ schema: v.pipe(v.number(), v.integer(), v.minValue(2)) });

const inverseSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("absent"), path, added: v.exactOptional(line) }),
  v.strictObject({
    kind: v.literal("file"),
    path,
    bytes: v.pipe(
      v.string(),
      v.base64(),
      v.transform((text) => new Uint8Array(Buffer.from(text, "base64"))),
    ),
    ...attributes,
    added: v.exactOptional(line),
  }),
  v.strictObject({ kind: v.literal("directory"), path, ...attributes }),
  v.strictObject({ kind: v.literal("link"), path, target: v.pipe(word, v.nonEmpty()) }),
  v.strictObject({
    kind: v.literal("command"),
    argv,
    ifExists: v.exactOptional(path),
    ifMissing: v.exactOptional(path),
    mayFail: v.exactOptional(v.literal(true)),
  }),
  v.strictObject({ kind: v.literal("line"), path, line }),
  v.strictObject({ kind: v.literal("account"), name: v.pipe(word, v.regex(/^[a-z_]/)), home: path, keyLine: line }),
  v.strictObject({ kind: v.literal("packages"), names: v.array(word) }),
]);
