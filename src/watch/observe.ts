// Compares the findings of a look with those of earlier looks. It reads no clock: a look counts, not the time.

import { type Finding, isHealthy } from "../engine/finding.ts";
import type { AlertEvent, Level, Tracked } from "./state.ts";

/** A failure or a recovery is reported when this many looks in a row have found it, so that a reload is no alert. */
const looksNeeded = 2;
/** Consequences that an event lists. */
const mostConsequences = 50;
/** The receivers of alerts cannot be told that they do not answer. */
const excluded = ["watch:delivery"];

type Change = Omit<AlertEvent, "id">;

interface Observation {
  checks: Record<string, Tracked>;
  /** What is reported now, failures first. */
  changes: Change[];
}

/**
 * Returns the checks to remember, and what changed. A check that could not be determined counts as a warning. A check
 * that follows from another failing one is listed with it and not reported on its own. `now`: in ISO 8601.
 */
export function observe(
  before: Readonly<Record<string, Tracked>>,
  findings: readonly Finding[],
  now: string,
): Observation {
  const checks: Record<string, Tracked> = {};
  const changes: Change[] = [];
  const found = new Map(findings.filter(({ name }) => !excluded.includes(name)).map((each) => [each.name, each]));
  for (const name of new Set([...found.keys(), ...Object.keys(before)])) {
    const finding = found.get(name) ?? { name, status: "ok" as const, detail: "no longer checked" };
    const known = Object.hasOwn(before, name) ? before[name] : undefined;
    const { tracked, kind } = next(known, finding, now);
    if (tracked !== null) checks[name] = tracked;
    if (kind === null) continue;
    const { status, detail, affects, hint } = finding;
    const isFailing = kind !== "recovered";
    changes.push({
      ...{ kind, check: name, status: isFailing ? levelOf(status) : "ok", detail },
      ...(isFailing && affects !== undefined && { affects }),
      ...(isFailing && hint !== undefined && { hint: [...hint] }),
      also: isFailing ? consequencesOf(name, findings).slice(0, mostConsequences) : [],
      ...{ since: known?.since ?? now, at: now },
    });
  }
  return { checks, changes: changes.sort((one, other) => rank(one) - rank(other)) };
}

/** Returns what to remember of a check, or null for nothing, and what to report of it now. */
function next(
  known: Tracked | undefined,
  { status, detail, follows }: Finding,
  now: string,
): { tracked: Tracked | null; kind: Change["kind"] | null } {
  const reported = known?.reported ?? null;
  const since = known?.since ?? now;
  const looksOf = (kind: Tracked["found"]): number => (known?.found === kind ? known.looks : 0) + 1;
  if (isHealthy(status)) {
    if (known === undefined || reported === null) return { tracked: null, kind: null };
    const looks = looksOf("recovered");
    if (looks >= looksNeeded) return { tracked: null, kind: "recovered" };
    return { tracked: { ...known, looks, found: "recovered" }, kind: null };
  }
  const level = levelOf(status);
  if (reported === null) {
    // Its cause is reported. If that is repaired and this remains, it is counted from then on.
    if (follows !== undefined) return { tracked: null, kind: null };
    const looks = looksOf("failing");
    if (looks < looksNeeded) return { tracked: { since, reported, looks, found: "failing", detail }, kind: null };
    return { tracked: { since, reported: level, looks: 0, found: "same", detail }, kind: "failing" };
  }
  const isWorse = level === "error" && reported === "warning" && follows === undefined;
  if (!isWorse) return { tracked: { since, reported, looks: 0, found: "same", detail }, kind: null };
  const looks = looksOf("worse");
  if (looks < looksNeeded) return { tracked: { since, reported, looks, found: "worse", detail }, kind: null };
  return { tracked: { since, reported: level, looks: 0, found: "same", detail }, kind: "worse" };
}

function levelOf(status: Finding["status"]): Level {
  return status === "error" ? "error" : "warning";
}

/** Returns the names of the checks that follow from this one, directly or through others. */
function consequencesOf(name: string, findings: readonly Finding[]): string[] {
  const names = new Set([name]);
  // Checks that follow from each other end the search too, because each name is added once.
  for (let size = 0; size < names.size; ) {
    size = names.size;
    for (const { name: own, follows } of findings) if (follows !== undefined && names.has(follows)) names.add(own);
  }
  names.delete(name);
  return [...names];
}

function rank({ kind, status }: Change): number {
  if (kind === "recovered") return 2;
  return status === "error" ? 0 : 1;
}
