// certbot's log. It has every response of the certificate authority, also those that certbot's output loses.

import type { HostReader } from "../host/host.ts";

export const certbotLog = "/var/log/letsencrypt/letsencrypt.log";
/** The command that shows why certbot failed. */
export const showCertbotLog = ["sudo", "tail", "-n", "50", certbotLog];

/** A run with a hundred names writes less. */
const mostBytes = 4 * 1024 * 1024;
/** certbot begins the log of a run with its version. */
const runStart = /^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+:\w+:[\w.]+:certbot version: )/m;

/** Returns what each of the last runs logged, the newest last. */
export function loggedRuns(reader: HostReader): string[] {
  return new TextDecoder().decode(reader.tail(certbotLog, mostBytes) ?? undefined).split(runStart);
}

/** Returns when a run began, in Unix milliseconds; NaN for an incomplete log. */
export function startOf(run: string): number {
  // certbot logs in the time zone of the host.
  return new Date(run.slice(0, 19).replace(" ", "T")).getTime();
}
