// Makes a bundle: resolves and downloads the packages, collects images, sites and the program, and writes one file.

import { gatherFacts } from "../../engine/facts.ts";
import type { BundledRole, BundleTarget } from "../../engine/feature.ts";
import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import type { Mirror } from "../../resources/apt-repository.ts";
import type { Inventory } from "../inventory.ts";
import { statusOf } from "../inventory.ts";
import { type Manifest, manifestBytes, manifestId } from "../manifest.ts";
import type { Bundle } from "../reader.ts";
import { bundleSbom, sbomPath } from "../sbom.ts";
import { type Content, memberOf, writeBundle } from "../writer.ts";
import { aptRoot, makeDirectories } from "./apt-root.ts";
import { deltaOf } from "./delta.ts";
import { collectImages, type ImageFile } from "./images.ts";
import { fetchIndexes, type Repository } from "./indexes.ts";
import { type FetchedPackage, fetchPackages } from "./packages.ts";
import { type SiteTar, type SiteTree, writeSiteTar } from "./site-tar.ts";
import { distributionSources } from "./sources.ts";
import { demandAccepted, vendorSource } from "./vendor-source.ts";

/** The program as its release has it: content by the path in the bundle. */
export interface ProgramFiles {
  version: string;
  path: string;
  contents: ReadonlyMap<string, Content>;
}

export interface CreateRequest {
  target: BundleTarget;
  roles: readonly BundledRole[];
  /** Mirrors of the vendors' repositories, by the name of the role. */
  mirrors: Readonly<Record<string, Mirror>>;
  /** Image references, and files of `docker save`. */
  images: readonly string[];
  /** The variables by which skopeo finds the user's registries and logins. */
  registryVariables: Readonly<Record<string, string>>;
  sites: readonly SiteTree[];
  program: ProgramFiles | null;
  /** The host that the bundle is for; null for any host of the target. */
  inventory: Inventory | null;
  since: Bundle | null;
  sign: ((bytes: Uint8Array) => Promise<Uint8Array>) | null;
  /** Unix seconds that replace the serial of the inputs; null for theirs. */
  serial: number | null;
  output: string;
  partBytes: number | null;
  /** The cache of this target. */
  cacheDir: string;
}

export interface CreateProgress {
  /** A new phase, as a sentence. */
  phase(sentence: string): void;
  /** Called with each status line of apt. */
  aptStatus(line: string): void;
  /** Throws a Problem if a signal asks this process to end. */
  pause(): void;
}

export interface Created {
  id: string;
  manifest: Manifest;
  /** The written files: several if the bundle is split. */
  paths: string[];
  /** The size of all of them. */
  bytes: number;
  /** Bytes of packages that were downloaded, and not in the cache. */
  fetchedBytes: number;
}

/** Makes the bundle. Changes nothing on this machine but the cache and the output. */
export async function createBundle(
  host: Host,
  trees: Trees,
  request: CreateRequest,
  progress: CreateProgress,
): Promise<Created> {
  const { target, inventory, since, program, output, partBytes } = request;
  const { repositories, packages, fetchedBytes } = await collectPackages(host, trees, request, progress);
  progress.pause();
  const images = await missingImages(host, request, progress);
  const latest = Math.floor(host.now() / 1000);
  const sites = await collectSites(host, trees, request, { latest, pause: progress.pause });

  progress.phase("writing the bundle");
  const contents = new Map<string, Content>(program?.contents ?? []);
  const keys = repositories.flatMap(({ source }) => source.key ?? []);
  for (const { path, bytes } of keys) contents.set(path, bytes);
  const digests = new Map<string, string>();
  for (const [path, file] of repositories.flatMap(({ files }) => [...files])) {
    contents.set(path, file.path);
    digests.set(path, file.digest);
  }
  for (const { entry, file } of packages) contents.set(entry.path, file);
  for (const { path, file } of [...images, ...sites]) contents.set(path, file);

  // A host refuses a bundle that is older than one that it has accepted, and after this one the earlier ones.
  const earlier = [since?.manifest.serial, inventory?.acceptedSerial].filter((each) => each !== undefined);
  const serial =
    request.serial ?? Math.max(newest(latest, repositories, images, sites), ...earlier.map((each) => each + 1));
  const whole: Manifest = {
    format: 1,
    serial,
    target,
    with: request.roles.map(({ name }) => name),
    since: null,
    repositories: repositories.map(({ source, files }) => ({
      name: source.name,
      uri: source.uri,
      suite: source.suite,
      components: [...new Set([...files.values()].flatMap(({ component }) => component ?? []))],
      key: source.key?.path ?? null,
      fingerprint: source.key?.fingerprint ?? null,
      files: [...files.keys()],
    })),
    keys: keys.flatMap(({ urls, path }) => urls.map((url) => ({ url, path }))),
    packages: packages.map(({ entry }) => entry),
    images: images.flatMap(({ path, images: each }) =>
      each.map(({ reference, config }) => ({ reference, config, path })),
    ),
    sites: sites.map(({ name, path, files, bytes }) => ({ name, path, files, bytes })),
    program: program === null ? null : { version: program.version, path: program.path },
    kept: [],
    members: [],
  };
  for (const [path, content] of contents) whole.members.push(await memberOf(host, path, content, progress.pause));
  const manifest = since === null ? whole : deltaOf(whole, since, digests);
  const packageDigests = new Map(packages.map(({ entry, sha256 }) => [entry.path, sha256]));
  const sbom = new TextEncoder().encode(bundleSbom(manifest, packageDigests));
  contents.set(sbomPath, sbom);
  manifest.members.push(await memberOf(host, sbomPath, sbom));

  const paths = await writeBundle(host, {
    manifest,
    contents,
    sign: request.sign ?? undefined,
    path: output,
    mode: inventory === null ? 0o644 : 0o600,
    partBytes: partBytes ?? undefined,
    pause: progress.pause,
  });
  for (const { file } of sites) host.remove(file);
  const bytes = paths.reduce((sum, path) => sum + (host.stat(path)?.size ?? 0), 0);
  return { id: manifestId(manifestBytes(manifest)), manifest, paths, bytes, fetchedBytes };
}

