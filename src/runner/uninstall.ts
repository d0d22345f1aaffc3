// Uninstalls what edox-ops installed for runners. Everything foreign stays.

import { heldPackages, packageState, presentPackages } from "../apt/dpkg.ts";
import { commandToUnhold, heldProblem } from "../apt/failure.ts";
import { engineUnused, runningContainers } from "../docker/containers.ts";
import { hasEngine, isSocketLeft, isSocketLink } from "../docker/engine.ts";
import { dockerKeyPath, dockerSocket, dockerSourcePath } from "../docker/paths.ts";
import { dockerPackages } from "../docker/recipe.ts";
import type { Change } from "../engine/change.ts";
import type { Recipe, Resource, Step } from "../engine/step.ts";
import { type Host, type HostReader, UnknownStateError } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, waitFor } from "../problem/wait.ts";
import { chosenRepository } from "../resources/apt-repository.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { etckeeperClean } from "../resources/etckeeper.ts";
import { file } from "../resources/file.ts";
import { accountOf } from "../resources/user.ts";
import { parentOf } from "../text/path.ts";
import * as cleanup from "./cleanup/recipe.ts";
import { runnerPackages } from "./install.ts";
import { runnerUser } from "./names.ts";
import { drainPath, runnerConfigPath, runnerKeyPath, runnerLogPath, runnerPinPath, runnerSourcePath } from "./paths.ts";
import { readRecord, recordOf } from "./record.ts";
import { readConfig } from "./runners.ts";

const configDir = "/etc/gitlab-runner";

interface Uninstallation {
  /** Removes its configuration and user too. */
  purge: boolean;
  /** Removes Docker's packages too. Its images and volumes stay in any case. */
  docker: boolean;
  /** Continues even if containers lose their engine. */
  force?: boolean;
}

/** Returns the recipe for a host; without one, that of the steps that every host has. */
export function uninstallation(
  { purge, docker, force = false }: Uninstallation,
  reader: HostReader | null = null,
): Recipe {
  const inUse = docker && !force ? [engineUnused] : [];
  const steps: Step[] = [
    // Without a runner, nobody needs the space.
    ...(reader === null ? [] : cleanup.removalOf(reader)),
    {
      id: "runner.uninstall",
      title: "GitLab Runner is not installed",
      action: "Uninstalling GitLab Runner",
      requires: aptUsable(),
      resources: [
        withoutPackages("runner:packages", runnerPackages, purge),
        ...[drainPath, runnerPinPath, runnerSourcePath, runnerKeyPath].map(withoutFile),
        ...(purge ? [withoutDirectory(configDir), withoutUser] : []),
        // This comes last: if an earlier change fails, files are restored into this directory.
        emptyDirectory(parentOf(drainPath)),
        etckeeperClean("runner"),
      ],
    },
  ];
  if (docker) {
    steps.push({
      id: "docker.uninstall",
      title: "Docker Engine is not installed; its images and volumes stay in /var/lib/docker",
      action: "Uninstalling Docker Engine",
      reasonToSkip: foreignEngine,
      requires: [...inUse, ...aptUsable()],
      resources: [
        containersNamed,
        ofDocker(withoutPackages("docker:packages", dockerPackages, purge)),
        ofDocker(withoutSocket),
        ofDocker(withoutFile(dockerKeyPath)),
        withoutFile(dockerSourcePath),
      ],
    });
  }
  return {
    command: "gitlab-runner uninstall",
    logPath: runnerLogPath,
    done: purge
      ? "GitLab Runner is uninstalled."
      : `GitLab Runner is uninstalled; ${configDir} and user ${runnerUser} are kept (--purge removes them).`,
    failed: "Uninstalling failed at step",
    // This is checked before the first step, so that nothing is removed if Docker must stay. The plan shows it too.
    requires: inUse,
    steps,
  };
}

/** Returns why the engine of this host stays if it is not from Docker's own repository, and null otherwise. */
function foreignEngine(reader: HostReader): string | null {
  const isForeign = chosenRepository(reader, dockerSourcePath) === null && hasEngine(reader);
  return isForeign ? `what answers at ${dockerSocket} was not installed by edox-ops and is kept` : null;
}

/** Names the containers that stop, in a plan and in a run with `--force`. */
const containersNamed: Resource = {
  name: "docker:containers",
  title: "no running container depends on the engine to be removed",
  async check(reader, _, warn) {
    const found = await runningContainers(reader).catch((error: unknown) => {
      if (error instanceof UnknownStateError) return null;
      throw error;
    });
    if (found !== null) warn(found.reason);
    return [];
  },
};

