// The systemd timer that removes expired previews. It exists while there are previews.

import { type Change, Text } from "../../engine/change.ts";
import { docsRoot, lockDir, logDir } from "../../engine/paths.ts";
import type { Recipe, Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { file } from "../../resources/file.ts";
import { unit } from "../../resources/unit.ts";
import { previewsDir, projectLogPath } from "../paths.ts";

const unitDir = "/etc/systemd/system";
export const timerUnit = "edox-ops-previews.timer";
const timerPath = `${unitDir}/${timerUnit}`;
const servicePath = `${unitDir}/edox-ops-previews.service`;

const header = "# Written by edox-ops, which removes it with the last preview.\n";

/**
 * The delay keeps the hosts of a provider from doing this at the same moment. With Persistent, systemd would keep a file
 * about the timer that outlives it.
 */
const timerText = `${header}[Unit]
Description=Remove expired previews of edox-ops every hour

[Timer]
OnCalendar=hourly
RandomizedDelaySec=10min

[Install]
WantedBy=timers.target
`;

/**
 * What a prune writes to delete the certificates of previews. `nginx -t` opens its logs, its file in /run and its
 * addresses, of which a network of its own would have none.
 */
const certificatePaths =
  "-/etc/letsencrypt -/var/lib/letsencrypt -/var/log/letsencrypt -/etc/nginx -/etc/edox-ops -/var/lib/edox-ops -/var/lib/nginx -/var/log/nginx /run";

/** Returns the text of the service. It writes only where previews, their certificates, logs and its own units are. */
function serviceText(program: string): string {
  return `${header}[Unit]
Description=Remove expired previews of edox-ops
Documentation=man:edox-ops(1)
ConditionPathExists=${previewsDir}
ConditionFileIsExecutable=${escaped(program)}

[Service]
Type=oneshot
ExecStart=${escaped(program)} project previews prune
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=50min
UMask=0022
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${docsRoot} ${unitDir} -${logDir} -${lockDir}
ReadWritePaths=${certificatePaths}
RuntimeDirectory=edox-ops
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`;
}

/** Returns a path without the specifiers of systemd.unit(5). */
function escaped(path: string): string {
  return path.replaceAll("%", "%%");
}

/** Returns the program that the service runs, or null without a service. */
export function timedProgram(reader: HostReader): string | null {
  const program = /^ExecStart=(\S+) /m.exec(textOf(reader, servicePath) ?? "")?.[1];
  return program?.replaceAll("%%", "%") ?? null;
}

function unitFile(path: string, title: string, text: string | null): Resource {
  return file({ name: `file:${path}`, title, path, mode: 0o644, text: () => (text === null ? null : Text.of(text)) });
}

/** Returns the resources of the timer. `program`: the path of this program. */
function timerResources(program: string): Resource[] {
  return [
    unitFile(servicePath, "a service removes expired previews", serviceText(program)),
    unitFile(timerPath, "the service runs every hour", timerText),
    unit({ unit: timerUnit, name: `unit:${timerUnit}`, state: "enabled", active: true }),
  ];
}

/** Returns the changes that the timer needs; none where it is installed and active. */
export async function timerChanges(reader: HostReader, program: string): Promise<Change[]> {
  const changes: Change[] = [];
  for (const resource of timerResources(program)) changes.push(...(await resource.check(reader, changes, () => {})));
  return changes;
}

/** Returns the recipe that installs the timer. */
export function timerRecipe(command: string, program: string): Recipe {
  const step = { id: "previews.timer", title: "expired previews are removed every hour" };
  const done = "Expired previews are removed every hour.";
  return recipe(command, done, { ...step, resources: timerResources(program) });
}

/** Returns the step that removes the timer. */
export function timerRemoval(): Step {
  return {
    id: "previews.timer",
    title: "there is no timer for previews",
    resources: [
      unit({ unit: timerUnit, name: `unit:${timerUnit}`, state: "disabled", active: false }),
      unitFile(timerPath, `${timerPath} is removed`, null),
      unitFile(servicePath, `${servicePath} is removed`, null),
      forgotten,
    ],
  };
}

/** Returns the recipe that removes the timer. */
export function timerRemovalRecipe(command: string): Recipe {
  return recipe(command, "Removed the timer of previews, because no preview is left.", timerRemoval());
}

/** systemd keeps a removed unit in memory until it reads its files again. */
const forgotten: Resource = {
  name: "previews:forgotten",
  title: "systemd has forgotten the timer",
  check(_, ahead): Change[] {
    if (!ahead.some((change) => change.kind === "removal" && change.path.startsWith(unitDir))) return [];
    return [{ kind: "command", argv: ["systemctl", "daemon-reload"], reason: "systemd has loaded the removed timer" }];
  },
};

function recipe(command: string, done: string, step: Step): Recipe {
  return { command, logPath: projectLogPath, requires: [], steps: [step], done, failed: `${command} failed at step` };
}

/** Returns whether a file of the timer exists. */
export function hasTimer(reader: HostReader): boolean {
  return [timerPath, servicePath].some((path) => reader.stat(path) !== null);
}
