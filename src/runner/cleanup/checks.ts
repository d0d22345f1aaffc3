// Checks the space for images of CI jobs, and that the cleanup runs where it is enabled.

import type { CheckResult } from "../../engine/finding.ts";
import type { HostReader } from "../../host/host.ts";
import { activeStates } from "../../resources/unit-active.ts";
import { isRunnerInstalled } from "../service.ts";
import { wantedBytes } from "./decide.ts";
import { dataRooms } from "./inventory.ts";
import { readSettings } from "./settings.ts";
import { dockerProgram, eventsUnit, hasUnits, timerUnit, unitsFault } from "./units.ts";

const gibibyte = 1024 ** 3;
/** Below the first, an image of a build may not fit. Below the second, hardly any does. */
const roomWarning = 5 * gibibyte;
const roomError = gibibyte;

/** What a cleanup on a host without a runner has to report. */
export const withoutRunner = "GitLab Runner is not installed: without its jobs, nothing is removed";
const enable = ["sudo", "edox-ops", "gitlab-runner", "cleanup", "enable", "--yes"];

/**
 * Checks each file system on which Docker stores something. With a cleanup, less than it keeps free is a fault, because
 * then nothing is left to remove.
 */
export async function disk(reader: HostReader): Promise<CheckResult> {
  const { rooms } = await dataRooms(reader);
  const settings = reader.uid === 0 ? readSettings(reader) : null;
  const results = rooms.map((room) => {
    const { path, free } = room;
    const least = settings === null ? roomWarning : Math.min(roomWarning, wantedBytes(settings, room));
    const status = free < roomError ? ("error" as const) : free < least ? ("warning" as const) : ("ok" as const);
    return { status, detail: `${(free / gibibyte).toFixed(1)} GiB free for Docker in ${path}` };
  });
  const worst = (["error", "warning", "ok"] as const).find((status) => results.some((each) => each.status === status));
  return {
    status: worst ?? "ok",
    detail: results.map(({ detail }) => detail).join("; "),
    // With a cleanup, only what is in use or foreign is left.
    hint: settings === null ? enable : ["sudo", "docker", "system", "df"],
  };
}

/** Returns the ActiveState of both units. Throws UnknownStateError if systemd does not answer. */
export async function unitStates(reader: HostReader): Promise<{ timer: string; events: string }> {
  const stateOf = activeStates([timerUnit, eventsUnit]);
  return { timer: await stateOf(timerUnit, reader), events: await stateOf(eventsUnit, reader) };
}

/** Checks that the units of an enabled cleanup are installed and active, and that its program exists. */
export async function units(reader: HostReader): Promise<CheckResult> {
  if (!hasUnits(reader)) {
    const detail = "not configured (optional; run edox-ops gitlab-runner cleanup enable)";
    return { status: "not-set-up", detail, hint: enable };
  }
  const docker = dockerProgram(reader);
  if (docker === null) {
    return { status: "warning", detail: `${eventsUnit} needs the command docker, which is missing`, hint: enable };
  }
  const fault = await unitsFault(reader, docker);
  if (fault !== null) return { status: "warning", detail: fault, hint: enable };
  const detail = `${timerUnit} and ${eventsUnit} are enabled and active`;
  return { status: "ok", detail: isRunnerInstalled(reader) ? detail : `${detail}, but ${withoutRunner}` };
}
