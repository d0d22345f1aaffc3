// The way back: what edox-ops has put there for runners is taken away, and what is anybody else's stays.

import type { Change } from "../engine/change.ts";
import { installedPackage } from "../engine/dpkg.ts";
import { Problem, type Recipe, type Resource, type Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { dockerKeyPath, dockerPackages, dockerSourcePath } from "../recipes/docker.ts";
import { runnerConfigPath, runnerLogPath } from "../recipes/paths.ts";
import { chosenRepository } from "../resources/apt-repository.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { changesCommitted } from "../resources/etckeeper.ts";
import { file } from "../resources/file.ts";
import { accountOf } from "../resources/user.ts";
import { runnerKeyPath, runnerPackages, runnerPinPath, runnerSourcePath } from "./install.ts";
import { ours, readRecord } from "./record.ts";
import { readConfig } from "./runners.ts";
import { drainPath } from "./service.ts";

const configDir = "/etc/gitlab-runner";
const user = "gitlab-runner";

/** `purges`: its configuration and user too. `docker`: Docker's packages too; its images and volumes stay in any case. */
export function uninstallation({ purges, docker }: { purges: boolean; docker: boolean }): Recipe {
  const steps: Step[] = [
    {
      id: "runner.uninstall",
      title: "GitLab Runner is not installed",
      requires: aptUsable(),
      wants: [
        withoutPackages("runner:packages", runnerPackages, purges),
        ...[drainPath, runnerPinPath, runnerSourcePath, runnerKeyPath].map(without),
        emptyDirectory(drainPath.slice(0, drainPath.lastIndexOf("/"))),
        ...(purges ? [withoutDirectory(configDir), withoutUser] : []),
        changesCommitted("runner"),
      ],
    },
  ];
  if (docker) {
    steps.push({
      id: "docker.uninstall",
      title: "Docker Engine is not installed; its images and volumes stay in /var/lib/docker",
      requires: aptUsable(),
      wants: [
        ofDocker(withoutPackages("docker:packages", dockerPackages, purges)),
        ofDocker(without(dockerKeyPath)),
        without(dockerSourcePath),
      ],
    });
  }
  return {
    command: "gitlab-runner uninstall",
    logPath: runnerLogPath,
    done: purges
      ? "GitLab Runner is gone."
      : `GitLab Runner is gone; ${configDir} and the user ${user} stay (--purge).`,
    failed: "Uninstalling failed at step",
    requires: [],
    steps,
  };
}

/**
 * Throws a Problem where a runner is in the way: with `purges` its token would be lost, and GitLab would wait for it for
 * ever; without, one of somebody else would stop.
 */
export function demandNoRunner(see: HostReader, purges: boolean): void {
  const { runners } = see.stat(runnerConfigPath) === null ? { runners: [] } : readConfig(see);
  const record = readRecord(see);
  const foreign = runners.find((runner) => ours(record, runner) === null);
  const [first] = purges ? runners : [];
  if (first !== undefined && first !== foreign) {
    const hint = ["sudo", "edox-ops", "gitlab-runner", "unregister", first.name];
    throw new Problem("blocked", `runner ${first.name} is registered: --purge would lose its token`, { hint });
  }
  if (foreign === undefined) return;
  const what = purges ? "--purge would lose its token" : "it would stop; --force takes gitlab-runner away all the same";
  const hint = ["sudo", "gitlab-runner", "unregister", "--name", foreign.name];
  throw new Problem("blocked", `runner ${foreign.name} was registered by somebody else: ${what}`, { hint });
}

function withoutPackages(name: string, names: readonly string[], purges: boolean): Resource {
  return {
    name,
    title: `${names.join(", ")} are not installed`,
    check(see): Change[] {
      const there = names.filter((each) => installedPackage(see, each) !== null);
      if (there.length === 0) return [];
      return [{ kind: "packages", names: [], instead: there, ...(purges && { purges }) }];
    },
  };
}

/** Only a Docker of this repository is ours. */
function ofDocker(resource: Resource): Resource {
  const isOurs = (see: HostReader): boolean => chosenRepository(see, dockerSourcePath) !== null;
  return { ...resource, check: (see, ahead, warn) => (isOurs(see) ? resource.check(see, ahead, warn) : []) };
}

function without(path: string): Resource {
  return file({ path, name: path, title: `${path} is gone`, mode: 0o644, text: () => null });
}

function emptyDirectory(path: string): Resource {
  return {
    name: path,
    title: `${path} is gone`,
    check(see, ahead) {
      const names = see.list(path);
      const left = names?.filter(
        (name) => !ahead.some((change) => change.kind === "removal" && change.path === `${path}/${name}`),
      );
      return left?.length === 0 ? [{ kind: "command", argv: ["rmdir", path], lack: `${path} is there` }] : [];
    },
  };
}

function withoutDirectory(path: string): Resource {
  return {
    name: path,
    title: `${path} is gone`,
    check: (see) =>
      see.stat(path) === null
        ? []
        : [{ kind: "command", argv: ["rm", "-r", "--one-file-system", path], lack: `${path} is there` }],
  };
}

const withoutUser: Resource = {
  name: `runner:no-user:${user}`,
  title: `there is no user ${user}`,
  check: (see) =>
    accountOf(see, user) === null
      ? []
      : [{ kind: "command", argv: ["userdel", "--remove", user], lack: `there is a user ${user}` }],
};
