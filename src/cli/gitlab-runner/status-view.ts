// The status of the runners for a terminal.

import { details, table } from "../../report/table.ts";
import type { RunnerLoad, RunnerStatus, ServiceStatus } from "../../runner/status.ts";
import { durationText } from "../../text/time.ts";
import { linesText, rootCommand, type View } from "../view.ts";

interface Status {
  service: ServiceStatus;
  /** undefined if it is not known. */
  now: RunnerLoad | undefined;
  runners: readonly RunnerStatus[];
  /** What is wrong, or could not be read. */
  faults: readonly string[];
}

/** Returns the service, a row for each runner, and the faults. */
export function runnersText({ service, now, runners, faults }: Status, view: View): string {
  if (!service.installed) {
    const argv = rootCommand("gitlab-runner prepare-ci-host");
    return linesText(view, { text: "GitLab Runner is not installed.", next: { argv } });
  }
  const atBoot = service.service_installed ? "starts at boot" : "does not start at boot";
  const labels = ["SERVICE", "VERSION", "JOBS", "STOP"];
  const values = [
    `${service.service_active ? "active" : "not active"}, ${atBoot}`,
    service.version,
    now === undefined ? "" : `${now.jobs} running`,
    now === undefined ? "" : stopText(now),
  ];
  const rows = runners.map(({ name, url, executor, privileged, ours, accepted }) => {
    return [name, url, `${executor}${privileged ? ", privileged" : ""}`, ours ? "edox-ops" : "foreign", accepted];
  });
  const headers = ["NAME", "GITLAB", "EXECUTOR", "OWNER", "ACCEPTED"];
  const notes = faults.map((text) => ({ mark: "warning" as const, text }));
  return [
    details(labels, values, view.width),
    ...(rows.length === 0 ? [] : [table(headers, rows, view.width)]),
    ...(notes.length === 0 ? [] : [linesText(view, ...notes)]),
  ].join("\n");
}

function stopText({ stop_signal, stop_seconds }: RunnerLoad): string {
  const limit = Number.isFinite(stop_seconds) ? `at most ${durationText(stop_seconds * 1000)}` : "without a limit";
  return `${stop_signal}, waits for running jobs ${limit}`;
}
