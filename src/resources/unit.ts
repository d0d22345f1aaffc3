// Manages a systemd unit of any type: whether it is enabled, disabled or masked, and whether it is active.

import { type Change, installs } from "../engine/change.ts";
import { firstOutput } from "../engine/first-output.ts";
import { overlay } from "../engine/overlay.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { linesOf } from "../text/lines.ts";
import { isActive, keepsRunning, logsOf } from "./service.ts";
import { type ActiveState, activeStates } from "./unit-active.ts";
import {
  findUnitFile,
  flagsToDisable,
  isPartOf,
  linksToEnable,
  maskPath,
  masksOf,
  needsReload,
  unmaskFlags,
} from "./unit-file.ts";
import { isTemplate, isUnitName, type UnitName } from "./unit-name.ts";

export type UnitSpec = {
  /** The full name. An instance is named as such: `worker@1.service`. */
  unit: UnitName;
  /** The name of its check; `unit:` and the unit by default. */
  name?: string;
  /** The package that contains the unit, and enables and starts it, as Debian's packages do with their units. */
  brought?: string;
} & (
  | {
      /** "enabled": all links of its [Install] section exist. "disabled": no link enables it. */
      state: "enabled" | "disabled";
      /** Without it, the unit is neither started nor stopped. */
      active?: boolean;
    }
  | { state: "masked"; active?: false }
);

type Want = UnitSpec & { stateOf: ActiveState };

/** Returns a resource for each unit. One child process reads the states of all of them that need one. */
export function units(specs: readonly UnitSpec[]): Resource[] {
  const stateOf = activeStates(specs.flatMap(({ unit, active }) => (active === undefined ? [] : [unit])));
  return specs.map((spec) => resourceOf({ ...spec, stateOf }));
}

/**
 * Returns a resource for one unit. A mask is removed unless it is wanted: the declared state takes precedence. Throws a
 * Problem for a unit that cannot have the state.
 */
export function unit(spec: UnitSpec): Resource {
  return units([spec])[0] as Resource;
}

function resourceOf(want: Want): Resource {
  const { unit, state, active, stateOf, name = `unit:${unit}`, brought } = want;
  if (!isUnitName(unit)) throw new TypeError(`'${unit}' is not the name of a unit`);
  if (isTemplate(unit) && active !== undefined) throw new TypeError(`${unit} is a template, which cannot be active`);
  const activity = active === undefined ? "" : active ? " and active" : " and not active";
  return {
    name,
    title: `${unit} is ${state}${activity}`,
    settleMs: 5000,
    hasFailed: async (reader) => active === true && (await stateOf(unit, { ...reader })) === "failed",
    async explain(reader) {
      return linesOf(await firstOutput(reader, logsOf(unit))).join("; ");
    },
    async check(before, ahead) {
      const reader = overlay(before, ahead);
      // Once the package is installed, the unit is checked before this step changes anything.
      const comes = brought !== undefined && installs(ahead, brought) && findUnitFile(reader, unit) === null;
      if (comes && state === "enabled" && active !== false && masksOf(reader, unit).length === 0) return [];
      const prepare = reloads(ahead, unit);
      const enable = state === "masked" ? maskChanges(reader, unit) : enablement(reader, ahead, want);
      const [unmask, links] = [enable.filter(isUnmask), enable.filter((change) => !isUnmask(change))];
      // The unit is started before it is enabled: a unit that fails to start is not left enabled.
      return [...unmask, ...prepare, ...(await activation(before, ahead, want)), ...links];
    },
  };
}

type Command = Extract<Change, { kind: "command" }>;

function systemctl(reason: string, verb: string, flags: readonly string[], unit: string): Command {
  return { kind: "command", argv: ["systemctl", verb, ...flags, unit], reason };
}

function isUnmask({ argv }: Command): boolean {
  return argv[1] === "unmask";
}

/** Returns the command that has systemd read unit files that earlier changes write. */
function reloads(ahead: readonly Change[], unit: string): Command[] {
  const last = ahead.findLastIndex((change) => "path" in change && needsReload(change.path));
  const isReload = (change: Change): boolean => change.kind === "command" && change.argv[1] === "daemon-reload";
  if (last < 0 || ahead.slice(last).some(isReload)) return [];
  const reason = `systemd has not loaded the files of ${unit}`;
  return [{ kind: "command", argv: ["systemctl", "daemon-reload"], reason, again: true }];
}

function maskChanges(reader: HostReader, unit: string): Command[] {
  const path = maskPath(unit);
  if (masksOf(reader, unit)[0] === path) return [];
  if (reader.stat(path) !== null) {
    const message = `${unit} cannot be masked, because the mask would replace its file: move ${path} away`;
    throw new Problem("precondition-failed", message, { hint: ["ls", "-l", path] });
  }
  return [systemctl(`${unit} is not masked`, "mask", [], unit)];
}

function enablement(reader: HostReader, ahead: readonly Change[], { unit, state }: Want): Command[] {
  const unmask = masksOf(reader, unit).map((path) => {
    const flags = unmaskFlags(path);
    if (flags !== null) return systemctl(`${unit} is masked by ${path}`, "unmask", flags, unit);
    throw refusal(unit, `is masked by ${path}, which belongs to a package`);
  });
  if (state === "disabled") {
    const disable = flagsToDisable(reader, unit);
    return [...unmask, ...disable.map((flags) => systemctl(`${unit} is enabled`, "disable", flags, unit))];
  }
  const enable = systemctl(`${unit} is not enabled`, "enable", [], unit);
  const file = findUnitFile(reader, unit);
  if (file === null) {
    // A package or a program of this run may bring the unit. systemctl reports one that is still missing.
    if (ahead.some(({ kind }) => kind === "packages" || kind === "command")) return [...unmask, enable];
    throw refusal(unit, "is not found");
  }
  if (file.aliasOf !== undefined) throw refusal(unit, `is an alias of ${file.aliasOf}: name that unit`);
  if (file.isGenerated) throw refusal(unit, `is generated, from ${file.path}, and cannot be enabled`);
  const links = linksToEnable(reader, unit, file);
  if (links.length === 0) {
    const why = isTemplate(unit) ? "has no DefaultInstance=: name an instance" : "has no [Install] section";
    throw refusal(unit, `is static, and cannot be enabled: ${file.path} ${why}`);
  }
  return [...unmask, ...(links.every((path) => reader.stat(path) !== null) ? [] : [enable])];
}

function refusal(unit: string, message: string): Problem {
  return new Problem("invalid-config", `${unit} ${message}`, { hint: ["systemctl", "cat", unit] });
}

async function activation(reader: HostReader, ahead: readonly Change[], want: Want): Promise<Command[]> {
  const { unit, active, stateOf } = want;
  if (active === undefined) return [];
  const state = await stateOf(unit, reader);
  if (!active) {
    const isStopped = state === "inactive" || state === "failed";
    return isStopped ? [] : [systemctl(`${unit} is ${state}`, "stop", [], unit)];
  }
  const isOld = ahead.some((change) => "path" in change && isPartOf(change.path, unit));
  if (isOld) return [systemctl(`${unit} runs with its previous configuration`, "restart", [], unit)];
  const isUp = ["active", "reloading", "refreshing"].includes(state);
  if (!isUp) return [systemctl(`${unit} is ${state}`, "start", [], unit)];
  // A unit without processes has no invocation, and cannot exit soon.
  const runs = !unit.endsWith(".service") || !isActive(reader, unit) || (await keepsRunning(reader, unit));
  return runs ? [] : [systemctl(`${unit} does not keep running`, "restart", [], unit)];
}
