// gitlab-runner as a systemd service that drains its jobs before it stops.

import { presentPackages } from "../apt/dpkg.ts";
import { type Change, installs, Text } from "../engine/change.ts";
import { overlay } from "../engine/overlay.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { missingDirectories } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { keepsRunning, service } from "../resources/service.ts";
import { parentOf } from "../text/path.ts";
import { runnerUnit, runnerUser } from "./names.ts";
import { drainPath, runnerHome } from "./paths.ts";

export const unitPath = "/etc/systemd/system/gitlab-runner.service";
/** Two hours, as in GitLab's documentation. Jobs that run longer are aborted. */
const drainSeconds = 7200;

/** The path of GitLab's manual installation precedes that of packages, as in root's PATH. */
const programPaths = ["/usr/local/bin/gitlab-runner", "/usr/bin/gitlab-runner"];

/** Returns the path of the gitlab-runner of this host, installed from a package or manually, or null. */
export function runnerProgram(reader: HostReader): string | null {
  const found = programPaths.find((path) => (reader.statTarget(path) ?? { type: "directory" }).type === "file");
  return found ?? (isPackaged(reader) ? "/usr/bin/gitlab-runner" : null);
}

export function isRunnerInstalled(reader: HostReader): boolean {
  return runnerProgram(reader) !== null;
}

/** Throws a Problem for a gitlab-runner that is not from a package, because apt can neither upgrade nor remove it. */
export function demandPackaged(reader: HostReader): void {
  const path = runnerProgram(reader);
  if (path === null || isPackaged(reader)) return;
  const message = `${path} was not installed from the package gitlab-runner: upgrade or remove it as it was installed`;
  throw new Problem("not-managed", message, { hint: [path, "--version"] });
}

/** Returns whether it is from a package, including one that dpkg did not finish. */
function isPackaged(reader: HostReader): boolean {
  return presentPackages(reader, ["gitlab-runner"]).length > 0;
}

const drainText = [
  "# Written by edox-ops: with SIGTERM jobs are aborted, with SIGQUIT they end first. The signal is sent to the runner only: the processes",
  "# of a shell's job are in its control group, and would die of the same signal.",
  "[Service]",
  "KillSignal=SIGQUIT",
  "KillMode=mixed",
  `TimeoutStopSec=${drainSeconds}`,
  "",
].join("\n");

export const drain: Resource = (() => {
  const written = file({
    name: "runner:drain",
    title: "stopping gitlab-runner lets its jobs finish",
    path: drainPath,
    mode: 0o644,
    keepDir: replacedDir,
    text: () => Text.of(drainText),
  });
  return {
    ...written,
    optional: true,
    async check(reader, ahead, warn) {
      const changes = await written.check(reader, ahead, warn);
      return changes.length === 0 ? [] : [...missingDirectories(reader, ahead, parentOf(drainPath)), ...changes];
    },
  };
})();

/**
 * Returns whether a power cut has damaged the unit: gitlab-runner writes it without a sync, so that it is empty then, or
 * full of zeros. systemd takes an empty file for a mask; `systemctl mask` makes a link.
 */
function isUnitDamaged(reader: HostReader): boolean {
  if (reader.stat(unitPath)?.type !== "file") return false;
  const text = textOf(reader, unitPath) ?? "";
  return text === "" || text.includes("\0");
}

export const unitInstalled: Resource = {
  name: "runner:unit",
  title: "systemd has the unit of gitlab-runner",
  check(reader, ahead) {
    const isDamaged = isUnitDamaged(reader);
    const reason = isDamaged ? `a power cut has damaged ${unitPath}` : "systemd has no unit of gitlab-runner";
    const argv = ["gitlab-runner", "install", `--user=${runnerUser}`, `--working-directory=${runnerHome}`];
    // gitlab-runner refuses to install its unit over another.
    const changes: Change[] = [
      { kind: "command", argv: ["rm", unitPath], reason },
      { kind: "command", argv, reason },
    ];
    if (isDamaged) return changes;
    return installs(ahead, "gitlab-runner") || reader.stat(unitPath) !== null ? [] : changes.slice(1);
  },
};

/** A written drop-in is not active until systemd loads it, so this asks systemd for the stop signal. */
export const drainLoaded: Resource = {
  name: "runner:drain-loaded",
  title: "systemd stops gitlab-runner with SIGQUIT",
  affects: "CI jobs that run when the service stops",
  optional: true,
  async check(reader, ahead) {
    const reload = {
      kind: "command" as const,
      argv: ["systemctl", "daemon-reload"],
      reason: "systemd would abort its jobs",
    };
    if (reader.stat(unitPath) === null || ahead.some((change) => "path" in change && change.path === drainPath))
      return [reload];
    return (await serviceOf(reader)).drains ? [] : [reload];
  },
};

export interface StopSettings {
  /** Whether a stop lets running jobs end. */
  drains: boolean;
  /** The signal that systemd sends to stop it, and the seconds until it is killed. */
  killSignal: string;
  stopSeconds: number;
  /** 0 if it does not run. */
  pid: number;
}

export async function serviceOf(reader: HostReader): Promise<StopSettings> {
  const properties = "--property=KillSignal,KillMode,TimeoutStopUSec,MainPID";
  const { stdout } = await reader.probe(["systemctl", "show", "gitlab-runner", properties]);
  const stopSettingsFrom = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(stdout)?.[1] ?? "";
  const signals: Record<string, string> = { "3": "SIGQUIT", "15": "SIGTERM" };
  const killSignal = signals[stopSettingsFrom("KillSignal")] ?? `signal ${stopSettingsFrom("KillSignal")}`;
  return {
    drains: killSignal === "SIGQUIT" && ["mixed", "process"].includes(stopSettingsFrom("KillMode")),
    killSignal,
    stopSeconds: secondsOf(stopSettingsFrom("TimeoutStopUSec")),
    pid: Number(stopSettingsFrom("MainPID")),
  };
}

/** Returns the seconds of a systemd time span, such as "2h", "1min 30s" or "infinity". */
function secondsOf(span: string): number {
  if (span === "infinity") return Number.POSITIVE_INFINITY;
  const units: Record<string, number> = { d: 86_400, h: 3600, min: 60, s: 1, ms: 0.001 };
  const parts = [...span.matchAll(/(\d+)(d|h|min|ms|s)/g)];
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0), 0);
}

/** systemd reports it as started before it has loaded its configuration, which takes a small host a second or two. */
const settledMs = 3000;

const running = service({ unit: runnerUnit, name: "runner:service", hasLoaded: () => true, settledMs });

export const runnerRuns: Resource = {
  ...running,
  check(reader, ahead, warn) {
    const removed: Change = { kind: "removal", path: unitPath, before: Text.of("") };
    return running.check(isUnitDamaged(reader) ? overlay(reader, [removed]) : reader, ahead, warn);
  },
  affects: "CI jobs of all runners of this host",
  // The command of the recipe would install a second gitlab-runner, from the package.
  repairCommand: (reader) => (isPackaged(reader) ? null : ["sudo", "systemctl", "status", runnerUnit]),
};

/** Returns whether the service runs, and does not exit soon after each start. */
export function runnerKeepsRunning(reader: HostReader): Promise<boolean> {
  return keepsRunning(reader, "gitlab-runner", settledMs);
}
