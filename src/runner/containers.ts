// The containers that lose their engine when Docker is uninstalled.

import * as v from "valibot";
import { parseJson } from "../engine/json.ts";
import { few } from "../engine/lines.ts";
import type { Requirement } from "../engine/step.ts";
import { type HostReader, Unseen } from "../host/host.ts";
import { dockerAnswers, dockerSocket, dockerSourcePath, shims } from "../recipes/docker.ts";
import { chosenRepository } from "../resources/apt-repository.ts";

/** Jobs that gitlab-runner runs are waited for before it is stopped. */
const managedLabel = "com.gitlab.gitlab-runner.managed";

const containersSchema = v.array(
  v.object({ Id: v.string(), Names: v.array(v.string()), Labels: v.nullish(v.record(v.string(), v.string()), {}) }),
);

/** Returns a sentence about the containers that run, other than jobs, on the engine that edox-ops installed; null for none. */
export async function runningContainers(see: HostReader): Promise<string | null> {
  if (chosenRepository(see, dockerSourcePath) === null) return null;
  const all = (await dockerAnswers(see)) ? await containers(see) : [];
  const names = all.flatMap(({ Id, Names, Labels }) => {
    return Labels?.[managedLabel] === "true" ? [] : [Names[0]?.replace(/^\//, "") ?? Id.slice(0, 12)];
  });
  if (names.length > 0) return `containers run that would lose their engine: ${few(names)}`;
  // An engine that does not answer, or another program that uses its containerd.
  const pids = all.length > 0 ? [] : shims(see);
  return pids.length > 0 ? `containers run that would lose their engine: pid ${few(pids)}` : null;
}

async function containers(see: HostReader): Promise<v.InferOutput<typeof containersSchema>> {
  const { body } = await see.get("http://docker/containers/json", { socketPath: dockerSocket });
  try {
    return v.parse(containersSchema, parseJson(new TextDecoder().decode(body)));
  } catch {
    throw new Unseen(`which containers run cannot be read from ${dockerSocket}`);
  }
}

export const engineUnused: Requirement = {
  name: "docker:containers",
  title: "no container runs that would lose its engine",
  async check(see) {
    const reason = await runningContainers(see);
    return reason === null
      ? null
      : { reason: `${reason}; --force removes it all the same`, hint: ["sudo", "docker", "ps"] };
  },
};
