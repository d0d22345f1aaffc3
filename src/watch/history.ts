// The history of this host for `watch report`: a line of JSON an hour, for a month.

import * as v from "valibot";
import { docsRoot } from "../engine/paths.ts";
import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { mountPointOf } from "../problem/mount-point.ts";
import { pastDeploys } from "../sites/deploy/history.ts";
import { projectLogPath } from "../sites/paths.ts";
import { parseJson } from "../text/json.ts";
import { watchHistoryPath } from "./paths.ts";
import type { WatchState } from "./state.ts";

const sampleSeconds = 3600;
/** An hour each, for a month and a day. */
export const mostSamples = 31 * 24;
/** The directories whose file systems fill. */
const dirs = ["/", "/var/lib", docsRoot];

const sampleSchema = v.object({
  /** In ISO 8601. */
  at: v.string(),
  /** Free bytes of each file system, by its mount point. */
  free: v.record(v.string(), v.number()),
  /** The level of each check that is reported as failing. */
  checks: v.record(v.string(), v.picklist(["warning", "error"])),
  /** Deploys since the sample before. */
  deploys: v.object({ changed: v.number(), unchanged: v.number(), failed: v.number(), seconds: v.number() }),
});

export type Sample = v.InferOutput<typeof sampleSchema>;

/** Returns the samples, oldest first. Lines that a power cut left incomplete are left out. */
export function readHistory(reader: HostReader): Sample[] {
  return (textOf(reader, watchHistoryPath) ?? "").split("\n").flatMap((line) => {
    const found = v.safeParse(sampleSchema, jsonIn(line));
    return found.success && !Number.isNaN(Date.parse(found.output.at)) ? [found.output] : [];
  });
}

/**
 * Adds a sample if a look is the first of an hour, counted in looks. It keeps the newest samples of a month. Throws the
 * system's error.
 */
export function recordSample(host: Host, state: WatchState, everySeconds: number): void {
  const looks = Math.max(1, Math.round(sampleSeconds / everySeconds));
  if ((state.looks - 1) % looks !== 0) return;
  const samples = readHistory(host);
  const kept = [...samples, sampleOf(host, state, samples.at(-1))].slice(-mostSamples);
  const text = kept.map((sample) => `${JSON.stringify(sample)}\n`).join("");
  const owner = { uid: host.uid, gid: host.uid };
  host.writeFile(watchHistoryPath, new TextEncoder().encode(text), { mode: 0o600, ...owner });
}

function sampleOf(reader: HostReader, state: WatchState, last: Sample | undefined): Sample {
  const now = reader.now();
  const sinceMs = last === undefined ? now - sampleSeconds * 1000 : Date.parse(last.at);
  // logrotate may have renamed the log in the meantime.
  const all = [`${projectLogPath}.1`, projectLogPath].flatMap((path) => pastDeploys(reader, path));
  const deploys = all.filter(({ endMs }) => endMs > sinceMs && endMs <= now);
  const count = (result: string): number => deploys.filter((each) => each.result === result).length;
  const points = new Set(dirs.filter((dir) => reader.stat(dir) !== null).map((dir) => mountPointOf(reader, dir)));
  const spaces = [...points].map((path) => [path, reader.space(path)?.bytesFree] as const);
  return {
    at: new Date(now).toISOString(),
    free: Object.fromEntries(spaces.flatMap(([path, free]) => (free === undefined ? [] : [[path, free]]))),
    checks: Object.fromEntries(
      Object.entries(state.checks).flatMap(([name, { reported }]) => (reported === null ? [] : [[name, reported]])),
    ),
    deploys: {
      ...{ changed: count("changed"), unchanged: count("unchanged"), failed: count("failed") },
      seconds: deploys.reduce((sum, { milliseconds }) => sum + milliseconds / 1000, 0),
    },
  };
}

function jsonIn(line: string): unknown {
  try {
    return parseJson(line);
  } catch {
    return null;
  }
}
