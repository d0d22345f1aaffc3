// The systemd timer that removes expired previews. It exists while there are previews.

import type { Change } from "../../engine/change.ts";
import { docsRoot, logDir } from "../../engine/paths.ts";
import type { Recipe, Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import * as timers from "../../resources/timer.ts";
import { previewsDir, projectLogPath } from "../paths.ts";

const name = "edox-ops-previews";
export const timerUnit = `${name}.timer`;

/**
 * What a prune writes to delete the certificates of previews. `nginx -t` opens its logs, its file in /run and its
 * addresses, of which a network of its own would have none.
 */
const certificatePaths =
  "-/etc/letsencrypt -/var/lib/letsencrypt -/var/log/letsencrypt -/etc/nginx -/etc/edox-ops -/var/lib/edox-ops -/var/lib/nginx -/var/log/nginx /run";

/** Returns the resources of the timer. It writes only where previews, their certificates, logs and its units are. */
function timerResources(program: string): Resource[] {
  return timers.timerResources({
    ...{ name, description: "Remove expired previews of edox-ops", schedule: "every hour" },
    // The delay keeps the hosts of a provider from doing this at the same moment. With Persistent, systemd would keep a
    // file about the timer that outlives it.
    timer: ["OnCalendar=hourly", "RandomizedDelaySec=10min"],
    ...{ program, args: ["project", "previews", "prune"] },
    conditions: [`ConditionPathExists=${previewsDir}`],
    service: [
      "TimeoutStartSec=50min",
      "UMask=0022",
      "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE",
      `ReadWritePaths=${docsRoot} /etc/systemd/system -${logDir}`,
      `ReadWritePaths=${certificatePaths}`,
      "ProtectHome=yes",
      "PrivateDevices=yes",
      "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    ],
  });
}

/** Returns why an installed timer does not remove previews, or null. */
export function timerFault(reader: HostReader): Promise<string | null> {
  return timers.timerFault(reader, name, timerResources);
}

/** Returns the changes that the timer needs; none where it is installed and active. */
export function timerChanges(reader: HostReader, program: string): Promise<Change[]> {
  return timers.changesOf(reader, timerResources(program));
}

/** Returns the recipe that installs the timer. */
export function timerRecipe(command: string, program: string): Recipe {
  const step = { id: "previews.timer", title: "expired previews are removed every hour" };
  const done = "Expired previews are removed every hour.";
  return recipe(command, done, { ...step, resources: timerResources(program) });
}

/** Returns the steps that remove the timer; none on a host that has no part of it. */
export function removalOf(reader: HostReader): Step[] {
  return hasTimer(reader) ? [timerRemoval()] : [];
}

function timerRemoval(): Step {
  return { id: "previews.timer", title: "there is no timer for previews", resources: timers.timerRemoval(name) };
}

/** Returns the recipe that removes the timer. */
export function timerRemovalRecipe(command: string): Recipe {
  return recipe(command, "Removed the timer of previews, because no preview is left.", timerRemoval());
}

function recipe(command: string, done: string, step: Step): Recipe {
  return { command, logPath: projectLogPath, requires: [], steps: [step], done, failed: `${command} failed at step` };
}

/** Returns whether a file of the timer exists. */
export function hasTimer(reader: HostReader): boolean {
  return timers.hasTimer(reader, name);
}
