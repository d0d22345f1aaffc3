// The packages of a bundle: apt resolves them against what the host has, downloads what is missing in the cache, and
// each file is compared with its signed checksum.

import { packageField } from "../../apt/dpkg.ts";
import type { Host } from "../../host/host.ts";
import { digestOf } from "../../host/large-file.ts";
import { Problem } from "../../problem/problem.ts";
import { nameOf } from "../../text/path.ts";
import type { Manifest } from "../manifest.ts";
import type { AptRoot } from "./apt-root.ts";
import { type Source, sourceOf } from "./sources.ts";

/** A package with its file on this machine. */
export interface FetchedPackage {
  entry: Manifest["packages"][number];
  source: Source;
  file: string;
  bytes: number;
  sha256: string;
}

/** A package that apt would download. `file` is its name in the archives of apt. */
interface Wanted {
  uri: string;
  file: string;
  name: string;
  version: string;
  architecture: string;
}

/**
 * Returns the packages that this command line of apt-get would fetch, without fetching them. Throws a Problem if apt
 * cannot resolve them.
 */
async function resolvePackages(
  apt: AptRoot,
  words: readonly string[],
  sources: readonly Source[],
): Promise<FetchedPackage[]> {
  const lists = listsOf(apt);
  const noCache = ["-o", `Dir::Cache::archives=${apt.empty}`];
  const uris = await apt.run(["apt-get", "-qq", "-y", ...lists, ...noCache, "--print-uris", ...words]);
  const wanted = [...uris.matchAll(/^'([^']+)' (\S+) \d+ /gm)].map(([, uri = "", file = ""]) => ({
    uri,
    ...archiveOf(file),
  }));
  if (wanted.length === 0) return [];
  const exact = wanted.map(exactly);
  const shown = await apt.run(["apt-cache", ...lists, "show", ...exact]);
  const paragraphs = shown.split(/\n\n+/).filter((each) => each.startsWith("Package: "));
  const found = wanted.map((each): FetchedPackage => {
    const { source, path } = sourceOf(sources, each.uri);
    const paragraph = paragraphs.find((text) => packageField(text, "Filename")?.replace(/^\.\//, "") === path);
    if (paragraph === undefined) throw new Error(`apt describes no package ${path}`);
    return packageOf(paragraph, each, {
      source,
      path: `repo/${source.name}/${path}`,
      file: `${apt.archives}/${each.file}`,
    });
  });
  return found.sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
}

/** Parses a name such as `git_1%3a2.39.5-0+deb12u3_amd64.deb`. */
function archiveOf(file: string): Omit<Wanted, "uri"> {
  const [, name = "", version = "", architecture = ""] = /^([^_]+)_([^_]+)_([^_]+)\.deb$/.exec(file) ?? [];
  return { file, name, version: decodeURIComponent(version), architecture };
}

/** Returns the argument with which apt finds exactly this package. */
function exactly({ name, version, architecture }: Omit<Wanted, "uri">): string {
  return `${name}${architecture === "all" ? "" : `:${architecture}`}=${version}`;
}

function packageOf(
  paragraph: string,
  { name, version, architecture }: Wanted,
  { source, path, file }: { source: Source; path: string; file: string },
): FetchedPackage {
  const field = (title: string): string => packageField(paragraph, title) ?? "";
  const entry = {
    name,
    version,
    architecture,
    path,
    installedBytes: Number(field("Installed-Size") || 0) * 1024,
    licence: packageField(paragraph, "License"),
  };
  return { entry, source, file, bytes: Number(field("Size")), sha256: field("SHA256") };
}

function listsOf({ plain }: AptRoot): string[] {
  return ["-o", `Dir::State::lists=${plain}`];
}

interface Download {
  names: readonly string[];
  /** Called with each line that apt writes to its status descriptor. */
  onStatus(line: string): void;
}

/**
 * Resolves and downloads the packages. Resumes what an earlier run left in the cache. Throws a Problem if apt cannot
 * resolve them, or if a file does not have its signed checksum.
 */
export async function fetchPackages(
  host: Host,
  apt: AptRoot,
  sources: readonly Source[],
  { names, onStatus }: Download,
): Promise<{ packages: FetchedPackage[]; fetchedBytes: number }> {
  const download = async (): Promise<void> => {
    const options = ["-o", "APT::Status-Fd=3", "-o", "Acquire::Retries=3", ...listsOf(apt)];
    await apt.run(["apt-get", "-q", "-y", ...options, "--download-only", "install", ...names], { onStatus });
  };
  const archives = (): string[] => (host.list(apt.archives) ?? []).filter((name) => name.endsWith(".deb"));
  const sizes = new Map(archives().map((name) => [name, host.stat(`${apt.archives}/${name}`)?.size]));
  const isCached = ({ file, bytes }: FetchedPackage): boolean => sizes.get(nameOf(file)) === bytes;
  const isEmpty = sizes.size === 0;
  if (isEmpty) await download();
  // What apt has put into an empty cache is the solution: it need not resolve the packages twice.
  const solved = isEmpty ? archives().map((name) => exactly(archiveOf(name))) : [];
  const words = solved.length > 0 ? ["download", ...solved] : ["install", ...names];
  const packages = await resolvePackages(apt, words, sources);
  const missing = packages.filter((each) => !isCached(each));
  if (!isEmpty && missing.length > 0) await download();
  const wrong = packages.filter((each) => digestOf(host, each.file) !== each.sha256);
  if (wrong.length > 0) {
    // apt compares only the size of a file in its cache.
    for (const { file } of wrong) host.remove(file);
    await download();
    const left = wrong.find((each) => digestOf(host, each.file) !== each.sha256);
    if (left !== undefined)
      throw new Problem("checksum-mismatch", `${left.entry.path} does not have its signed checksum`);
  }
  return { packages, fetchedBytes: missing.reduce((sum, { bytes }) => sum + bytes, 0) };
}
