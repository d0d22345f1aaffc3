// Asks GitLab whether it accepts a runner, or to create one. A created runner that cannot be used is deleted again.
// Nothing is written on this host.

import type { Host } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { regularFile } from "../../problem/regular-file.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { waitFor } from "../../problem/wait.ts";
import { demandEditable } from "../../toml/edit.ts";
import { keptConfigPath } from "../config-file.ts";
import { dockerThere } from "../docker-in-docker.ts";
import { readRecord, recordOf } from "../record.ts";
import { configText, readConfig, runnerConfigFile, sameServer } from "../runners.ts";
import { runnerProgram } from "../service.ts";
import { createRunner, deleteRunner, registerByOldToken, verify } from "./gitlab.ts";
import { type GrantedRunner, ownerOf, type Registration } from "./registration.ts";
import { editsFor } from "./section.ts";
import { newSystemId, systemIdOf } from "./system-id.ts";

/**
 * Verifies or creates the runner in GitLab, and writes nothing on this host. A runner that was created and cannot be
 * used is deleted in GitLab. Throws a Problem if GitLab refuses, or if the runner could not be configured or run here.
 */
export async function requestRunner(host: Host, registration: Registration): Promise<GrantedRunner> {
  const { server, credential, profile } = registration;
  // A configuration that cannot be written later, or a missing executor, is reported before GitLab is contacted.
  for (const each of profileRequirements(registration)) await waitFor(host, each);
  regularFile(host, keptConfigPath);
  demandEditable(configText(host), editsFor(host, readConfig(host), registration, null), runnerConfigFile);
  const systemId = systemIdOf(host) ?? newSystemId();
  if (credential.kind === "own") {
    const answer = await verify(host, server, credential.token, systemId);
    // The section keeps this token, so the token in the response is ignored.
    return { ...answer, token: credential.token, systemId, isNew: false };
  }
  const known = await findKnownRunner(host, registration, systemId);
  if (known) return known;
  const { description, tags } = profile;
  if (credential.kind === "old") {
    const created = await registerByOldToken(host, server, credential.token, { description, tags });
    return { ...created, systemId, isNew: true };
  }
  const { project, group } = credential;
  const attributes = { project, group, description, tags, isProtected: registration.isProtected };
  const created = await createRunner(host, server, credential.token, attributes);
  try {
    await verify(host, server, created.token, systemId);
  } catch (error) {
    await deleteRunner(host, server, { token: created.token, systemId, isRegisteredHere: true }).catch(() => {});
    throw error;
  }
  return { ...created, systemId, isNew: true };
}

/**
 * Returns a runner that was registered under this name earlier and that GitLab still accepts, so that no second one is
 * created. Returns null if there is none or it is to be replaced. Throws a Problem if it belongs to another owner or
 * GitLab rejects it.
 */
async function findKnownRunner(
  host: Host,
  registration: Registration,
  systemId: string,
): Promise<GrantedRunner | null> {
  const { server, profile, replaces } = registration;
  const record = readRecord(host);
  const runner = readConfig(host).runners.find((each) => {
    return each.name === profile.description && sameServer(each.url, server.url) && recordOf(record, each) !== null;
  });
  if (replaces || runner === undefined) return null;
  const name = profile.description;
  const { owner = ownerOf(registration) } = recordOf(record, runner) ?? {};
  if (owner !== ownerOf(registration)) {
    const message = `${name} is registered for ${owner} already: give another --description, or --replace it`;
    throw new Problem("already-exists", message, { hint: ["edox-ops", "gitlab-runner", "list"] });
  }
  try {
    const answer = await verify(host, server, runner.token, systemId);
    return { ...answer, token: runner.token, systemId, isNew: false };
  } catch (error) {
    const { message } = error as Error;
    throw new Problem(
      Problem.of(error).code,
      `${name} is already registered, but ${message}: pass --replace to create it again`,
      {
        hint: [...server.again, "--replace"],
      },
    );
  }
}

/**
 * Deletes a runner in GitLab that was created for this registration and is not in config.toml. Returns a sentence about
 * a runner that could not be deleted, or null.
 */
export async function withdrawRunner(
  host: Host,
  registration: Registration,
  granted: GrantedRunner,
): Promise<string | null> {
  const { token, systemId, isNew } = granted;
  if (!isNew || readConfig(host).runners.some((runner) => runner.token.equals(token))) return null;
  try {
    await deleteRunner(host, registration.server, { token, systemId, isRegisteredHere: true });
    return null;
  } catch {
    return `the runner that was created at ${registration.server.url} still exists: delete it there`;
  }
}

/** Returns the requirements for registering a runner: gitlab-runner, and Docker for the docker executor. */
export function profileRequirements({ profile }: Registration): Requirement[] {
  return [runnerThere, ...(profile.executor === "docker" ? [dockerThere] : [])];
}

const runnerThere: Requirement = {
  name: "runner:installed",
  title: "GitLab Runner is installed",
  check(reader) {
    if (runnerProgram(reader) !== null) return null;
    const hint = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
    return { reason: "GitLab Runner is not installed", hint };
  },
};
