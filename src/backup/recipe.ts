// What an installed repository needs on the host, and the timer of its backups.

import type { Text } from "../engine/change.ts";
import { stateDir } from "../engine/paths.ts";
import type { Recipe, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { absent } from "../resources/absent.ts";
import { directory } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { packagesStep } from "../resources/packages-step.ts";
import * as timers from "../resources/timer.ts";
import { backupDir, backupLogPath, cacheDir, environmentPath, passwordPath, settingsPath } from "./paths.ts";
import { type Repository, readRepository } from "./repository.ts";
import { packagesFor } from "./restic.ts";
import { type Settings, settingsText } from "./settings.ts";

/** When a backup is made unless another time is chosen. */
export const usualTime = "03:00";
const timerName = "edox-ops-backup";
export const timerUnit = `${timerName}.timer`;
/** With Persistent, systemd keeps when the timer started the service last. */
const stampPath = `/var/lib/systemd/timers/stamp-${timerName}.timer`;

function recipe(command: string, done: string, steps: Step[]): Recipe {
  return { command, logPath: backupLogPath, requires: [], steps, done, failed: `${command} failed at step` };
}

/** Returns the recipe that installs restic, and what reaches the repository. */
export function packagesRecipe(command: string, repository: Repository): Recipe {
  return recipe(command, "", [packagesStep("backup.packages", packagesFor({ repository }))]);
}

/** What is recorded about a repository. */
export interface Recorded {
  settings: Settings;
  password: Text;
  /** The credentials of the storage; null without any. */
  environment: Text | null;
}

/** Returns the recipe that records a repository. */
export function settingsRecipe(command: string, { settings, password, environment }: Recorded): Recipe {
  const secretFile = (path: string, title: string, text: Text | null) =>
    file({ name: `backup:${path}`, title, path, mode: 0o600, text: () => text });
  return recipe(command, "Backups of this host are set up.", [
    {
      id: "backup.settings",
      title: "the repository of the backups is recorded",
      resources: [
        directory(stateDir, 0o750, `state:${stateDir}`),
        secretFile(passwordPath, "the password of the repository is recorded", password),
        secretFile(environmentPath, "the credentials of the storage are recorded", environment),
        secretFile(settingsPath, "the settings of the backups are recorded", settingsText(settings)),
      ],
    },
  ]);
}

/** Returns the recipe of the daily backup. `at`: HH:MM in the time zone of the host. */
export function enableRecipe(settings: Settings, repository: Repository, at: string, program: string): Recipe {
  return recipe("backup enable", `This host is backed up every day at ${at}.`, [
    {
      id: "backup.timer",
      title: `this host is backed up every day at ${at}`,
      resources: [
        file({
          ...{ name: `backup:${settingsPath}`, title: "the settings of the backups are recorded" },
          ...{ path: settingsPath, mode: 0o600, text: () => settingsText(settings) },
        }),
        directory(cacheDir, 0o700),
        directory(backupDir, 0o700),
        ...timers.timerResources(timerOf(repository, at, program)),
      ],
    },
  ]);
}

function timerOf({ path }: Repository, at: string, program: string): timers.Timer {
  return {
    ...{ name: timerName, description: "Back up this host with edox-ops", schedule: `every day at ${at}` },
    // A host that was off at that time is backed up after its start. The delay keeps hosts from starting together.
    timer: [`OnCalendar=*-*-* ${at}:00`, "RandomizedDelaySec=15min", "Persistent=yes"],
    ...{ program, args: ["backup", "run"] },
    conditions: ["Wants=network-online.target", "After=network-online.target", `ConditionPathExists=${settingsPath}`],
    service: [
      "TimeoutStartSec=20h",
      "UMask=0077",
      "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER",
      `ReadWritePaths=/var/www/docs ${backupDir} ${cacheDir} -/var/log/edox-ops`,
      ...(path === null ? [] : [`ReadWritePaths=${quoted(`-${path}`)}`]),
      // The keys of ssh and the configuration of rclone are in the home of root.
      "ProtectHome=read-only",
      "PrivateDevices=yes",
      "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    ],
  };
}

/** Returns a path as one word of a unit file, without its specifiers. */
function quoted(path: string): string {
  return `"${path.replaceAll("%", "%%").replace(/["\\]/g, "\\$&")}"`;
}

function timerRemoval(): Step {
  const title = "there is no timer for backups";
  return { id: "backup.timer", title, resources: [...timers.timerRemoval(timerName), absent(stampPath)] };
}

/** Returns the recipe that removes the timer. The repository stays set up. */
export function disableRecipe(): Recipe {
  return recipe("backup disable", "This host is no longer backed up every day; the repository stays.", [
    timerRemoval(),
  ]);
}

/**
 * Returns the steps that remove the timer, and what edox-ops can make again; none on a host that has none of it. The
 * settings are kept with the other records.
 */
export function removalOf(reader: HostReader): Step[] {
  const dirs = [backupDir, cacheDir];
  const title = "the state and the cache of the backups are removed";
  const state = { id: "backup.state", title, resources: dirs.map((dir) => absent(dir)) };
  const hasState = dirs.some((dir) => reader.stat(dir) !== null);
  return [...(hasTimer(reader) ? [timerRemoval()] : []), ...(hasState ? [state] : [])];
}

/** Returns the time of the daily backup as HH:MM, or null without a timer. */
export function dailyTime(reader: HostReader): string | null {
  const text = textOf(reader, `/etc/systemd/system/${timerUnit}`) ?? "";
  return /^OnCalendar=\*-\*-\* (\d\d:\d\d):00$/m.exec(text)?.[1] ?? null;
}

/** Returns why the timer of these settings makes no backup, or null. */
export function timerFault(reader: HostReader, { repository }: Settings): Promise<string | null> {
  const at = dailyTime(reader) ?? usualTime;
  const resourcesFor = (program: string) => timers.timerResources(timerOf(readRepository(repository), at, program));
  return timers.timerFault(reader, timerName, resourcesFor);
}

/** Returns whether a file of the timer exists. */
export function hasTimer(reader: HostReader): boolean {
  return timers.hasTimer(reader, timerName);
}
