// Writes the report.

import type { Host } from "../../host/host.ts";
import { hostName } from "../../host/host-name.ts";
import { writeOutput } from "../../problem/output-file.ts";
import { Problem } from "../../problem/problem.ts";
import { readHistory } from "../history.ts";
import { watchStateDir } from "../paths.ts";
import { pageOf } from "./page.ts";
import { trendOf } from "./trend.ts";

/**
 * Writes the page, in place of an existing file. Returns its path, and what it is made from. Throws a Problem where
 * alerts were never enabled, and UnknownStateError for a user who may not read the history.
 */
export function writeReport(host: Host, path: string): { path: string; samples: number; checks: number } {
  if (host.stat(watchStateDir) === null) {
    const hint = ["edox-ops", "watch", "enable", "--help"];
    throw new Problem("not-found", "there is no history, because alerts are not enabled on this host", { hint });
  }
  const samples = readHistory(host);
  const now = host.now();
  const trend = trendOf(samples, now);
  writeOutput(host, path, pageOf(hostName(host), trend, now));
  return { path, samples: samples.length, checks: trend.checks.length };
}
