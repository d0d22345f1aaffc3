// The summary of a plan: how much of what it would change.

import type { Change } from "../engine/change.ts";
import type { StepResult } from "../engine/step.ts";
import { countOf } from "../text/lines.ts";
import type { ClosingLine } from "./closing.ts";

/** Flags that only show a plan, and are left out of the command that applies it. */
const planFlags = ["--dry-run", "-n", "--check", "--diff"];

/**
 * Returns the last line of a plan: "Plan: 3 packages, 5 directories, 2 files." `apply`: the command that applies the
 * plan, where the line ends with it.
 */
export function planSummary(results: readonly StepResult[], apply?: readonly string[]): ClosingLine {
  const counts = changeCounts(results);
  const unknown = results.flatMap((result) => result.unknown).length;
  const rest = unknown === 0 ? "" : ` ${countOf(unknown, "state")} could not be determined.`;
  if (counts.length === 0) return { text: unknown === 0 ? "Nothing to change." : `No changes found.${rest}` };
  const next = apply && { next: { label: "Apply with:", argv: apply } };
  return { text: `Plan: ${counts.join(", ")}.${rest}`, ...next };
}

/** Returns the command that applies what these words plan. `needsYes`: it changes nothing without --yes. */
export function applyCommand(words: readonly string[], needsYes: boolean): string[] {
  const applied = words
    .filter((word) => !planFlags.includes(word))
    .map((word) => (/^-[A-Za-z]{2,}$/.test(word) ? word.replaceAll("n", "") : word))
    .filter((word) => word !== "-");
  const isConfirmed = applied.some((word) => word === "--yes" || /^-[A-Za-z]*y/.test(word));
  return [...applied, ...(needsYes && !isConfirmed ? ["--yes"] : [])];
}

/** Returns the number of things of each kind. A path that two steps change counts once. */
export function changeCounts(results: readonly StepResult[]): string[] {
  const changes = results.flatMap((result) => result.changes);
  const paths = (...kinds: Change["kind"][]): number => {
    const all = changes.flatMap((change) => (kinds.includes(change.kind) && "path" in change ? [change.path] : []));
    return new Set(all).size;
  };
  const packages = changes.flatMap((change) => (change.kind === "packages" ? packagesOf(change) : []));
  const commands = changes.filter((change) => {
    // An interrupted dpkg names no package.
    return change.kind === "command" || (change.kind === "packages" && packagesOf(change).length === 0);
  });
  const counted: [count: number, one: string, more: string][] = [
    [new Set(packages).size, "package", "packages"],
    [paths("directory"), "directory", "directories"],
    [paths("file", "removal"), "file", "files"],
    [paths("link"), "link", "links"],
    [commands.length, "command", "commands"],
  ];
  return counted.filter(([count]) => count > 0).map(([count, one, more]) => `${count} ${count === 1 ? one : more}`);
}

function packagesOf({ names, remove = [], unfinished = [] }: Extract<Change, { kind: "packages" }>): string[] {
  return [...names, ...remove, ...unfinished];
}
