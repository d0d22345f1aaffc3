// The recipes that enable and disable the cleanup.

import { isSocketLink } from "../../docker/engine.ts";
import { dockerSocket } from "../../docker/paths.ts";
import { Text } from "../../engine/change.ts";
import { stateDir } from "../../engine/paths.ts";
import type { Recipe, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { absent } from "../../resources/absent.ts";
import { directory } from "../../resources/directory.ts";
import { file } from "../../resources/file.ts";
import { sizeText } from "../../text/size.ts";
import { dockerThere } from "../docker-in-docker.ts";
import { cleanupDir, cleanupPath, runnerLogPath } from "../paths.ts";
import { isRunnerInstalled } from "../service.ts";
import { withoutRunner } from "./checks.ts";
import { type Settings, wantedBytes } from "./decide.ts";
import { dataRooms } from "./inventory.ts";
import { keepText, settingsText } from "./settings.ts";
import { dockerProgram, hasUnits, unitRemoval, unitResources } from "./units.ts";

/** Podman records its events in another way, and has no containers of GitLab Runner's executor for Docker. */
const engineIsDocker: Requirement = {
  name: "cleanup:docker",
  title: "the engine is Docker, and its command is installed",
  check(reader, warn) {
    // A runner that is installed later finds the cleanup at work.
    if (!isRunnerInstalled(reader)) warn(withoutRunner);
    if (isSocketLink(reader)) {
      return { reason: `${dockerSocket} belongs to another engine than Docker`, hint: ["ls", "-l", dockerSocket] };
    }
    if (dockerProgram(reader) !== null) return null;
    const hint = ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"];
    return { reason: "the command docker is not installed, which records what jobs use", hint };
  },
};

/** What is never free is removed for in vain: each cleanup would then remove all that it may. */
const mostShare = 0.9;

/** Requires a disk that is large enough for what the settings keep free. */
function keepFits(settings: Settings): Requirement {
  return {
    name: "cleanup:keep",
    title: "the disks of Docker are larger than the space to keep free",
    async check(reader) {
      const { rooms } = await dataRooms(reader);
      const small = rooms.find((room) => wantedBytes(settings, room) > mostShare * room.size);
      if (small === undefined) return null;
      const reason = `--keep ${keepText(settings)} is too much for ${small.path}, whose disk has ${sizeText(small.size)}`;
      return { reason, hint: ["df", "-h", small.path] };
    },
  };
}

/** Returns the recipe that enables the cleanup with these settings. `program`: the path of this program. */
export function enablement(reader: HostReader, settings: Settings, program: string): Recipe {
  return {
    command: "gitlab-runner cleanup enable",
    logPath: runnerLogPath,
    requires: [dockerThere, engineIsDocker, keepFits(settings)],
    steps: [
      {
        id: "runner.cleanup.enable",
        title: `what CI jobs no longer use is removed when less than ${keepText(settings)} of the disk is free`,
        action: "Enabling the cleanup",
        resources: [
          directory(stateDir, 0o750),
          directory(cleanupDir, 0o700),
          file({
            ...{ name: `file:${cleanupPath}`, title: `${cleanupPath} has the settings`, path: cleanupPath },
            mode: 0o600,
            text: () => Text.of(settingsText(settings)),
          }),
          ...unitResources(program, dockerProgram(reader) ?? "/usr/bin/docker"),
        ],
      },
    ],
    done: "The cleanup is enabled. Images that are here now stay: only what jobs use from now on is removed.",
    failed: "Enabling the cleanup failed at step",
    closing: { ready: "Cleanup enabled", next: () => ["sudo", "edox-ops", "gitlab-runner", "cleanup", "status"] },
  };
}

/** Returns the steps after which no part of the cleanup exists; none on a host without one. Images and volumes stay. */
export function removalOf(reader: HostReader): Step[] {
  const isThere = hasUnits(reader) || [cleanupPath, cleanupDir].some((path) => reader.stat(path) !== null);
  return isThere ? [cleanupRemoval()] : [];
}

function cleanupRemoval(): Step {
  return {
    id: "runner.cleanup.disable",
    title: "nothing is removed from the disk of the runner",
    action: "Disabling the cleanup",
    resources: [...unitRemoval(), absent(cleanupPath), absent(cleanupDir)],
  };
}

/** Returns the recipe that disables the cleanup. */
export function disablement(): Recipe {
  return {
    command: "gitlab-runner cleanup disable",
    logPath: runnerLogPath,
    requires: [],
    steps: [cleanupRemoval()],
    done: "The cleanup is disabled; images and volumes stay.",
    failed: "Disabling the cleanup failed at step",
  };
}
