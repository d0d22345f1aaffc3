// Manages a service that a program configures: it is active, enabled, and has loaded its files. `unit()` manages any
// other unit and state. The state of a service is read without a child process, from the links that systemd keeps in the
// file system.

import { type Change, installs } from "../engine/change.ts";
import { firstOutput } from "../engine/first-output.ts";
import { overlay } from "../engine/overlay.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { linesOf } from "../text/lines.ts";
import { isEnabled, isMasked } from "./unit-file.ts";
import { fullName } from "./unit-name.ts";

export interface ServiceSpec {
  unit: string;
  name: string;
  /** The package that contains the unit, if its name differs. */
  brought?: string;
  /** The command that validates the files before the service loads them. */
  test?: string[];
  /** Returns the hint for a failure of `test` with this stderr. */
  hintFor?(stderr: string): string[];
  /** Returns whether the service reads the file at this path. */
  owns?(path: string): boolean;
  /** Returns whether the running service has loaded its current files. */
  hasLoaded(reader: HostReader): boolean;
  /**
   * The warning for a change that stays pending because foreign files, which `test` checks, keep the service from a
   * reload. Without it, such a change is rolled back.
   */
  mayWait?: string;
  /**
   * See {@link keepsRunning}. It is longer for a unit that counts as started well before its program has read its
   * configuration.
   */
  settledMs?: number;
  explain?(reader: HostReader, sinceMs: number): string | null;
}

/** systemd reports nginx and dockerd as started when the daemon is ready, so a later failure follows soon. */
const readyMs = 1000;
const pollMs = 50;

/** Returns a resource for a unit that is active, enabled at boot, and has loaded its current files. */
export function service(described: ServiceSpec): Resource {
  const { unit, name, brought = unit, test, hintFor, owns, hasLoaded, mayWait, settledMs, explain } = described;
  return {
    name,
    title: `${unit} is active and enabled`,
    settleMs: 5000,
    hasFailed: (reader) => staysInactive(reader, unit),
    async explain(reader, sinceMs) {
      const why = explain?.(reader, sinceMs) ?? null;
      // A service may exit immediately after its start, and systemctl then reports no error.
      if (why !== null || (await keepsRunning(reader, unit, settledMs))) return why;
      return linesOf(await firstOutput(reader, logsOf(unit))).join("; ");
    },
    async check(reader, ahead) {
      if (isMasked(reader, unit)) {
        const until = isActive(reader, unit) ? ": it runs until it stops, and does not start at boot" : "";
        throw new Problem("precondition-failed", `${unit} is masked${until}`, { hint: unmask(unit) });
      }
      const comes = installs(ahead, brought);
      const touched = ahead.some((change) => "path" in change && owns?.(change.path));
      const reloads = touched || !hasLoaded(reader);
      // A unit that is reloaded in any case is awaited after the reload.
      const runs = reloads ? isActive(reader, unit) : await keepsRunning(reader, unit, settledMs);
      const changes: Change[] = [];
      if (reloads || !runs) {
        // After a rollback, a service that ran gets its old files back. One that did not run is not started.
        const again = runs ? { again: true as const } : {};
        const reason = runs ? `${unit} has not loaded its configuration` : reasonOf(reader, unit);
        const reload = ["systemctl", "reload-or-restart", unit];
        const logs = logsOf(unit);
        const hint = ["sudo", "systemctl", "status", unit];
        if (mayWait === undefined) {
          if (test)
            changes.push({
              kind: "command",
              argv: test,
              code: "invalid-config",
              reason,
              ...again,
              ...(hintFor && { hintFor }),
            });
          changes.push({ kind: "command", argv: reload, reason, logs, hint, ...again });
        } else if (touched || test === undefined || (await reader.probe(test)).code === 0) {
          changes.push({ kind: "command", argv: reload, reason, logs, ...again, mayFail: mayWait });
        }
      }
      if (!(comes && isEnabledByPackage(reader, unit)) && !isEnabled(reader, unit)) {
        changes.push({ kind: "command", argv: ["systemctl", "enable", unit], reason: `${unit} is not enabled` });
      }
      return changes;
    },
  };
}