/** The package leaves its socket behind, and programs would wait there for an engine. */
const withoutSocket: Resource = {
  name: "docker:socket",
  title: `${dockerSocket} is removed`,
  check(reader, ahead) {
    const goes = ahead.some((change) => change.kind === "packages" && change.remove?.includes("docker-ce"));
    if (reader.stat(dockerSocket) === null || isSocketLink(reader) || !(goes || isSocketLeft(reader))) return [];
    return [{ kind: "command", argv: ["rm", "-f", dockerSocket], reason: `${dockerSocket} exists` }];
  },
};

/**
 * Throws a Problem if a runner prevents the removal. With `purge` its token would be lost, and GitLab would keep the
 * runner forever. Without it, a foreign runner would stop.
 */
export function demandNoRunner(reader: HostReader, purge: boolean): void {
  const { runners } = reader.stat(runnerConfigPath) === null ? { runners: [] } : readConfig(reader);
  const record = readRecord(reader);
  const foreign = runners.find((runner) => recordOf(record, runner) === null);
  const [first] = purge ? runners : [];
  if (first !== undefined && first !== foreign) {
    const isAlone = runners.filter(({ name }) => name === first.name).length === 1;
    const which = isAlone ? [] : ["--url", first.url];
    const hint = ["sudo", "edox-ops", "gitlab-runner", "unregister", first.name, ...which];
    throw new Problem("in-use", `runner ${first.name} is registered: --purge would lose its token`, { hint });
  }
  if (foreign === undefined) return;
  const what = purge ? "--purge would lose its token" : "it would stop; --force uninstalls anyway";
  const hint = ["sudo", "gitlab-runner", "unregister", "--name", foreign.name];
  throw new Problem("in-use", `runner ${foreign.name} was not registered by edox-ops: ${what}`, { hint });
}

/** Throws a Problem if apt would refuse to remove these packages or could not, before anything is stopped. */
export async function demandRemovable(
  host: Host,
  choices: Parameters<typeof uninstallation>[0],
  stop: Stop,
): Promise<void> {
  for (const { resources, requires = [] } of uninstallation(choices).steps) {
    const packages = resources.find(({ name }) => name.endsWith(":packages"));
    if ((await packages?.check(host, [], () => {}))?.length === 0) continue;
    for (const each of requires) await waitFor(host, each, {}, stop).catch(refusal);
  }
}

/** A state that is unknown now would still be unknown after the drain. */
function refusal(error: unknown): never {
  if (error instanceof UnknownStateError) throw new Problem("unknown-state", error.message, { hint: error.hint });
  throw error;
}

function withoutPackages(name: string, names: readonly string[], purge: boolean): Resource {
  return {
    name,
    title: `${names.join(", ")} are not installed`,
    check(reader): Change[] {
      const there = purge
        ? names.filter((each) => packageState(reader, each) !== "missing")
        : presentPackages(reader, names);
      if (there.length === 0) return [];
      const held = heldPackages(reader, there);
      if (held.length > 0) {
        throw new Problem("package-failed", `${heldProblem(held)}, and apt does not remove what is held`, {
          hint: commandToUnhold(held),
        });
      }
      return [{ kind: "packages", names: [], remove: there, ...(purge && { purge: purge }) }];
    },
  };
}

/** Only a Docker from this repository is managed by edox-ops. */
function ofDocker(resource: Resource): Resource {
  const isOurs = (reader: HostReader): boolean => chosenRepository(reader, dockerSourcePath) !== null;
  return { ...resource, check: (reader, ahead, warn) => (isOurs(reader) ? resource.check(reader, ahead, warn) : []) };
}

function withoutFile(path: string): Resource {
  return file({ path, name: path, title: `${path} is removed`, mode: 0o644, text: () => null });
}

function emptyDirectory(path: string): Resource {
  return {
    name: path,
    title: `${path} is removed`,
    check(reader, ahead) {
      const names = reader.list(path);
      const left = names?.filter(
        (name) => !ahead.some((change) => change.kind === "removal" && change.path === `${path}/${name}`),
      );
      return left?.length === 0 ? [{ kind: "command", argv: ["rmdir", path], reason: `${path} exists` }] : [];
    },
  };
}

function withoutDirectory(path: string): Resource {
  return {
    name: path,
    title: `${path} is removed`,
    check: (reader) =>
      reader.stat(path) === null
        ? []
        : [{ kind: "command", argv: ["rm", "-r", "--one-file-system", path], reason: `${path} exists` }],
  };
}

const withoutUser: Resource = {
  name: `runner:no-user:${runnerUser}`,
  title: `user ${runnerUser} does not exist`,
  check(reader, _, warn) {
    const account = accountOf(reader, runnerUser);
    if (account === null) return [];
    const owner = reader.stat(account.home)?.uid ?? account.uid;
    // userdel would remove the account, leave such a home directory, and fail.
    if (owner !== account.uid) warn(`${account.home} stays: it belongs to the user ${owner}`);
    const argv = ["userdel", ...(owner === account.uid ? ["--remove"] : []), runnerUser];
    return [{ kind: "command", argv, reason: `there is a user ${runnerUser}` }];
  },
};
