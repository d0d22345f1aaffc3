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
  /** Whether a path is a file of the service's. */
  owns?(path: string): boolean;
  /** Whether the running service has taken its files as they are now. */
  taken(see: HostReader): boolean;
  /**
   * A change of its files may wait, in these words, while the service cannot take any because of somebody else's; asked
   * with `test`. Without it such a change is put back.
   */
  mayWait?: string;
  explain?(see: HostReader, sinceMs: number): string | null;
}

/** The unit runs, starts at boot, and has taken its files. */
export function service({ unit, name, brought = unit, test, owns, taken, mayWait, explain }: Service): Resource {
  return {
    name,
    title: `${unit} is active and enabled`,
    settleMs: 5000,
    async explain(see, sinceMs) {
      const why = explain?.(see, sinceMs) ?? null;
      // A service may start and end at once, of which systemctl reports nothing.
      if (why !== null || isActive(see, unit)) return why;
      return linesOf(await firstOutput(logsOf(unit), see)).join("; ");
    },
    async check(see, ahead) {
      if (see.readLink(`/etc/systemd/system/${unit}.service`) === "/dev/null") {
        throw new Problem("blocked", `${unit} is masked`, { hint: ["sudo", "systemctl", "unmask", unit] });
      }
      const comes = installs(ahead, brought);
      const active = isActive(see, unit);
      const touched = ahead.some((change) => "path" in change && owns?.(change.path));
      const changes: Change[] = [];
      if (touched || !active || !taken(see)) {
        // After a put-back a service that ran gets its old files back; one that did not run is not started.
        const again = active ? { again: true as const } : {};
        const lack = active ? `${unit} has not taken its files` : `${unit} is not active`;
        const reload = ["systemctl", "reload-or-restart", unit];
        const logs = logsOf(unit);
        if (mayWait === undefined) {
          if (test) changes.push({ kind: "command", argv: test, lack, ...again });
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
 * service's own processes, or, where none of them ran, those of systemd about it.
 */
function logsOf(unit: string): string[][] {
  const journal = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--since=-1min", "--lines=3"];
  return [
    [...journal, `_SYSTEMD_UNIT=${unit}.service`],
    [...journal, `--unit=${unit}.service`],
  ];
}

/** Whether the unit starts at boot. */
export function isEnabled(see: HostReader, unit: string): boolean {
  return see.stat(`/etc/systemd/system/multi-user.target.wants/${unit}.service`) !== null;
}

/** systemd keeps this link while the unit is active or activating, and takes it away when it stopped or failed. */
const activePath = (unit: string): string => `/run/systemd/units/invocation:${unit}.service`;

export function isActive(see: HostReader, unit: string): boolean {
  return see.readLink(activePath(unit)) !== null;
}

/** Returns the host as it is while the unit is stopped. */
export function stopped(see: HostReader, unit: string): HostReader {
  return foreseen(see, [{ kind: "link", path: activePath(unit), before: null, after: null }]);
}
