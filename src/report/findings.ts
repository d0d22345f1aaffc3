// Converts the findings of doctor into lines, for pipes and logs. Scripts read them.

import { askRoot, type Finding, isHealthy } from "../engine/finding.ts";
import { oneLine, shellLine } from "../text/lines.ts";
import type { Style } from "./style.ts";

/** The findings of doctor, and how they are shown. */
export interface FindingsView {
  findings: readonly Finding[];
  /** Any finding that is not healthy counts as a failure. */
  strict: boolean;
  /** Only failures are shown. */
  quiet: boolean;
  /** Whether doctor runs as root. */
  isRoot: boolean;
  /** The path of the checked bundle; without it, the host itself is checked. */
  bundle: string | undefined;
}

/** Returns whether the finding makes doctor fail. */
export function isFailure({ status }: Finding, strict: boolean): boolean {
  return status === "error" || (strict && !isHealthy(status));
}

const labels = { ok: "[OK]", "not-set-up": "[OK]", warning: "[WARN]", unknown: "[WARN]", error: "[FAIL]" };

/**
 * Returns one line for a check, even if its detail has several. A check that follows from another one shows no hint of
 * its own.
 */
export function findingText({ name, status, detail, follows, ...finding }: Finding, { paint, hint }: Style): string {
  const isHinted = finding.hint !== undefined && !isHealthy(status);
  const run = isHinted ? ` (run: ${shellLine(hint(finding.hint ?? []))})` : "";
  const end = follows === undefined ? run : ` (follows from ${oneLine(follows)})`;
  return `${paint(status, labels[status])} ${oneLine(name)}: ${oneLine(detail)}${end}\n`;
}

/** Returns a line for each finding, and the last lines, for stdout and for stderr. */
export function findingsText(view: FindingsView, style: Style): { out: string; err: string } {
  const { findings, strict, quiet, isRoot, bundle } = view;
  const failed = findings.filter((each) => isFailure(each, strict));
  const unknown = strict || quiet ? 0 : findings.filter(({ status }) => status === "unknown").length;
  // A check that only root can perform is neither a failure nor a success.
  const again = isRoot ? "" : ` (run: ${shellLine(style.hint(askRoot))})`;
  const lines = (quiet ? failed : findings).map((each) => findingText(each, style)).join("");
  if (failed.length > 0) {
    const others = unknown > 0 ? `Doctor: ${unknown} of the others could not be checked${again}.\n` : "";
    return { out: lines, err: `${others}Doctor found ${failed.length} failing check(s).\n` };
  }
  if (quiet) return { out: lines, err: "" };
  const ready = bundle === undefined ? "host looks ready" : "the bundle fits this host";
  const last = unknown > 0 ? `no check failed, but ${unknown} could not be checked${again}` : ready;
  return { out: `${lines}Doctor: ${last}.\n`, err: "" };
}
