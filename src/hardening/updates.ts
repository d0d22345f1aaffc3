// Has unattended-upgrades install security updates every day. What apt sets up by itself is left as it is.

import { installs, Text } from "../engine/change.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Recipe, Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { file } from "../resources/file.ts";
import { packagesStep } from "../resources/packages-step.ts";
import { units } from "../resources/unit.ts";
import { nameOf } from "../text/path.ts";
import { periodicHeader as header, unattendedUpdates, updateSettings } from "./apt-periodic.ts";
import { disabledAgain, enabledRecorded } from "./enabled.ts";
import { periodicPath, rebootPath } from "./paths.ts";
import { hostRecipe } from "./recipe.ts";

export const updatesPackages = ["unattended-upgrades"];

const periodicText = `${header}APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
`;

/** The timers of apt: the lists are updated twice a day, and updates are installed at 06:00. */
const timers = ["apt-daily.timer", "apt-daily-upgrade.timer"] as const;

/** The package writes this file too. Another program's file that sets the same is left as it is. */
const periodic: Resource = file({
  name: "apt:periodic",
  title: "apt updates its lists and installs security updates every day",
  path: periodicPath,
  mode: 0o644,
  keepDir: replacedDir,
  text(reader, ahead) {
    const present = reader.read(periodicPath);
    if (present === null && installs(ahead, "unattended-upgrades")) return null;
    const settings = updateSettings(new TextDecoder().decode(present ?? undefined));
    return present !== null && settings.every(({ value }) => value === "1") ? new Text(present) : Text.of(periodicText);
  },
});

/** A time of day, "never", or undefined for the present setting. */
export type Reboot = string | undefined;

function reboot(wanted: Reboot): Resource {
  return file({
    name: "apt:reboot",
    title: wanted === undefined ? "the reboot after updates is as it was set" : `a reboot after updates: ${wanted}`,
    path: rebootPath,
    mode: 0o644,
    text(reader) {
      if (wanted === "never") return null;
      if (wanted !== undefined) return Text.of(rebootText(wanted));
      const present = reader.read(rebootPath);
      return present === null ? null : new Text(present);
    },
  });
}

/** Its name sorts after that of the package's own settings, because the last value counts. */
function rebootText(time: string): string {
  return `${header}Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "${time}";
`;
}

/** Returns the recipe that turns automatic security updates on. Without a value the reboot stays as it is set. */
export function securityUpdates(wanted?: Reboot): Recipe {
  return hostRecipe("host security-updates", `Enabled automatic security updates via ${periodicPath}`, [
    packagesStep("host.security-updates.install", updatesPackages, enabledRecorded(timers)),
    {
      id: "host.security-updates.configure",
      title: "security updates are installed every day",
      action: "Configuring automatic updates",
      resources: [
        periodic,
        reboot(wanted),
        ...units(timers.map((unit) => ({ unit, state: "enabled", active: true }))),
        unattendedUpdates,
      ],
    },
  ]);
}

/** Returns the step that removes what edox-ops added. The file of the package itself stays. */
export function updatesRemoval(reader: HostReader): Step {
  return {
    id: "host.security-updates.remove",
    title: "the settings of automatic updates are those of the package",
    resources: [
      file({
        name: periodicPath,
        title: `${periodicPath} is as before`,
        path: periodicPath,
        mode: 0o644,
        text(reader) {
          const present = reader.read(periodicPath);
          if (present === null || new TextDecoder().decode(present) !== periodicText)
            return present && new Text(present);
          const former = lastKept(reader, periodicPath);
          return former === null ? null : new Text(former);
        },
      }),
      reboot("never"),
      ...disabledAgain(reader, timers),
    ],
  };
}

/** Returns the content of a foreign file when edox-ops replaced it last, or null. */
function lastKept(reader: HostReader, path: string): Uint8Array | null {
  const names = (reader.list(replacedDir) ?? []).filter((name) => name.startsWith(`${nameOf(path)}.`));
  const copies = names.map((name) => `${replacedDir}/${name}`);
  const age = (copy: string): number => reader.stat(copy)?.changedMs ?? 0;
  const [last] = copies.sort((one, other) => age(other) - age(one));
  return last === undefined ? null : reader.read(last);
}
