// Reads from the files and the output of certbot what became of each lineage.

import type { HostReader, Output } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { few, linesOf } from "../../text/lines.ts";
import { showCertbotLog } from "../certbot-log.ts";
import type { Lineages } from "../lineage.ts";

export interface Renewal {
  name: string;
  result: "renewed" | "skipped" | "failed";
  /** Why it failed; "" otherwise. */
  reason: string;
  /** The serial of the new certificate. */
  serial?: string;
}

/** Returns the result of each lineage, sorted by name. */
export function resultsOf(before: Lineages, after: Lineages, output: Output): Renewal[] {
  const reasons = failuresIn(output);
  const renewed = (name: string, former?: string): Renewal | null => {
    const serial = after.lineages.get(name)?.certificate?.serial;
    return serial === undefined || serial === former ? null : { name, result: "renewed", reason: "", serial };
  };
  const results = [...before.lineages.values()].map(({ name, certificate }): Renewal => {
    const done = renewed(name, certificate?.serial);
    if (done !== null) return done;
    const reason = reasons.get(name) ?? after.broken.get(name)?.reason;
    return { name, result: reason === undefined ? "skipped" : "failed", reason: reason ?? "" };
  });
  // A file that certbot can use although edox-ops cannot is no failure.
  const isFailure = output.code !== 0;
  const broken = [...before.broken.values()].map(({ name, reason }): Renewal => {
    const done = renewed(name);
    if (done !== null) return done;
    return isFailure ? { name, result: "failed", reason } : { name, result: "skipped", reason: "" };
  });
  return [...results, ...broken].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns the reasons by lineage that certbot prints: "Failed to renew certificate NAME with error: REASON". */
function failuresIn({ stdout, stderr }: Output): Map<string, string> {
  const lines = [...linesOf(stdout), ...linesOf(stderr)];
  const failures = new Map<string, string>();
  for (const line of lines) {
    const [, listed] = /^ *\/etc\/letsencrypt\/live\/(.+)\/fullchain\.pem \(failure\)$/.exec(line) ?? [];
    if (listed !== undefined && !failures.has(listed)) failures.set(listed, "certbot could not renew it");
    const [, name, reason] = /Failed to renew certificate (.+?) with error: (.+)$/.exec(line) ?? [];
    if (name !== undefined && reason !== undefined) failures.set(name, reason);
  }
  return failures;
}

/** What is wrong with this host, or on the way from or to it, is wrong for each lineage. */
const sharedCodes: readonly string[] = ["unreachable", "not-served", "conflict"];

interface Failures {
  failed: readonly Renewal[];
  lineages: Lineages["lineages"];
  /** The command of edox-ops that repeats the run. */
  again: readonly string[];
}

/**
 * Returns the problem of the lineages that failed, or of certbot itself; null for a success. A single reason is
 * explained. An error of the authority is that of a single lineage: certbot's log has the response to its last request only.
 */
export async function failure(reader: HostReader, output: Output, failures: Failures): Promise<Problem | null> {
  const { failed, lineages, again } = failures;
  const { code, stdout, stderr } = output;
  if (code === 0 && failed.length === 0) return null;
  const refused = failed.flatMap(({ name }) => lineages.get(name) ?? []);
  const [first] = refused;
  const { certbotProblem } = await import("../errors/certbot.ts");
  const explained = certbotProblem(reader, output, { again, server: first?.settings.server });
  if (failed.length === 0) return explained;
  const reasons = new Set(failed.map(({ name, reason }) => `${lineages.get(name)?.settings.server} ${reason}`));
  const isShared = reasons.size === 1 && sharedCodes.includes(explained.code);
  const isExplained = explained.code !== "command-failed" && (refused.length === 1 || isShared);
  const named = refused.map(({ name }) => name);
  const others = failed.filter(({ name }) => !isExplained || !named.includes(name));
  const parts = [
    ...(isExplained ? [`${few(named)}: ${explained.message}`] : []),
    ...others.map(({ name, reason }) => `${name}: ${reason}`),
  ];
  const message = `not renewed: ${parts.join("; ")}`;
  if (isExplained) return explained.with({ message });
  return new Problem("command-failed", message, { returncode: code, stderr: stdout + stderr, hint: showCertbotLog });
}
