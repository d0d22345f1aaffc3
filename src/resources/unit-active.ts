// Reads whether units are active. systemd publishes that in the file system only for units with processes.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { isActive } from "./service.ts";
import type { UnitName } from "./unit-name.ts";

/** The ActiveState of a unit, org.freedesktop.systemd1(5). */
export type ActiveState = (unit: UnitName, reader: HostReader) => Promise<string>;

/**
 * Returns a function that reads the state of one of these units. A service with an invocation link is active. The
 * states of all other units come from one child process for each reader.
 */
export function activeStates(units: readonly UnitName[]): ActiveState {
  const known = new WeakMap<HostReader, Promise<Map<string, string>>>();
  return async (unit, reader) => {
    if (unit.endsWith(".service") && isActive(reader, unit)) return "active";
    const states = known.get(reader) ?? probe(reader, units);
    known.set(reader, states);
    const state = (await states).get(unit);
    if (state === undefined) throw new UnknownStateError(`systemctl does not print the state of ${unit}`);
    return state;
  };
}

async function probe(reader: HostReader, units: readonly UnitName[]): Promise<Map<string, string>> {
  const asked = [...new Set(units)];
  const { code, stdout, stderr } = await reader.probe(["systemctl", "show", "--property=ActiveState", "--", ...asked]);
  if (code !== 0) throw new UnknownStateError(`systemctl show failed: ${stderr.trim()}`);
  // The answers are in the order of the names.
  const states = [...stdout.matchAll(/^ActiveState=(\S+)$/gm)].map(([, state = ""]) => state);
  return new Map(states.length === asked.length ? asked.map((unit, i) => [unit, states[i] as string]) : []);
}
