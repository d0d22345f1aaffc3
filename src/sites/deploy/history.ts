// Reads the deploys of this host from the log of the project commands.

import type { HostReader } from "../../host/host.ts";
import { projectLogPath } from "../paths.ts";

/** The log is rotated weekly. More than this is no log of a week. */
const mostBytes = 8 * 1024 * 1024;

/** A deploy that ended. */
interface PastDeploy {
  /** Unix milliseconds, to the second. */
  endMs: number;
  /** To the second for a deploy that failed. */
  milliseconds: number;
  result: "changed" | "unchanged" | "failed";
}

const results = { SUCCESS: "changed", SKIPPED: "unchanged", FAILURE: "failed" } as const;
const linePattern =
  /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\] (?:STEP project\.deploy (START|SUCCESS|SKIPPED|FAILURE)(?= |$)|NOTE project\.deploy took (\d{1,9}) ms$)/gm;

/** Returns the note of the log from which {@link pastDeploys} knows how long a deploy took. */
export function tookNote(milliseconds: number): string {
  return `took ${Math.round(milliseconds)} ms`;
}

/**
 * Returns the deploys in the log, oldest first. Deploys of two projects may overlap: the first that began is taken for
 * the first that ended. Throws UnknownStateError for a user who may not read the log.
 */
export function pastDeploys(reader: HostReader, path = projectLogPath): PastDeploy[] {
  const text = new TextDecoder().decode(reader.tail(path, mostBytes) ?? new Uint8Array());
  const deploys: PastDeploy[] = [];
  const started: number[] = [];
  for (const [, stamp = "", word, took] of text.matchAll(linePattern)) {
    const ms = Date.parse(stamp);
    const last = deploys.at(-1);
    if (word === undefined) {
      // The note is in the line after that of the result.
      if (last !== undefined) last.milliseconds = Number(took);
      continue;
    }
    if (word === "START") {
      started.push(ms);
      continue;
    }
    const startMs = started.shift();
    const result = results[word as keyof typeof results];
    // The clock may have been set between the two lines.
    if (startMs !== undefined) deploys.push({ endMs: ms, milliseconds: Math.max(0, ms - startMs), result });
  }
  return deploys;
}
