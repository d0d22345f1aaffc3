// The package indexes: fetched as the repository has them, with the checksums of an InRelease that apt has verified, and
// unpacked beside that.

import type { Host } from "../../host/host.ts";
import { digestOf } from "../../host/large-file.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf, parentOf } from "../../text/path.ts";
import { type AptRoot, plainLists, writeText } from "./apt-root.ts";
import { download, type RemoteFile } from "./download.ts";
import { releaseOf } from "./release.ts";
import type { Source } from "./sources.ts";

/** A repository with the files that a bundle carries of it. */
export interface Repository {
  source: Source;
  release: Uint8Array;
  /** Unix seconds of the release; null if it has no valid date. */
  seconds: number | null;
  /** Each file by its path in the bundle: the InRelease, and an index for each component. */
  files: ReadonlyMap<string, RepositoryFile>;
}

interface RepositoryFile {
  /** Where it is on this machine. */
  path: string;
  /** null for the InRelease. */
  component: string | null;
  /** Its SHA-256 in hex. */
  digest: string;
}

const format = "$(BASE_URI)|$(METAKEY)|$(COMPONENT)|$(FILENAME)";
const unpackers: Record<string, string> = { ".xz": "xz", ".gz": "gzip" };

/** Fetches the indexes of all sources, as far as they changed, and returns the repositories. */
export async function fetchIndexes(
  host: Host,
  trees: Trees,
  apt: AptRoot,
  sources: readonly Source[],
): Promise<Repository[]> {
  // apt would unpack each index, and keep either what the bundle needs or what apt itself reads many times as fast.
  const releasesOnly = ["-o", "Acquire::IndexTargets::deb::Packages::DefaultEnabled=false"];
  const keep = ["-o", "APT::Get::List-Cleanup=false", "-o", "pkgCacheFile::Generate=false"];
  await apt.run(["apt-get", "-q", ...releasesOnly, ...keep, "--error-on=any", "update"]);
  for (const name of host.list(apt.lists) ?? []) if (name.endsWith("_InRelease")) copyRelease(host, apt, name);
  const listing = await apt.run([
    ...["apt-get", "indextargets", "--no-release-info", ...plainLists(apt), "--format", format],
    "Created-By: Packages",
  ]);
  const targets = listing.split("\n").map((line) => line.split("|"));
  const found = sources.map((source) => {
    return repositoryOf(
      host,
      apt,
      source,
      targets.filter(([uri]) => uri === `${source.uri}/dists/${source.suite}/`),
    );
  });
  const indexes = found.flatMap((each) => each.indexes);
  await download(
    trees,
    apt,
    indexes.filter(({ file, sha256 }) => digestOf(host, file) !== sha256),
  );
  await Promise.all(indexes.map((each) => unpack(host, trees, each)));
  // A list of a repository that is no longer used would still offer its packages.
  const current = new Set(indexes.map(({ plain }) => plain));
  for (const name of host.list(apt.plain) ?? []) {
    const path = `${apt.plain}/${name}`;
    if (name.endsWith("_Packages") && !current.has(path)) host.remove(path);
  }
  return found.map((each) => each.repository);
}

/** An index, and the path of the unpacked one. */
interface Index extends RemoteFile {
  plain: string;
}

/** `targets`: what apt lists of the repository, in the order of {@link format}. */
function repositoryOf(
  host: Host,
  apt: AptRoot,
  source: Source,
  targets: readonly (readonly string[])[],
): { repository: Repository; indexes: Index[] } {
  const dists = `repo/${source.name}/dists/${source.suite}`;
  const [, firstKey = "", , firstPlain = ""] = targets[0] ?? [];
  const releasePath = `${firstPlain.slice(0, firstPlain.length - firstKey.length)}InRelease`;
  const release = firstPlain === "" ? null : host.read(releasePath);
  const signed = releaseOf(new TextDecoder().decode(release ?? undefined));
  const files = new Map<string, RepositoryFile>();
  const indexes = targets.flatMap(([base = "", key = "", component = "", plain = ""]): Index[] => {
    if (key.includes("/binary-all/") && !signed.hasAll) return [];
    const extension = [...Object.keys(unpackers), ""].find((each) => signed.files.has(`${key}${each}`));
    const name = `${key}${extension}`;
    const index = signed.files.get(name);
    if (extension === undefined || index === undefined) return [];
    const { sha256, bytes } = index;
    const file = `${apt.lists}/${nameOf(plain)}${extension}`;
    files.set(`${dists}/${name}`, { path: file, component, digest: sha256 });
    const uri = `${base}${signed.hasByHash ? `${parentOf(name)}/by-hash/SHA256/${sha256}` : name}`;
    return [{ uri, bytes, sha256, file, plain }];
  });
  if (release === null || indexes.length === 0) {
    throw new Problem("package-failed", `${source.uri} has no signed list of packages for ${source.suite}`);
  }
  const own = { path: releasePath, component: null, digest: digestOf(host, releasePath) ?? "" };
  return {
    repository: { source, release, seconds: signed.seconds, files: new Map([[`${dists}/InRelease`, own], ...files]) },
    indexes,
  };
}

/** Unpacks an index, unless that was done since it was fetched. */
async function unpack(host: Host, trees: Trees, { file, plain }: Index): Promise<void> {
  if (isNewer(host, plain, file)) return;
  const extension = Object.keys(unpackers).find((each) => file.endsWith(each));
  if (extension === undefined) {
    writeText(host, plain, host.read(file) ?? new Uint8Array(), 0o644);
    return;
  }
  const tool = unpackers[extension] ?? "";
  const { code, stderr } = await host.run([tool, "--decompress", "--keep", "--force", "--", file]);
  if (code === 127) {
    const message = `the package lists cannot be unpacked: ${tool} is not installed`;
    throw new Problem("precondition-failed", message, { hint: ["sudo", "apt-get", "install", "xz-utils"] });
  }
  if (code !== 0) throw new Problem("command-failed", `${tool} could not unpack ${file}`, { returncode: code, stderr });
  trees.move(file.slice(0, -extension.length), plain);
}

/** Copies an InRelease beside the unpacked indexes. */
function copyRelease(host: Host, apt: AptRoot, name: string): void {
  const [file, path] = [`${apt.lists}/${name}`, `${apt.plain}/${name}`];
  if (!isNewer(host, path, file)) writeText(host, path, host.read(file) ?? new Uint8Array(), 0o644);
}

function isNewer(host: Host, path: string, than: string): boolean {
  const [made, origin] = [host.stat(path), host.stat(than)];
  return made !== null && origin !== null && made.changedMs > origin.changedMs;
}
