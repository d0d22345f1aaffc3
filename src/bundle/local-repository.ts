// The local repository, which is apt's source in a run with --bundle: a directory with the indexes of the repositories,
// and only those packages that apt is about to install. apt verifies their signatures with the keys that the host's own
// configuration names.

import { aptSources, bareUri } from "../apt/sources.ts";
import { root } from "../engine/change.ts";
import type { Attributes, Host, HostReader } from "../host/host.ts";
import { writePieces } from "../host/large-file.ts";
import { chosenRepository } from "../resources/apt-repository.ts";
import { parentOf } from "../text/path.ts";
import { memberPieces } from "./kept-indexes.ts";
import type { Manifest } from "./manifest.ts";
import { repositoryDir } from "./paths.ts";
import type { Bundle } from "./reader.ts";

type Repository = Manifest["repositories"][number];

/** apt reads its sources as the user _apt. */
const readable: Attributes = { mode: 0o644, ...root };
const listsDir = `${repositoryDir}/lists`;
const sourcesPath = `${repositoryDir}/bundle.sources`;
const preferencesPath = `${repositoryDir}/preferences`;
const configPath = `${repositoryDir}/apt.conf`;

/** The option that makes apt read the local repository, and no other source. */
export const repositoryOption = `-c=${configPath}`;

/**
 * What follows an update of the host's own lists has nothing to do with these. Nor does a preferred release of the host,
 * nor its permission to install from a repository without a signature.
 */
const config = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Dir::Etc::sourcelist "${sourcesPath}";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "${preferencesPath}";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "${listsDir}";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::Retries "0";
`;

/** Creates the local repository with the indexes of the bundle, in place of one that a killed run left. */
export async function createRepository(host: Host, bundle: Bundle, pause: Pause): Promise<void> {
  removeRepository(host);
  const { repositories, packages } = bundle.manifest;
  makeDirectories(host, `${listsDir}/partial`);
  for (const path of new Set(repositories.flatMap(({ files }) => files))) {
    await extract(host, bundle, { path, member: path }, pause);
  }
  const write = (path: string, text: string) => host.writeFile(path, new TextEncoder().encode(text), readable);
  write(preferencesPath, preferences(packages));
  write(configPath, config);
  writeSources(host, bundle);
}

/** Writes the sources. A recipe may have added a source to the host since they were written. */
export function writeSources(host: Host, { manifest }: Bundle): void {
  const text = manifest.repositories.flatMap((each) => paragraph(host, each, manifest.target)).join("\n");
  host.writeFile(sourcesPath, new TextEncoder().encode(text), readable);
}

/** Removes the local repository, and does nothing if there is none. */
export function removeRepository(host: Host): void {
  removeTree(host, repositoryDir);
}

/** Pauses between two pieces, so that a signal can end the work. */
export type Pause = () => void | Promise<void>;

/** A member of the bundle, and its path in the local repository. */
interface Extracted {
  path: string;
  member: string;
}

/** Writes one member of the bundle to the local repository, unless it is there. */
export async function extract(host: Host, bundle: Bundle, { path, member }: Extracted, pause: Pause): Promise<void> {
  const target = `${repositoryDir}/${path}`;
  if (host.stat(target) !== null) return;
  makeDirectories(host, parentOf(target));
  await writePieces(host, target, readable, verifiedPieces());

  async function* verifiedPieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of memberPieces(host, bundle, member)) {
      yield piece;
      await pause();
    }
  }
}

/**
 * Versions that are not in the bundle cannot be installed, although the indexes list them. A priority below 1000 never
 * replaces a newer version.
 */
function preferences(packages: Manifest["packages"]): string {
  const bundled = packages.map(({ name, version }) => `Package: ${name}\nPin: version ${version}\nPin-Priority: 500\n`);
  return [...bundled, "Package: *\nPin: release *\nPin-Priority: -1\n"].join("\n");
}

/**
 * Returns the paragraph of a repository, or none. The bundle itself is not trusted to name a key: a repository with a
 * key of its own is used only once the host has a source that pins that key.
 */
function paragraph(reader: HostReader, repository: Repository, target: Manifest["target"]): string[] {
  const signedBy = repository.key === null ? archiveKeyring(reader, target) : pinnedKey(reader, repository);
  if (signedBy === null) return [];
  const lines = [
    "Types: deb",
    `URIs: file:${repositoryDir}/repo/${repository.name}`,
    `Suites: ${repository.suite}`,
    `Components: ${repository.components.join(" ")}`,
    `Architectures: ${target.architecture}`,
    // Programs such as command-not-found and appstream make apt fetch more than a bundle has.
    "Targets: Packages",
    "Check-Valid-Until: no",
    ...(signedBy === "" ? [] : [`Signed-By: ${signedBy}`]),
  ];
  return [`${lines.join("\n")}\n`];
}

/** Returns the keyring of the distribution, or "" for the keys that apt trusts for every source. */
function archiveKeyring(reader: HostReader, { family }: Manifest["target"]): string {
  const path = `/usr/share/keyrings/${family}-archive-keyring.gpg`;
  return reader.statTarget(path) === null ? "" : path;
}

/** Returns the key file and the fingerprint in the host's own source of this repository, or of a mirror of it. */
function pinnedKey(reader: HostReader, { uri, fingerprint, suite }: Repository): string | null {
  for (const source of aptSources(reader)) {
    const chosen = source.suite === suite ? chosenRepository(reader, source.path) : null;
    if (chosen === null) continue;
    const isSame = bareUri(chosen.uri) === bareUri(uri) || chosen.fingerprint === fingerprint;
    if (isSame && source.keyPaths[0] !== undefined) return `${source.keyPaths[0]} ${chosen.fingerprint}`;
  }
  return null;
}

function makeDirectories(host: Host, path: string): void {
  if (host.stat(path) !== null) return;
  makeDirectories(host, parentOf(path));
  host.makeDirectory(path, { mode: 0o755, ...root });
}

function removeTree(host: Host, path: string): void {
  const stat = host.stat(path);
  if (stat === null) return;
  if (stat.type === "directory") {
    for (const name of host.list(path) ?? []) removeTree(host, `${path}/${name}`);
  }
  host.remove(path);
}
