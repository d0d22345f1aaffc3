// Checks whether dockerd accepts its configuration. An invalid one does not stop a running dockerd, but prevents its
// next start.

import type { HostReader, Output } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Requirement, Unmet } from "../problem/requirement.ts";
import { hintToShow } from "../problem/show-file.ts";
import { startedMs } from "../resources/service.ts";
import { parseJson } from "../text/json.ts";
import { linesOf } from "../text/lines.ts";

const configPath = "/etc/docker/daemon.json";
const hint = hintToShow(configPath);

export const dockerConfigAccepted: Requirement = {
  name: "docker:config",
  title: "dockerd accepts its configuration",
  check: dockerConfigFault,
};

/**
 * Returns why dockerd would refuse its configuration, or null. A dockerd that started after the last change has read it
 * already.
 */
async function dockerConfigFault(reader: HostReader): Promise<Unmet | null> {
  const changed = reader.statTarget(configPath)?.changedMs;
  const started = startedMs(reader, "docker");
  if (changed === undefined || (started !== null && started > changed)) return null;
  // This is checked before Docker is installed as well, because the package would fail to start dockerd.
  const fault = jsonFault(textOf(reader, configPath) ?? "");
  if (fault !== null) return { reason: `${configPath} is not JSON: ${fault}`, hint, code: "invalid-config" };
  const { code, stderr } = await validateConfig(reader, configPath);
  if (code === 0) return null;
  // A dockerd that also refuses an empty file is not installed, has no --validate (before version 23), or has no
  // flags of its service. Its result says nothing about this file.
  if ((await validateConfig(reader, "/dev/null")).code !== 0) return null;
  return { reason: `dockerd refuses its configuration: ${linesOf(stderr).join(" ")}`, hint, code: "invalid-config" };
}

/** Validates without starting dockerd. It works for every user who can read the file. */
function validateConfig(reader: HostReader, path: string): Promise<Output> {
  return reader.probe(["dockerd", "--validate", "--config-file", path]);
}

/** Returns the syntax error of the configuration, or null. dockerd treats an empty file as a missing one. */
function jsonFault(text: string): string | null {
  if (text.trim() === "") return null;
  try {
    parseJson(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
