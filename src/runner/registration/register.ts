// A registration: the runner that GitLab accepted is configured, recorded and loaded by the running service, or nothing
// changes.

import { stateDir } from "../../engine/paths.ts";
import type { Recipe, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { directory } from "../../resources/directory.ts";
import type { TomlTable } from "../../toml/edit.ts";
import { configFile } from "../config-file.ts";
import { configTaken } from "../config-taken.ts";
import { dockerAccess } from "../docker-in-docker.ts";
import { runnerLogPath } from "../paths.ts";
import { type RunnerRecord, recordedRunners, recordFile, recordOf, sameRunner, withoutRunner } from "../record.ts";
import { type Runner, readConfig } from "../runners.ts";
import { isPrivileged, listServedProjects, sharedHostWarning } from "../shared-host.ts";
import { profileRequirements } from "./admission.ts";
import { type GrantedRunner, mostConcurrent, ownerOf, type Registration } from "./registration.ts";
import { editsFor, findSection, replacedRunners } from "./section.ts";
import { systemIdFile } from "./system-id.ts";

/**
 * Returns the recipe of a registration. `granted`: the response of GitLab, or null in a dry run, which sends no request.
 */
export function registration(registration: Registration, granted: GrantedRunner | null): Recipe {
  const { profile, server } = registration;
  const register: Step = {
    id: "runner.register",
    title: `${profile.description} is registered with ${server.url}`,
    requires: profileRequirements(registration),
    resources: [
      systemIdFile(granted?.systemId ?? null),
      directory(stateDir, 0o750, `state:${stateDir}`),
      // The record is written first. If the run is killed after this change, repeating it continues the same
      // registration.
      recordFile((before, reader) => runnerRecorded(reader, before, registration, granted)),
      configFile(`runner:${profile.description}`, `${profile.description} is configured`, (config, reader, warn) => {
        const added = findSection(config, registration, granted) === null ? 1 : 0;
        const all = config.runners.length + added - replacedRunners(reader, config, registration, granted).length;
        const { concurrent = config.concurrent } = registration;
        if (all > concurrent) {
          const advice = `--concurrent ${Math.min(all, mostConcurrent)}`;
          warn(`${all} runners share ${concurrent} job at a time, and wait for each other: set ${advice}`);
        }
        const { docker } = profile.settings as { docker?: Runner["docker"] };
        const shared = sharedHostWarning(isPrivileged(docker) ? [profile.description] : [], listServedProjects(reader));
        if (shared !== null) warn(shared);
        return editsFor(reader, config, registration, granted);
      }),
      configTaken,
    ],
  };
  return {
    command: "gitlab-runner register",
    logPath: runnerLogPath,
    done: "GitLab Runner registered successfully.",
    failed: "Registration failed at step",
    requires: [],
    steps: [register, ...(profile.executor === "shell" ? [dockerAccess] : [])],
  };
}

/** Returns the new record. The keys of the contract describe the last runner, and the list contains all of ours. */
function runnerRecorded(
  reader: HostReader,
  before: RunnerRecord | null,
  registration: Registration,
  granted: GrantedRunner | null,
): object {
  const { server, profile, profileName, credential, isProtected } = registration;
  const docker = (profile.settings.docker ?? {}) as TomlTable;
  const privileged = docker.privileged === true;
  const { url } = server;
  const name = profile.description;
  const config = readConfig(reader);
  const at = findSection(config, registration, granted);
  const id = granted?.id ?? (at === null ? 0 : (config.runners[at]?.id ?? 0));
  const recordEntry = { url, id, name, privileged };
  const replaced = replacedRunners(reader, config, registration, granted);
  // A runner that was recorded with the former address of its GitLab keeps its entry, with the new address.
  const section = at === null ? undefined : config.runners[at];
  const moved = section && recordOf(before, { ...section, name });
  const entries = [recordEntry, ...(moved ? [moved] : []), ...replaced];
  const others = withoutRunner(before, (each) => entries.some((other) => sameRunner(each, other)));
  const same = recordedRunners(before).find((each) => sameRunner(each, recordEntry)) ?? moved;
  const owner = ownerOf(registration);
  return {
    ...before,
    ...{ url, executor: profile.executor, description: name, tags: profile.tags, profile: profileName },
    ...{ docker_image: docker.image ?? null, docker_privileged: privileged, registered: true },
    runners: [
      ...others,
      { ...same, ...recordEntry, ...(credential.kind === "access" && { owner, guarded: isProtected }) },
    ],
  };
}