interface Collected {
  repositories: Repository[];
  packages: FetchedPackage[];
  fetchedBytes: number;
}

async function collectPackages(
  host: Host,
  trees: Trees,
  { target, roles, mirrors, inventory, cacheDir }: CreateRequest,
  { phase, aptStatus, pause }: CreateProgress,
): Promise<Collected> {
  const names = [...new Set(roles.flatMap((role) => role.packages))];
  if (names.length === 0) return { repositories: [], packages: [], fetchedBytes: 0 };
  const sources = distributionSources(host, gatherFacts(host), target);
  const keysDir = `${cacheDir}/keys`;
  await makeDirectories(host, keysDir);
  for (const { name, repository } of roles) {
    if (repository === undefined) continue;
    sources.push(await vendorSource(host, { repository, mirror: mirrors[name] ?? {}, target, keysDir }));
  }
  const apt = await aptRoot(host, {
    dir: cacheDir,
    target,
    sources,
    // Without packages, a host of an older point release also gets what depends on an exact version.
    status: inventory === null ? "" : statusOf(inventory),
    foreignArchitectures: inventory?.foreignArchitectures ?? [],
  });
  phase(`fetching the package lists of ${target.codename} ${target.architecture}`);
  const fetched = await fetchIndexes(host, trees, apt, sources);
  for (const { source, release } of fetched) demandAccepted(source, release, target);
  pause();
  phase("downloading the packages");
  const { packages, fetchedBytes } = await fetchPackages(host, trees, apt, { sources, names, onStatus: aptStatus });
  return { repositories: fetched.map((each) => withoutUnused(each, packages)), packages, fetchedBytes };
}

/** Leaves out the indexes of components that none of the packages is from. */
function withoutUnused(repository: Repository, packages: readonly FetchedPackage[]): Repository {
  const { source, files } = repository;
  if (source.components.length === 1) return repository;
  const paths = packages.filter((each) => each.source.name === source.name).map(({ entry }) => entry.path);
  const isUsed = (component: string | null): boolean =>
    component === null || component === source.components[0] || paths.some((path) => path.includes(`/${component}/`));
  return { ...repository, files: new Map([...files].filter(([, { component }]) => isUsed(component))) };
}

/** Returns the image files, without those whose images the host has. */
async function missingImages(host: Host, request: CreateRequest, { phase }: CreateProgress): Promise<ImageFile[]> {
  const { target, images, inventory, cacheDir } = request;
  const onFetch = (reference: string): void => phase(`fetching the image ${reference}`);
  const files = await collectImages(host, images, {
    ...{ target, dir: `${cacheDir}/images`, onFetch },
    variables: request.registryVariables,
  });
  const present = inventory?.images ?? [];
  return files.filter(({ images: each }) => !each.every(({ config }) => present.includes(config)));
}

async function collectSites(
  host: Host,
  trees: Trees,
  { sites, cacheDir }: CreateRequest,
  { latest, pause }: { latest: number; pause: () => void },
): Promise<SiteTar[]> {
  const tars: SiteTar[] = [];
  const sorted = [...sites].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (sorted.length > 0) await makeDirectories(host, `${cacheDir}/sites`);
  for (const site of sorted) {
    const file = `${cacheDir}/sites/${site.name}.tar`;
    tars.push(await writeSiteTar(host, trees, { site, file, latest, pause }));
  }
  return tars;
}

/**
 * Returns the time of the newest input, in Unix seconds. A later time than now is wrong, and would make each later
 * bundle older than this one.
 */
function newest(
  now: number,
  repositories: readonly Repository[],
  images: readonly ImageFile[],
  sites: readonly SiteTar[],
): number {
  const times = [
    ...repositories.map(({ seconds }) => seconds),
    ...images.flatMap((file) => file.images.map(({ seconds }) => seconds)),
    ...sites.map(({ seconds }) => seconds),
  ];
  return Math.max(0, ...times.filter((time) => time !== null && time <= now).map(Number));
}
