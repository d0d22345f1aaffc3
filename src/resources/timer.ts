// A systemd timer that runs a command of this program, and its hardened service.

import { type Change, describeMissing, root, Text } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { file } from "./file.ts";
import { unit } from "./unit.ts";

const unitDir = "/etc/systemd/system";
const header = "# Written by edox-ops.\n";

export interface Timer {
  /** The name of both units, without a suffix. */
  name: string;
  /** What the service does, as a sentence without a full stop: "Remove expired previews of edox-ops". */
  description: string;
  /** When it does that: "every hour". */
  schedule: string;
  /** The lines of the section [Timer]. */
  timer: readonly string[];
  /** The path of this program. */
  program: string;
  /** The words after it, without white space, quotes and specifiers. */
  args: readonly string[];
  /** Further lines of the section [Unit] of the service. */
  conditions?: readonly string[];
  /**
   * Further lines of the section [Service]: what the command may do beyond {@link sandbox}. A setting of the sandbox that
   * they have, too, is left out there.
   */
  service: readonly string[];
}

/**
 * What no command of a timer needs. The file system is read-only except for the ReadWritePaths of the service. /run/edox-ops
 * has the locks.
 */
export const sandbox: readonly string[] = [
  "RuntimeDirectory=edox-ops",
  "RuntimeDirectoryMode=0700",
  "RuntimeDirectoryPreserve=yes",
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "PrivateTmp=yes",
  "ProtectKernelTunables=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelLogs=yes",
  "ProtectControlGroups=yes",
  "ProtectClock=yes",
  "ProtectHostname=yes",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "LockPersonality=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
];

/** Returns the resources of an active timer. It never runs twice at once, and after a boot only by its schedule. */
export function timerResources(timer: Timer): Resource[] {
  const { name, schedule } = timer;
  return [
    unitFile(servicePath(name), `${name}.service runs edox-ops ${timer.args.join(" ")}`, serviceText(timer)),
    unitFile(timerPath(name), `${name}.timer starts it ${schedule}`, timerText(timer)),
    unit({ unit: `${name}.timer`, name: `unit:${name}.timer`, state: "enabled", active: true }),
  ];
}

/** Returns the resources without which there is no timer of this name. */
export function timerRemoval(name: string): Resource[] {
  return [
    notEmpty(timerPath(name)),
    unit({ unit: `${name}.timer`, name: `unit:${name}.timer`, state: "disabled", active: false }),
    unitFile(timerPath(name), `${timerPath(name)} is removed`, null),
    unitFile(servicePath(name), `${servicePath(name)} is removed`, null),
    forgotten(name),
  ];
}

/** Returns the resource that writes a line to an empty file: systemd takes that for a mask, and disables no such unit. */
export function notEmpty(path: string): Resource {
  return {
    name: `unit:${path}`,
    title: `${path} is not empty`,
    check(reader): Change[] {
      const { type, size } = reader.stat(path) ?? {};
      if (type !== "file" || size !== 0) return [];
      return [{ kind: "file", path, before: Text.of(""), after: Text.of(header), mode: 0o644, ...root }];
    },
  };
}

/** Returns the changes that the resources need, in their order; none where everything is as they describe it. */
export async function changesOf(reader: HostReader, resources: readonly Resource[]): Promise<Change[]> {
  const changes: Change[] = [];
  for (const resource of resources) changes.push(...(await resource.check(reader, changes, () => {})));
  return changes;
}

/**
 * Returns why a timer that is set up does not do its work, or null: its program is missing, or a resource differs.
 * `resourcesFor`: returns the resources for the path of the program.
 */
export async function timerFault(
  reader: HostReader,
  name: string,
  resourcesFor: (program: string) => readonly Resource[],
): Promise<string | null> {
  const program = timedProgram(reader, name);
  if (program !== null && reader.statTarget(program) === null) {
    return `${name}.timer runs ${program}, which is missing`;
  }
  const [change] = await changesOf(reader, resourcesFor(program ?? "edox-ops"));
  return change === undefined ? null : describeMissing(change);
}

/** Returns whether a file of the timer exists. */
export function hasTimer(reader: HostReader, name: string): boolean {
  return [timerPath(name), servicePath(name)].some((path) => reader.stat(path) !== null);
}

/** Returns the program that the service of a timer runs, or null without a service. */
function timedProgram(reader: HostReader, name: string): string | null {
  const program = /^ExecStart=(\S+) /m.exec(textOf(reader, servicePath(name)) ?? "")?.[1];
  return program?.replaceAll("%%", "%") ?? null;
}

function serviceText({ description, program, args, conditions = [], service }: Timer): string {
  return lines([
    "[Unit]",
    `Description=${description}`,
    "Documentation=man:edox-ops(1)",
    ...conditions,
    `ConditionFileIsExecutable=${escaped(program)}`,
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${[escaped(program), ...args].join(" ")}`,
    "Nice=10",
    "IOSchedulingClass=idle",
    ...service,
    ...sandbox.filter((line) => !service.some((own) => keyOf(own) === keyOf(line))),
  ]);
}

function keyOf(line: string): string {
  return line.slice(0, line.indexOf("="));
}

function timerText({ description, schedule, timer }: Timer): string {
  return lines([
    "[Unit]",
    `Description=${description} ${schedule}`,
    "",
    "[Timer]",
    ...timer,
    "",
    "[Install]",
    "WantedBy=timers.target",
  ]);
}

function lines(all: readonly string[]): string {
  return `${header}${all.join("\n")}\n`;
}

/** Returns a path without the specifiers of systemd.unit(5). */
function escaped(path: string): string {
  return path.replaceAll("%", "%%");
}

function servicePath(name: string): string {
  return `${unitDir}/${name}.service`;
}

function timerPath(name: string): string {
  return `${unitDir}/${name}.timer`;
}

function unitFile(path: string, title: string, text: string | null): Resource {
  return file({ name: `file:${path}`, title, path, mode: 0o644, text: () => (text === null ? null : Text.of(text)) });
}

/** systemd keeps a removed unit in memory until it reads its files again, and one that has failed until it is reset. */
function forgotten(name: string): Resource {
  return {
    name: "units:forgotten",
    title: "systemd has forgotten the timer",
    check(_, ahead): Change[] {
      if (!ahead.some((change) => change.kind === "removal" && change.path.startsWith(unitDir))) return [];
      const reason = "systemd has loaded the removed timer";
      return [["daemon-reload"], ["reset-failed", `${name}*`]].map((words) => ({
        kind: "command",
        argv: ["systemctl", ...words],
        reason,
      }));
    },
  };
}
