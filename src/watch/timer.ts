// The systemd timer of alerts.

import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import * as timers from "../resources/timer.ts";
import { watchSettingsPath, watchStateDir } from "./paths.ts";
import type { Settings } from "./settings.ts";

const name = "edox-ops-watch";
/** What the timer depends on. */
type TimerSettings = Pick<Settings, "everySeconds" | "mail">;

export const timerUnit = `${name}.timer`;

/**
 * What the programs of checks write: `nginx -t` opens its logs and its file in /run, and sendmail its queue. The checks
 * themselves write nothing.
 */
const writablePaths = "-/var/lib/nginx -/var/log/nginx -/var/spool -/var/mail -/var/log/exim4 /run";

/** Returns the resources of the timer. */
export function timerResources(program: string, { everySeconds, mail }: TimerSettings): Resource[] {
  return timers.timerResources({
    ...{
      name,
      description: "Check this host and send alerts of edox-ops",
      schedule: `every ${everyText(everySeconds)}`,
    },
    timer: [
      // These count from the start of the timer and of the last run, and not by the clock: a host whose clock is set,
      // or that slept, neither misses a look nor repeats it. Persistent would add nothing.
      "OnActiveSec=30s",
      `OnUnitActiveSec=${everySeconds}s`,
      // Hosts that booted together do not send at the same moment.
      `RandomizedDelaySec=${Math.min(30, Math.round(everySeconds / 10))}s`,
      "AccuracySec=1s",
    ],
    ...{ program, args: ["watch", "run", "--quiet"] },
    conditions: [`ConditionPathExists=${watchSettingsPath}`],
    service: [
      "TimeoutStartSec=5min",
      "UMask=0077",
      // Where a host has a proxy, this file names it.
      "EnvironmentFile=-/etc/environment",
      `ReadWritePaths=-${watchStateDir}`,
      `ReadWritePaths=${writablePaths}`,
      "ProtectHome=read-only",
      // The sendmail of OpenSMTPD, Postfix and Exim runs as a group or a user of its own.
      ...(mail === null ? [] : ["NoNewPrivileges=no"]),
      "CapabilityBoundingSet=~CAP_SYS_BOOT CAP_SYS_RAWIO CAP_MKNOD CAP_MAC_ADMIN CAP_MAC_OVERRIDE",
      "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    ],
  });
}

/** Returns why the timer does not look, or null. */
export function timerFault(reader: HostReader, settings: TimerSettings): Promise<string | null> {
  return timers.timerFault(reader, name, (program) => timerResources(program, settings));
}

/** Returns whether a file of the timer exists. */
export function hasTimer(reader: HostReader): boolean {
  return timers.hasTimer(reader, name);
}

/** Returns the resources without which there is no timer. */
export function timerRemoval(): Resource[] {
  return timers.timerRemoval(name);
}

/** Returns the interval as it is typed: "5m". */
export function everyText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
