// Installs Docker Engine from Docker's own repository. A responding Docker that was installed in another way stays
// unchanged.

import { dpkgInterrupted, installedPackage, presentPackages } from "../apt/dpkg.ts";
import { aptSources } from "../apt/sources.ts";
import type { Change } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Resource, Step } from "../engine/step.ts";
import { type HostReader, Unseen } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Requirement } from "../problem/requirement.ts";
import { aptRepository, chosenRepository, type Mirror, placeOf } from "../resources/apt-repository.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { certificatesWhole } from "../resources/certificates.ts";
import { changesCommitted } from "../resources/etckeeper.ts";
import { dpkgConfigured, installed } from "../resources/package.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { service } from "../resources/service.ts";
import { linesOf } from "../text/lines.ts";

export const dockerSocket = "/run/docker.sock";
export const dockerSourcePath = "/etc/apt/sources.list.d/docker.sources";
export const dockerKeyPath = "/etc/apt/keyrings/docker.asc";
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

/** Returns whether a Docker Engine responds on this host. Throws Unseen if only root can determine it. */
export async function dockerAnswers(see: HostReader): Promise<boolean> {
  if (see.stat(dockerSocket) === null) return false;
  const { status } = await see.get("http://docker/_ping", { socketPath: dockerSocket, limitMs: 3000 });
  if (status !== 200 && see.uid !== 0)
    throw new Unseen(`whether Docker answers at ${dockerSocket} is only told to root`);
  return status === 200;
}

/** Returns whether an engine has its socket here, even if it does not respond. */
export function hasEngine(see: HostReader): boolean {
  return see.stat(dockerSocket) !== null && !isSocketLeft(see);
}

/**
 * Returns whether the socket belongs to an engine that is no longer installed: its package does not remove the socket.
 * Podman's socket is a link to the one at which it listens.
 */
export function isSocketLeft(see: HostReader): boolean {
  const sockets = textOf(see, "/proc/net/unix");
  const programs = ["/usr/bin/dockerd", "/usr/local/bin/dockerd"];
  const path = see.readLink(dockerSocket) ?? dockerSocket;
  const listens = linesOf(sockets ?? "").some((line) => line.endsWith(` ${path}`) || line.endsWith(` /var${path}`));
  return sockets !== null && !listens && programs.every((program) => !see.stat(program));
}

/** Returns whether the socket belongs to another engine: Docker's own is never a link, and podman-docker makes one. */
export function isSocketLink(see: HostReader): boolean {
  return see.readLink(dockerSocket) !== null;
}

/** Returns the processes that hold containers, even if their engine is not running. */
export function shims(see: HostReader): string[] {
  return (see.list("/proc") ?? []).filter((pid) => {
    return /^\d+$/.test(pid) && linesOf(textOf(see, `/proc/${pid}/comm`) ?? "")[0]?.startsWith("containerd-shim");
  });
}

/** The command that shows what {@link shims} returns. */
export const showShims = ["pgrep", "-a", "containerd-shim"];

/**
 * Returns whether Docker is managed by others. Packages from Docker's repository are checked in full. Another Docker is
 * accepted if it responds and something keeps it up to date.
 */
async function isForeign(see: HostReader): Promise<boolean> {
  if (chosenRepository(see, dockerSourcePath) !== null || !(await dockerAnswers(see))) return false;
  return installedPackage(see, "docker-ce") === null || (await isOffered(see, "docker-ce"));
}

/**
 * Returns whether an apt source may offer this package. A source named after Docker does, even before its lists were
 * fetched.
 */
async function isOffered(see: HostReader, name: string): Promise<boolean> {
  if (aptSources(see).some(({ uri }) => /docker/i.test(uri))) return true;
  const { code, stdout } = await see.probe(["apt-cache", "policy", name]);
  if (code !== 0) return true;
  // apt lists the sources of each version below it. The record of the installed package is one of them.
  return /^ {7} *-?\d+ (?!\/var\/lib\/dpkg\/status$)/m.test(stdout);
}

export const dockerRuns: Resource = service({
  unit: "docker",
  name: "ci-runner:docker",
  brought: "docker-ce",
  taken: (see) => see.stat(dockerSocket) !== null,
});

/** Returns the step that installs Docker Engine. The mirror replaces the official repository, key or fingerprint. */
export function dockerInstall(facts: Facts, see: HostReader, mirror: Mirror = {}): Step {
  const repository = aptRepository({
    ...placeOf(see, dockerSourcePath, mirror, {
      uri: `https://download.docker.com/linux/${facts.family}`,
      fingerprint: dockerFingerprint,
      keyOrigin: (uri) => `${uri}/gpg`,
    }),
    name: "docker",
    suite: facts.codename,
    component: "stable",
    architecture: facts.architecture,
    keyPath: dockerKeyPath,
    sourcePath: dockerSourcePath,
    keepDir: replacedDir,
  });
  const ours = [
    // apt reads the repository over TLS.
    { ...installed("ca-certificates"), name: "docker:ca-certificates" },
    certificatesWhole(dockerPackages),
    repository.older,
    repository.key,
    repository.source,
    changesCommitted("docker"),
    packages,
    dockerRuns,
  ];
  return {
    id: "docker.install",
    title: "Docker Engine is installed and runs",
    requires: [firstBootDone, clockSet, noSnap, nothingRuns, ...aptUsable(unlessForeign(repository.older))],
    wants: [dpkgConfigured, ...ours.map(unlessForeign)],
  };
}

function unlessForeign(resource: Resource): Resource {
  return {
    ...resource,
    check: async (see, ahead, warn) => ((await isForeign(see)) ? [] : resource.check(see, ahead, warn)),
  };
}

const packages: Resource = {
  name: "docker:packages",
  title: `${dockerPackages.join(", ")} are installed`,
  check(see): Change[] {
    const missing = dockerPackages.filter((name) => installedPackage(see, name) === null);
    if (missing.length === 0) return [];
    const instead = presentPackages(see, distributionPackages);
    return [{ kind: "packages", names: missing, ...(instead.length > 0 && { instead }) }];
  },
};

const noSnap: Requirement = {
  name: "docker:snap",
  title: "Docker is not there as a snap",
  check: (see) =>
    see.stat("/snap/docker/current") === null
      ? null
      : { reason: "Docker is there as a snap, and does not answer", hint: ["sudo", "snap", "start", "docker"] },
};

/** Packages are not replaced while containers run on them. An interrupted installation is finished in every case. */
const nothingRuns: Requirement = {
  name: "docker:containers",
  title: "no container runs that would lose its engine",
  check(see) {
    if (dpkgInterrupted(see) || installedPackage(see, "docker-ce") !== null) return null;
    const [running] = shims(see);
    if (running === undefined) return null;
    const reason = `containers run (pid ${running}) whose engine would be replaced`;
    return { reason, hint: showShims };
  },
};
