// Installs GitLab Runner from GitLab's own repository: its user, packages and service.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { type BundledRole, optionalStep } from "../engine/feature.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { aptRepository, chosenRepository, type Mirror, placeOf, type Repository } from "../resources/apt-repository.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { certificatesComplete } from "../resources/certificates.ts";
import { etckeeperClean } from "../resources/etckeeper.ts";
import { file } from "../resources/file.ts";
import { dpkgConfigured, packageInstalled } from "../resources/package.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { systemUser } from "../resources/user.ts";
import { runnerUser } from "./names.ts";
import { runnerHome, runnerKeyPath, runnerPinPath, runnerSourcePath } from "./paths.ts";
import { drain, drainLoaded, isRunnerInstalled, runnerRuns, unitInstalled } from "./service.ts";

export const runnerPackages = ["gitlab-runner", "gitlab-runner-helper-images"];
/**
 * The key that signs the repository's metadata, as documented on docs.gitlab.com. It is extended every two years and
 * stays the same key.
 */
const runnerFingerprint = "F6403F6544A38863DAA0B6E03F01618A51312F3F";

/** Returns GitLab's own repository for a distribution. */
export function runnerRepository(family: Facts["family"]): Required<BundledRole>["repository"] {
  return {
    name: "gitlab-runner",
    uri: `https://packages.gitlab.com/runner/gitlab-runner/${family}`,
    component: "main",
    fingerprint: runnerFingerprint,
    keyOrigin: (uri) => new URL("/gpgkey/gpg.key", uri).href,
  };
}

export function runnerSteps(facts: Facts, mirror: Mirror): Step[] {
  const { name, component, ...official } = runnerRepository(facts.family);
  const wanted: Repository = {
    name,
    official,
    mirror,
    suite: facts.codename,
    component,
    architecture: facts.architecture,
    keyPath: runnerKeyPath,
    sourcePath: runnerSourcePath,
    keepDir: replacedDir,
  };
  const repository = aptRepository(wanted);
  const usable = aptUsable(repository.older);
  const isOurs = (reader: HostReader): boolean => chosenRepository(reader, runnerSourcePath) !== null;
  const [create, install, run]: [Step, Step, Step] = [
    {
      id: "runner.user.create",
      title: `user ${runnerUser} exists`,
      // The first step requires everything that the next one needs, so that a host that cannot install is not changed.
      requires: usable,
      resources: [
        systemUser({ name: runnerUser, home: runnerHome, shell: "/bin/bash" }, `runner:user:${runnerUser}`),
        etckeeperClean("runner-user"),
      ],
    },
    {
      id: "runner.install",
      title: "GitLab Runner is installed, from GitLab's own repository",
      action: "Installing GitLab Runner",
      requires: [firstBootDone, clockSet, ...usable],
      resources: [
        dpkgConfigured,
        packageInstalled("ca-certificates"),
        certificatesComplete(runnerPackages),
        repository.older,
        repository.key,
        repository.source,
        pin((reader) => new URL(placeOf(reader, wanted).uri).hostname),
        etckeeperClean("runner"),
        ...runnerPackages.map(packageInstalled),
      ],
    },
    {
      id: "runner.service.install",
      title: "gitlab-runner is active, starts at boot, and lets jobs finish before it stops",
      needs: [{ step: "runner.install", resource: packageInstalled("gitlab-runner") }],
      resources: [unitInstalled, drain, drainLoaded, runnerRuns],
    },
  ];
  return [
    optionalStep(create, isRunnerInstalled),
    // A gitlab-runner of another origin needs no source or package of this one.
    optionalStep(install, isOurs),
    optionalStep(run, isRunnerInstalled),
  ];
}

/**
 * A distribution has an old package of the same name. The pin ensures that it is never chosen, even if GitLab's
 * repository cannot be reached.
 */
function pin(originOf: (reader: HostReader) => string): Resource {
  const names = runnerPackages.join(" ");
  const textFor = (origin: string): string =>
    [
      "# Written by edox-ops: packages named gitlab-runner come from GitLab's repository only.",
      `Package: ${names}`,
      `Pin: origin ${origin}`,
      "Pin-Priority: 900",
      "",
      `Package: ${names}`,
      "Pin: release *",
      "Pin-Priority: -1",
      "",
    ].join("\n");
  return file({
    name: "apt:pin:gitlab-runner",
    title: "apt takes gitlab-runner from its own repository only",
    path: runnerPinPath,
    mode: 0o644,
    keepDir: replacedDir,
    text: (reader) => Text.of(textFor(originOf(reader))),
  });
}
