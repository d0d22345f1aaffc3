// Finds the containers that would lose their engine if Docker is uninstalled.

import * as v from "valibot";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import type { Requirement } from "../problem/requirement.ts";
import { chosenRepository } from "../resources/apt-repository.ts";
import { parseJson } from "../text/json.ts";
import { few } from "../text/lines.ts";
import { dockerAnswers, isSocketLink } from "./engine.ts";
import { dockerSocket, dockerSourcePath } from "./paths.ts";
import { shims, showShims } from "./recipe.ts";

/** The label of containers that gitlab-runner manages. Their jobs are drained before the service stops. */
const managedLabel = "com.gitlab.gitlab-runner.managed";

const containersSchema = v.array(
  v.object({ Id: v.string(), Names: v.array(v.string()), Labels: v.nullish(v.record(v.string(), v.string()), {}) }),
);

/**
 * Returns a sentence about the running containers, other than jobs, on the engine that edox-ops installed, and the
 * command that lists them. Returns null if there are none.
 */
export async function runningContainers(reader: HostReader): Promise<{ reason: string; hint: string[] } | null> {
  if (chosenRepository(reader, dockerSourcePath) === null) return null;
  const all = !isSocketLink(reader) && (await dockerAnswers(reader)) ? await containers(reader) : [];
  const names = all.flatMap(({ Id, Names, Labels }) => {
    return Labels?.[managedLabel] === "true" ? [] : [Names[0]?.replace(/^\//, "") ?? Id.slice(0, 12)];
  });
  const lost = "running containers depend on the engine to be removed";
  if (names.length > 0) return { reason: `${lost}: ${few(names)}`, hint: ["sudo", "docker", "ps"] };
  // The engine may not respond or may run as another user, or another program may use its containerd.
  const pids = all.length > 0 ? [] : shims(reader);
  return pids.length > 0 ? { reason: `${lost}: pid ${few(pids)}`, hint: showShims } : null;
}

async function containers(reader: HostReader): Promise<v.InferOutput<typeof containersSchema>> {
  const { body } = await reader.get("http://docker/containers/json", { socketPath: dockerSocket });
  try {
    return v.parse(containersSchema, parseJson(new TextDecoder().decode(body)));
  } catch {
    throw new UnknownStateError(`which containers run cannot be read from ${dockerSocket}`);
  }
}

export const engineUnused: Requirement = {
  name: "docker:containers",
  title: "no running container depends on the engine to be removed",
  async check(reader) {
    const found = await runningContainers(reader);
    return found && { ...found, code: "in-use", reason: `${found.reason}; --force removes it anyway` };
  },
};
