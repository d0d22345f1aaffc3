// Installs Docker Engine from Docker's own repository. A responding Docker that was installed in another way stays
// unchanged.

import { dpkgInterrupted, installedPackage, presentPackages } from "../apt/dpkg.ts";
import { aptSources } from "../apt/sources.ts";
import type { Change } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { type BundledRole, optionalStep } from "../engine/feature.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { aptRepository, chosenRepository, type Mirror } from "../resources/apt-repository.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { certificatesComplete } from "../resources/certificates.ts";
import { etckeeperClean } from "../resources/etckeeper.ts";
import { dpkgConfigured, packageInstalled } from "../resources/package.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { service } from "../resources/service.ts";
import { linesOf } from "../text/lines.ts";
import { dockerAnswers, hasEngine } from "./engine.ts";
import { dockerKeyPath, dockerSocket, dockerSourcePath } from "./paths.ts";

/** "Docker Release (CE deb)", published at docs.docker.com/engine/install. Its subkeys sign. */
const dockerFingerprint = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88";
export const dockerPackages = [
  "docker-ce",
  "docker-ce-cli",
  "containerd.io",
  "docker-buildx-plugin",
  "docker-compose-plugin",
];
/** The packages that Docker's documentation removes first, and the parts that Debian 13 has split off. */
const distributionPackages = [
  "docker.io",
  "docker-cli",
  "docker-buildx",
  "docker-compose",
  "docker-compose-v2",
  "docker-doc",
  "podman-docker",
  "containerd",
  "runc",
];

/** Returns the processes that hold containers, even if their engine is not running. */
export function shims(reader: HostReader): string[] {
  return (reader.list("/proc") ?? []).filter((pid) => {
    return /^\d+$/.test(pid) && linesOf(textOf(reader, `/proc/${pid}/comm`) ?? "")[0]?.startsWith("containerd-shim");
  });
}

/** The command that shows what {@link shims} returns. */
export const showShims = ["pgrep", "-a", "containerd-shim"];

/**
 * Returns whether Docker is managed by others. Packages from Docker's repository are checked in full. Another Docker is
 * accepted if it responds and something keeps it up to date.
 */
async function isForeign(reader: HostReader): Promise<boolean> {
  if (chosenRepository(reader, dockerSourcePath) !== null || !(await dockerAnswers(reader))) return false;
  return installedPackage(reader, "docker-ce") === null || (await isOffered(reader, "docker-ce"));
}

/**
 * Returns whether an apt source may offer this package. A source named after Docker does, even before its lists were
 * fetched.
 */
async function isOffered(reader: HostReader, name: string): Promise<boolean> {
  if (aptSources(reader).some(({ uri }) => /docker/i.test(uri))) return true;
  const { code, stdout } = await reader.probe(["apt-cache", "policy", name]);
  if (code !== 0) return true;
  // apt lists the sources of each version below it. The record of the installed package is one of them.
  return /^ {7} *-?\d+ (?!\/var\/lib\/dpkg\/status$)/m.test(stdout);
}

/** Returns whether a Docker is here, or edox-ops has installed one. The socket of a stopped Docker may be missing. */
export function isDockerInstalled(reader: HostReader): boolean {
  return hasEngine(reader) || chosenRepository(reader, dockerSourcePath) !== null;
}

const dockerStarted = service({
  unit: "docker",
  name: "ci-runner:docker",
  brought: "docker-ce",
  hasLoaded: (reader) => reader.stat(dockerSocket) !== null,
});

export const dockerRuns: Resource = {
  ...dockerStarted,
  title: "Docker answers",
  affects: "CI jobs in containers",
  follows: ["ci-runner:docker-config"],
  isInstalled: isDockerInstalled,
  async check(reader, ahead, warn) {
    const changes = await dockerStarted.check(reader, ahead, warn);
    if (changes.length > 0 || (await dockerAnswers(reader))) return changes;
    throw new Problem("precondition-failed", "Docker does not answer", {
      hint: ["sudo", "systemctl", "status", "docker"],
    });
  },
};

/** Returns Docker's own repository for a distribution. */
export function dockerRepository(family: Facts["family"]): Required<BundledRole>["repository"] {
  return {
    name: "docker",
    uri: `https://download.docker.com/linux/${family}`,
    component: "stable",
    fingerprint: dockerFingerprint,
    keyOrigin: (uri) => `${uri}/gpg`,
  };
}

/** Returns the step that installs Docker Engine. The mirror replaces the official repository, key or fingerprint. */
export function dockerInstall(facts: Facts, mirror: Mirror = {}): Step {
  const { name, component, ...official } = dockerRepository(facts.family);
  const repository = aptRepository({
    name,
    official,
    mirror,
    suite: facts.codename,
    component,
    architecture: facts.architecture,
    keyPath: dockerKeyPath,
    sourcePath: dockerSourcePath,
    keepDir: replacedDir,
  });
  const changes = [
    // apt reads the repository over TLS.
    packageInstalled("ca-certificates"),
    certificatesComplete(dockerPackages),
    repository.older,
    repository.key,
    repository.source,
    etckeeperClean("docker"),
    packages,
    dockerRuns,
  ];
  const step: Step = {
    id: "docker.install",
    title: "Docker Engine is installed and runs",
    action: "Installing Docker Engine",
    requires: [firstBootDone, clockSet, noSnap, nothingRuns, ...aptUsable(unlessForeign(repository.older))],
    resources: [dpkgConfigured, ...changes.map(unlessForeign)],
  };
  return optionalStep(step, (reader) => chosenRepository(reader, dockerSourcePath) !== null);
}

function unlessForeign(resource: Resource): Resource {
  return {
    ...resource,
    check: async (reader, ahead, warn) => ((await isForeign(reader)) ? [] : resource.check(reader, ahead, warn)),
  };
}

const packages: Resource = {
  name: "docker:packages",
  title: `${dockerPackages.join(", ")} are installed`,
  check(reader): Change[] {
    const missing = dockerPackages.filter((name) => installedPackage(reader, name) === null);
    if (missing.length === 0) return [];
    const remove = presentPackages(reader, distributionPackages);
    return [{ kind: "packages", names: missing, ...(remove.length > 0 && { remove }) }];
  },
};

const noSnap: Requirement = {
  name: "docker:snap",
  title: "Docker is not installed as a snap",
  check: (reader) =>
    reader.stat("/snap/docker/current") === null
      ? null
      : { reason: "Docker is installed as a snap and does not respond", hint: ["sudo", "snap", "start", "docker"] },
};

/** Packages are not replaced while containers run on them. An interrupted installation is finished in every case. */
const nothingRuns: Requirement = {
  name: "docker:containers",
  title: "no running container depends on the engine to be removed",
  check(reader) {
    if (dpkgInterrupted(reader) || installedPackage(reader, "docker-ce") !== null) return null;
    const [running] = shims(reader);
    if (running === undefined) return null;
    const reason = `containers run (pid ${running}) whose engine would be replaced`;
    return { reason, hint: showShims, code: "in-use" };
  },
};
