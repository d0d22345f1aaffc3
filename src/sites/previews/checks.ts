// Checks previews: that they expire, and that the timer which removes them runs.

import type { Check, CheckResult } from "../../engine/finding.ts";
import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { countOf, few } from "../../text/lines.ts";
import { expiresMsOf, hasPreviews, listPreviews, slugsWithPreviews } from "./list.ts";
import { timerFault, timerUnit } from "./timer.ts";

const notSetUp: CheckResult = { status: "not-set-up", detail: "not configured (optional; no preview yet)" };
/** The timer runs every hour, and a prune of many previews takes some time. */
const lateMs = 2 * 3_600_000;

const pruneHint = ["sudo", "edox-ops", "project", "previews", "prune"];

export function previewChecks(trees: () => Promise<Trees>): Check[] {
  return [
    { name: "previews:timer", runsProgram: true, run: timer },
    {
      name: "previews:expiry",
      run: async (reader) => (hasPreviews(reader) ? expiry(reader, await trees()) : notSetUp),
    },
  ];
}

/** Checks that the timer is installed and active while there are previews. */
async function timer(reader: HostReader): Promise<CheckResult> {
  if (!hasPreviews(reader)) return notSetUp;
  const affects = "previews that expire (they stay online)";
  const fault = await timerFault(reader);
  if (fault !== null) return { status: "warning", detail: fault, affects, hint: pruneHint };
  return { status: "ok", detail: `${timerUnit} is enabled and active` };
}

/** Checks that the expiry of each preview is known, and that no preview is much older. */
function expiry(reader: HostReader, trees: Trees): CheckResult {
  const now = reader.now();
  const [unknown, late]: [string[], string[]] = [[], []];
  let [count, faulty] = [0, ""];
  for (const slug of slugsWithPreviews(reader)) {
    for (const preview of listPreviews(reader, trees, slug)) {
      const name = `${preview.name} of ${slug}`;
      const expiresMs = expiresMsOf(preview);
      count += 1;
      if (preview.hasTree && preview.fault !== null) {
        unknown.push(name);
        faulty ||= slug;
      } else if (expiresMs !== null && expiresMs + lateMs < now) late.push(name);
    }
  }
  const parts = [
    ...(late.length > 0 ? [`expired and still there: ${few(late)}`] : []),
    ...(unknown.length > 0 ? [`no known expiry: ${few(unknown)}`] : []),
  ];
  if (parts.length === 0) return { status: "ok", detail: `${countOf(count, "preview")}, none overdue` };
  const list = ["sudo", "edox-ops", "project", "previews", "list", faulty];
  return { status: "warning", detail: parts.join("; "), hint: late.length > 0 ? pruneHint : list };
}
