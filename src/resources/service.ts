// A systemd unit, looked at without a child: systemd says the same through links in the file system.

import { type Change, installs } from "../engine/change.ts";
import { foreseen } from "../engine/foreseen.ts";
import { linesOf } from "../engine/lines.ts";
import { Problem, type Resource } from "../engine/step.ts";
import { firstOutput } from "../engine/transact.ts";
import type { HostReader } from "../host/host.ts";

export interface Service {
  unit: string;
  name: string;
  /** The package that brings it, where it is not called as the unit is. */
  brought?: string;
  /** Accepts or refuses the files before the service sees them. */
  test?: string[];
  /** Returns what to type where `test` fails with these words on stderr. */
  hintFor?(stderr: string): string[];
  /** Whether a path is a file of the service's. */
  owns?(path: string): boolean;
  /** Whether the running service has taken its files as they are now. */
  taken(see: HostReader): boolean;
  /**
   * A change of its files may wait, in these words, while the service cannot take any because of somebody else's; asked
   * with `test`. Without it such a change is put back.
   */
  mayWait?: string;
  /** See {@link keepsRunning}: longer for a unit whose start ends well before its program has read its configuration. */
  settledMs?: number;
  explain?(see: HostReader, sinceMs: number): string | null;
}

/** systemd reports a start of nginx or dockerd when the daemon is ready: it has little time left to fail. */
const readyMs = 1000;
const pollMs = 50;

/** The unit runs, starts at boot, and has taken its files. */
export function service(described: Service): Resource {
  const { unit, name, brought = unit, test, hintFor, owns, taken, mayWait, settledMs, explain } = described;
  return {
    name,
    title: `${unit} is active and enabled`,
    settleMs: 5000,
    async explain(see, sinceMs) {
      const why = explain?.(see, sinceMs) ?? null;
      // A service may start and end at once, of which systemctl reports nothing.
      if (why !== null || (await keepsRunning(see, unit, settledMs))) return why;
      return linesOf(await firstOutput(logsOf(unit), see)).join("; ");
    },
    async check(see, ahead) {
      if (isMasked(see, unit)) throw new Problem("blocked", `${unit} is masked`, { hint: unmask(unit) });
      const comes = installs(ahead, brought);
      const touched = ahead.some((change) => "path" in change && owns?.(change.path));
      const reloads = touched || !taken(see);
      // What is reloaded in any case is waited for afterwards.
      const runs = reloads ? isActive(see, unit) : await keepsRunning(see, unit, settledMs);
      const changes: Change[] = [];
      if (reloads || !runs) {
        // After a put-back a service that ran gets its old files back; one that did not run is not started.
        const again = runs ? { again: true as const } : {};
        const lack = runs ? `${unit} has not taken its files` : reasonOf(see, unit);
        const reload = ["systemctl", "reload-or-restart", unit];
        const logs = logsOf(unit);
        if (mayWait === undefined) {
          if (test) changes.push({ kind: "command", argv: test, lack, ...again, ...(hintFor && { hintFor }) });
          changes.push({ kind: "command", argv: reload, lack, logs, ...again });
        } else if (touched || test === undefined || (await see.probe(test)).code === 0) {
          changes.push({ kind: "command", argv: reload, lack, logs, ...again, mayFail: mayWait });
        }
      }
      if (!comes && !isEnabled(see, unit)) {
        changes.push({ kind: "command", argv: ["systemctl", "enable", unit], lack: `${unit} is not enabled` });
      }
      return changes;
    },
  };
}

/**
 * Returns the commands that print why a service failed, of which systemctl prints only that it did: the last lines of the
 * service's own processes, or, where none of them ran, those of systemd about it. Only in reverse order are these the last
 * ones everywhere: before systemd 254, a start time made `--lines` print the first.
 */
function logsOf(unit: string): string[][] {
  const journal = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--since=-1min", "--reverse", "--lines=3"];
  return [
    [...journal, `_SYSTEMD_UNIT=${unit}.service`],
    [...journal, `--unit=${unit}.service`],
  ];
}

/** Whether the unit starts at boot. */
export function isEnabled(see: HostReader, unit: string): boolean {
  return see.stat(`/etc/systemd/system/multi-user.target.wants/${unit}.service`) !== null;
}

/** Returns whether systemd refuses to start the unit. One that ran before it was masked may still run. */
export function isMasked(see: HostReader, unit: string): boolean {
  // The first that is there counts.
  const path = ["/etc/systemd/system", "/run/systemd/system"]
    .map((dir) => `${dir}/${unit}.service`)
    .find((each) => see.stat(each) !== null);
  return path !== undefined && see.readLink(path) === "/dev/null";
}

/** Returns the command that lets systemd start the unit again. */
export function unmask(unit: string): string[] {
  return ["sudo", "systemctl", "unmask", unit];
}

/** Returns the host as it is while the unit is stopped. */
export function stopped(see: HostReader, unit: string): HostReader {
  return foreseen(see, [{ kind: "link", path: invocationPath(unit), before: null, after: null }]);
}

/** When systemd started the unit, Unix milliseconds; null where it is not active. */
export function startedMs(see: HostReader, unit: string): number | null {
  return see.stat(invocationPath(unit))?.changedMs ?? null;
}

/** Whether the unit is active, starts or stops: one that fails over and over is active in between, see {@link keepsRunning}. */
export function isActive(see: HostReader, unit: string): boolean {
  return invocationOf(see, unit) !== null;
}

/** Returns the number that systemd gave the unit when it last started it; null where it has stopped or failed. */
export function invocationOf(see: HostReader, unit: string): string | null {
  return see.readLink(invocationPath(unit));
}

/**
 * Returns whether the unit has run for so many milliseconds since its start. One that was started less long ago is waited
 * for; one that ends or is started again in that time does not keep running. It is not waited for on any other host.
 */
export async function keepsRunning(see: HostReader, unit: string, settledMs = readyMs): Promise<boolean> {
  const path = invocationPath(unit);
  const invocation = invocationOf(see, unit);
  for (;;) {
    const started = see.stat(path)?.changedMs;
    if (started === undefined || invocationOf(see, unit) !== invocation) return false;
    const age = see.now() - started;
    // A clock that was set back says nothing of the age.
    if (age >= settledMs || age < 0) return true;
    await see.sleep(pollMs);
  }
}

/** Returns the sentence about a unit that does not keep running. */
export function reasonOf(see: HostReader, unit: string): string {
  return isActive(see, unit) ? `${unit} does not keep running: it is started over and over` : `${unit} is not active`;
}

/**
 * systemd makes this link anew at each start of the unit, with the id of that run. It removes the link when the unit stops or
 * fails, also while it waits to start the unit again ("auto-restart").
 */
function invocationPath(unit: string): string {
  return `/run/systemd/units/invocation:${unit}.service`;
}
