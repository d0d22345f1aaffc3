// Whether dockerd accepts its configuration: one that it refuses keeps it from its next start, not from running on.

import { textOf } from "../engine/facts.ts";
import { parseJson } from "../engine/json.ts";
import { linesOf } from "../engine/lines.ts";
import type { Requirement, Unmet } from "../engine/step.ts";
import { type HostReader, Unseen } from "../host/host.ts";
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
 * it. Throws Unseen where only root can tell.
 */
async function dockerConfigFault(see: HostReader): Promise<Unmet | null> {
  const changed = see.statTarget(configPath)?.changedMs;
  const started = startedMs(see, "docker");
  if (changed === undefined || (started !== null && started > changed)) return null;
  // Also before Docker is installed, whose package would not start then.
  const fault = jsonFault(textOf(see, configPath) ?? "");
  if (fault !== null) return { reason: `${configPath} is not JSON: ${fault}`, hint };
  if (see.uid !== 0) throw new Unseen(`only root can test ${configPath}`);
  const { code, stderr } = await see.probe(["dockerd", "--validate", "--config-file", configPath]);
  // 127: it is not installed. Before version 23 it knew no --validate.
  if (code === 0 || code === 127 || stderr.includes("unknown flag")) return null;
  return { reason: `dockerd refuses its configuration: ${linesOf(stderr).join(" ")}`, hint };
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
