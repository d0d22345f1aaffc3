// The units of the cleanup: a timer that runs it, and a service that records the events of Docker in between. Docker
// itself remembers only the last 256 events, which a few jobs produce. The service is Docker's own command and writes to
// a file, so that nothing of edox-ops runs between two commands.

import { dockerSocket } from "../../docker/paths.ts";
import { Text } from "../../engine/change.ts";
import { logDir } from "../../engine/paths.ts";
import type { Resource } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { file } from "../../resources/file.ts";
import * as timers from "../../resources/timer.ts";
import { unit } from "../../resources/unit.ts";
import { cleanupDir, dockerEventsPath } from "../paths.ts";
import { eventFilters } from "./docker-events.ts";

const name = "edox-ops-cleanup";
export const timerUnit = `${name}.timer`;
export const eventsUnit = `${name}-events.service`;
const eventsPath = `/etc/systemd/system/${eventsUnit}`;

/** The commands of Docker, by the packages of Docker and Debian, and by its static archive. */
const dockerPrograms = ["/usr/bin/docker", "/usr/local/bin/docker"];

/** Returns the path of Docker's command, or null. */
export function dockerProgram(reader: HostReader): string | null {
  return dockerPrograms.find((path) => reader.statTarget(path)?.type === "file") ?? null;
}

/** Returns the resources of both units. `program`: the path of this program. `docker`: that of Docker's command. */
export function unitResources(program: string, docker: string): Resource[] {
  const title = `${eventsUnit} records what jobs use`;
  return [
    file({ name: `file:${eventsPath}`, title, path: eventsPath, mode: 0o644, text: () => Text.of(eventsText(docker)) }),
    unit({ unit: eventsUnit, name: `unit:${eventsUnit}`, state: "enabled", active: true }),
    ...timers.timerResources({
      ...{ name, description: "Keep disk space free for CI jobs", schedule: "every 5 minutes" },
      timer: ["OnCalendar=*:0/5", "RandomizedDelaySec=30s", "AccuracySec=10s"],
      ...{ program, args: ["gitlab-runner", "cleanup", "run", "--quiet"] },
      // A request to the socket of a stopped Docker would start it.
      conditions: ["Requisite=docker.service", "After=docker.service"],
      service: [
        // Another cleanup runs.
        "SuccessExitStatus=75",
        "TimeoutStartSec=1h",
        "UMask=0077",
        "CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_FOWNER CAP_CHOWN",
        `ReadWritePaths=${cleanupDir} -${logDir}`,
        "ProtectHome=yes",
        "RestrictAddressFamilies=AF_UNIX",
      ],
    }),
  ];
}

/** Returns the resources without which neither unit exists. */
export function unitRemoval(): Resource[] {
  return [
    timers.notEmpty(eventsPath),
    unit({ unit: eventsUnit, name: `unit:${eventsUnit}`, state: "disabled", active: false }),
    file({
      ...{ name: `file:${eventsPath}`, title: `${eventsPath} is removed`, path: eventsPath, mode: 0o644 },
      text: () => null,
    }),
    ...timers.timerRemoval(name),
  ];
}

/** Returns whether a file of the units exists. */
export function hasUnits(reader: HostReader): boolean {
  return timers.hasTimer(reader, name) || reader.stat(eventsPath) !== null;
}

/** Returns why the units of an enabled cleanup do not do their work, or null. `docker`: the path of Docker's command. */
export function unitsFault(reader: HostReader, docker: string): Promise<string | null> {
  return timers.timerFault(reader, name, (program) => unitResources(program, docker));
}

/** `--since` repeats events of before a restart of the service, and reading one twice changes nothing. */
function eventsText(docker: string): string {
  const filters = Object.entries(eventFilters).flatMap(([key, values]) =>
    values.map((value) => `--filter ${key}=${value}`),
  );
  const lines = [
    "# Written by edox-ops.",
    "[Unit]",
    "Description=Record the events of Docker for edox-ops gitlab-runner cleanup",
    "Documentation=man:edox-ops(1)",
    // Without it, the command would start a Docker that a person stopped.
    "BindsTo=docker.service",
    "After=docker.service",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    `Environment=DOCKER_HOST=unix://${dockerSocket}`,
    `ExecStart=${docker} events --since 10m --format '{{json .}}' ${filters.join(" ")}`,
    `StandardOutput=append:${dockerEventsPath}`,
    "Restart=always",
    "RestartSec=5s",
    // A cleanup empties the file every few minutes. Without one it must not fill the disk.
    "LimitFSIZE=64M",
    "UMask=0077",
    "CapabilityBoundingSet=",
    "PrivateNetwork=yes",
    "PrivateDevices=yes",
    "ProtectHome=yes",
    "RestrictAddressFamilies=AF_UNIX",
    ...timers.sandbox,
    "",
    "[Install]",
    "WantedBy=docker.service",
  ];
  return `${lines.join("\n")}\n`;
}
