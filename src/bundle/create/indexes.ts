// The package indexes: fetched and verified by apt, kept as the repository has them, and unpacked beside that.

import type { Host } from "../../host/host.ts";
import { digestOf } from "../../host/large-file.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf } from "../../text/path.ts";
import { type AptRoot, writeText } from "./apt-root.ts";
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
  // apt would build its cache from the compressed lists, which takes many times as long as from the unpacked ones.
  await apt.run(["apt-get", "-q", "-o", "pkgCacheFile::Generate=false", "--error-on=any", "update"]);
  const current = new Set<string>();
  for (const name of host.list(apt.lists) ?? []) {
    const file = `${apt.lists}/${name}`;
    if (/_(?:InRelease|Packages(?:\.xz|\.gz)?)$/.test(name)) current.add(await unpacked(host, trees, apt, file));
  }
  // A list of a repository that is no longer used would still offer its packages.
  for (const name of host.list(apt.plain) ?? []) {
    const path = `${apt.plain}/${name}`;
    if (host.stat(path)?.type === "file" && !current.has(path)) host.remove(path);
  }
  const lists = ["-o", `Dir::State::lists=${apt.plain}`];
  const listing = await apt.run(["apt-get", "indextargets", ...lists, "--format", format, "Created-By: Packages"]);
  const targets = listing.split("\n").map((line) => line.split("|"));
  return sources.map((source) => {
    const found = targets.filter(([uri]) => uri === `${source.uri}/dists/${source.suite}/`);
    return repositoryOf(host, apt, source, found);
  });
}

/** `targets`: what apt lists of the repository, in the order of {@link format}. */
function repositoryOf(host: Host, apt: AptRoot, source: Source, targets: readonly (readonly string[])[]): Repository {
  const dists = `repo/${source.name}/dists/${source.suite}`;
  const [, firstKey = "", , firstPlain = ""] = targets[0] ?? [];
  const releasePath = `${firstPlain.slice(0, firstPlain.length - firstKey.length)}InRelease`;
  const release = firstPlain === "" ? null : host.read(releasePath);
  if (release === null) {
    throw new Problem("package-failed", `${source.uri} has no signed list of packages for ${source.suite}`);
  }
  const { digests, seconds } = releaseOf(new TextDecoder().decode(release));
  const files = new Map<string, RepositoryFile>([
    [`${dists}/InRelease`, { path: releasePath, component: null, digest: digestOf(host, releasePath) ?? "" }],
  ]);
  for (const [, key = "", component = "", plain = ""] of targets) {
    // apt compresses an index again that the repository has in another form. Its plain form is signed as well.
    const packed = Object.keys(unpackers).map(
      (each) => [`${key}${each}`, `${apt.lists}/${nameOf(plain)}${each}`] as const,
    );
    const forms = [...packed.filter(([, path]) => host.stat(path) !== null), [key, plain] as const];
    const signed = forms.find(([name, path]) => digestOf(host, path) === digests.get(name));
    if (signed === undefined) {
      throw new Problem("checksum-mismatch", `the index ${key} of ${source.uri} does not have its signed checksum`);
    }
    const [name, path] = signed;
    files.set(`${dists}/${name}`, { path, component, digest: digests.get(name) ?? "" });
  }
  return { source, release, seconds, files };
}

function extensionOf(path: string): string {
  return Object.keys(unpackers).find((each) => path.endsWith(each)) ?? "";
}

function withoutExtension(path: string): string {
  return path.slice(0, path.length - extensionOf(path).length);
}

/** Unpacks a list, unless that was done since it was fetched. Returns the path of the unpacked one. */
async function unpacked(host: Host, trees: Trees, apt: AptRoot, file: string): Promise<string> {
  const tool = unpackers[extensionOf(file)];
  if (tool === undefined) return copied(host, apt, file);
  const beside = withoutExtension(file);
  const plain = `${apt.plain}/${nameOf(beside)}`;
  if (isNewer(host, plain, file)) return plain;
  const { code, stderr } = await host.run([tool, "--decompress", "--keep", "--force", "--", file]);
  if (code === 127) {
    const message = `the package lists cannot be unpacked: ${tool} is not installed`;
    throw new Problem("precondition-failed", message, { hint: ["sudo", "apt-get", "install", "xz-utils"] });
  }
  if (code !== 0) throw new Problem("command-failed", `${tool} could not unpack ${file}`, { returncode: code, stderr });
  trees.move(beside, plain);
  return plain;
}

function copied(host: Host, apt: AptRoot, file: string): string {
  const path = `${apt.plain}/${nameOf(file)}`;
  if (!isNewer(host, path, file)) writeText(host, path, host.read(file) ?? new Uint8Array(), 0o644);
  return path;
}

function isNewer(host: Host, path: string, than: string): boolean {
  const [made, origin] = [host.stat(path), host.stat(than)];
  return made !== null && origin !== null && made.changedMs > origin.changedMs;
}
