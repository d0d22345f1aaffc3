// Whether dockerd accepts its configuration: one that it refuses keeps it from its next start, not from running on.

import { textOf } from "../engine/facts.ts";
import { parseJson } from "../engine/json.ts";
import { linesOf } from "../engine/lines.ts";
import type { Requirement, Unmet } from "../engine/step.ts";
import type { HostReader, Output } from "../host/host.ts";
import { startedMs } from "../resources/service.ts";

const configPath = "/etc/docker/daemon.json";
const hint = ["sudo", "editor", configPath];

export const dockerConfigAccepted: Requirement = {
  name: "docker:config",
  title: "dockerd accepts its configuration",
  check: dockerConfigFault,
};

/**
 * Returns why dockerd would refuse its configuration, or null. A dockerd that was started after the last change has read
 * it.
 */
async function dockerConfigFault(see: HostReader): Promise<Unmet | null> {
  const changed = see.statTarget(configPath)?.changedMs;
  const started = startedMs(see, "docker");
  if (changed === undefined || (started !== null && started > changed)) return null;
  // Also before Docker is installed, whose package would not start then.
  const fault = jsonFault(textOf(see, configPath) ?? "");
  if (fault !== null) return { reason: `${configPath} is not JSON: ${fault}`, hint };
  const { code, stderr } = await validated(see, configPath);
  if (code === 0) return null;
  // One that refuses an empty file as well is not installed, knows no --validate (before version 23), or lacks the flags
  // of its service: it tells nothing of this file.
  if ((await validated(see, "/dev/null")).code !== 0) return null;
  return { reason: `dockerd refuses its configuration: ${linesOf(stderr).join(" ")}`, hint };
}

/** Starts nothing, and works for every user who may read the file. */
function validated(see: HostReader, path: string): Promise<Output> {
  return see.probe(["dockerd", "--validate", "--config-file", path]);
}

/** dockerd takes an empty file for none. */
function jsonFault(text: string): string | null {
  if (text.trim() === "") return null;
  try {
    parseJson(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
