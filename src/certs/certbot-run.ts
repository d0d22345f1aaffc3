// Runs certbot. Only one certbot can run on a host: its timer may have started another one.

import type { Host, Output } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { type Stop, throwIfInterrupted, type WaitWatch, waitFor } from "../problem/wait.ts";
import type { Lineage } from "./lineage.ts";

/** certbot locks each of its directories while it runs, and this one first. */
const lockPath = "/etc/letsencrypt/.certbot.lock";
const busyMessage = "Another instance of Certbot is already running";
/** A renewal of many certificates takes minutes, and certbot waits as long for a slow server. */
const lockWaitMs = 600_000;
const pollMs = 500;
/** A certbot that has not ended by then hangs. */
const runLimitMs = 1_800_000;

/** No other certbot runs on this host. */
export const certbotFree: Requirement = {
  name: "certs:certbot-free",
  title: "no other certbot runs",
  waitMs: lockWaitMs,
  check(reader) {
    const [holder] = reader.lockHolders(lockPath);
    if (holder === undefined) return null;
    const reason = `another certbot is running: ${holder.command} (pid ${holder.pid})`;
    return { reason, hint: ["ps", "-fp", String(holder.pid)], code: "locked" };
  },
};

interface CertbotRun {
  watch?: WaitWatch;
  stop?: Stop;
}

/** Runs certbot without questions once no other one runs. Throws a Problem if the other one does not end in time. */
export async function runCertbot(host: Host, words: readonly string[], run: CertbotRun = {}): Promise<Output> {
  const { watch = {}, stop = () => null } = run;
  const end = host.now() + lockWaitMs;
  for (;;) {
    await waitFor(host, certbotFree, watch, stop);
    const output = await host.run(certbot(...words), { limitMs: runLimitMs, endsInOrder: true });
    throwIfInterrupted(stop);
    if (output.code === 127) throw notInstalled();
    // Another one may have started in between.
    if (output.code === 0 || !`${output.stdout}${output.stderr}`.includes(busyMessage)) return output;
    if (host.now() >= end) throw new Problem("locked", "another certbot is running");
    await host.sleep(pollMs);
  }
}

export function notInstalled(): Problem {
  const hint = ["sudo", "edox-ops", "certs", "install", "--yes"];
  return new Problem("precondition-failed", "certbot is not installed", { hint });
}

/** Returns the command line of a certbot that asks no questions. */
export function certbot(...words: readonly string[]): string[] {
  return ["certbot", ...words, "--non-interactive"];
}

/**
 * Returns the words that test the renewal of a lineage, without a certificate as the result. They name its server, because
 * certbot would ask Let's Encrypt's test server instead. For a certificate of Let's Encrypt certbot asks that one in any
 * case.
 */
export function renewalTest({ name, settings: { server } }: Pick<Lineage, "name" | "settings">): string[] {
  return ["renew", "--cert-name", name, "--dry-run", "--server", server, "--no-random-sleep-on-renew"];
}