/**
 * Returns the commands that print why a service failed, since systemctl prints only that it failed. They print the last
 * lines of the service's own processes, or else systemd's lines about it. Only reverse order selects the last lines
 * everywhere: before systemd 254, `--lines` with a start time printed the first ones.
 */
export function logsOf(unit: string): string[][] {
  const journal = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--since=-1min", "--reverse", "--lines=3"];
  return [
    [...journal, `_SYSTEMD_UNIT=${fullName(unit)}`],
    [...journal, `--unit=${fullName(unit)}`],
  ];
}

/**
 * Returns whether the package that brings the unit enables it. deb-systemd-helper does so once: it keeps a record of the unit, also
 * when the package is removed, and leaves a unit disabled that was disabled before.
 */
function isEnabledByPackage(reader: HostReader, unit: string): boolean {
  return reader.stat(`/var/lib/systemd/deb-systemd-helper-enabled/${unit}.service.dsh-also`) === null;
}

/** Returns the command that lets systemd start the unit again. */
export function unmask(unit: string): string[] {
  return ["sudo", "systemctl", "unmask", unit];
}

/** Returns a view of the host in which the unit is stopped. */
export function stoppedService(reader: HostReader, unit: string): HostReader {
  return overlay(reader, [{ kind: "link", path: invocationPath(unit), before: null, after: null }]);
}

/** Returns when systemd started the unit, in Unix milliseconds, or null if it is not active. */
export function startedMs(reader: HostReader, unit: string): number | null {
  return reader.stat(invocationPath(unit))?.changedMs ?? null;
}

/**
 * Returns whether the unit is active, starting or stopping. A unit that fails repeatedly is active in between, see
 * {@link keepsRunning}.
 */
export function isActive(reader: HostReader, unit: string): boolean {
  return invocationOf(reader, unit) !== null;
}

/** Returns the invocation id of the unit's last start, or null if it has stopped or failed. */
export function invocationOf(reader: HostReader, unit: string): string | null {
  return reader.readLink(invocationPath(unit));
}

/**
 * Returns whether the unit has run for `settledMs` milliseconds since its start. Waits only if it was started more
 * recently. A unit that stops or restarts in that time does not keep running.
 */
export async function keepsRunning(reader: HostReader, unit: string, settledMs = readyMs): Promise<boolean> {
  const path = invocationPath(unit);
  const invocation = invocationOf(reader, unit);
  for (;;) {
    const started = reader.stat(path)?.changedMs;
    if (started === undefined || invocationOf(reader, unit) !== invocation) return false;
    const age = reader.now() - started;
    // If the clock was set back, the age is unknown.
    if (age >= settledMs || age < 0) return true;
    await reader.sleep(pollMs);
  }
}

/** Returns whether the unit has failed, and systemd does not start it again, or only after a minute or more. */
async function staysInactive(reader: HostReader, unit: string): Promise<boolean> {
  // Most polls end here, without a child.
  if (isActive(reader, unit)) return false;
  const properties = ["ActiveState", "SubState", "RestartUSec"].map((name) => `--property=${name}`);
  const { stdout } = await reader.probe(["systemctl", "show", ...properties, unit]);
  const isLate = /^SubState=auto-restart$/m.test(stdout) && /^RestartUSec=.*\d(?:min|h|d|w)\b/m.test(stdout);
  return isLate || /^ActiveState=failed$/m.test(stdout);
}

/** Describes a unit that does not keep running. */
function reasonOf(reader: HostReader, unit: string): string {
  return isActive(reader, unit) ? `${unit} keeps restarting` : `${unit} is not active`;
}

/**
 * Returns the link that systemd creates at each start of the unit, with its invocation id. systemd removes the link
 * when the unit stops or fails, even while a restart is pending ("auto-restart").
 */
function invocationPath(unit: string): string {
  return `/run/systemd/units/invocation:${fullName(unit)}`;
}
