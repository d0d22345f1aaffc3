// The packages of a bundle: apt resolves them against what the host has, and what the cache does not have is
// downloaded. Each file is compared with its signed checksum.

import { packageField } from "../../apt/dpkg.ts";
import type { HostReader } from "../../host/host.ts";
import { digestOf } from "../../host/large-file.ts";
import type { Trees } from "../../host/trees.ts";
import type { Manifest } from "../manifest.ts";
import { type AptRoot, plainLists } from "./apt-root.ts";
import { download, type RemoteFile } from "./download.ts";
import { type Source, sourceOf } from "./sources.ts";

/** A package with its file on this machine. */
export interface FetchedPackage extends RemoteFile {
  entry: Manifest["packages"][number];
  source: Source;
}

/** A package that apt would download. `file` is its name in the archives of apt. */
interface Wanted {
  uri: string;
  file: string;
  name: string;
  version: string;
  architecture: string;
}

/** Returns the packages with these names, and what they depend on. Throws a Problem if apt cannot resolve them. */
async function resolvePackages(
  apt: AptRoot,
  names: readonly string[],
  sources: readonly Source[],
): Promise<FetchedPackage[]> {
  const lists = plainLists(apt);
  const noCache = ["-o", `Dir::Cache::archives=${apt.empty}`];
  const uris = await apt.run(["apt-get", "-qq", "-y", ...lists, ...noCache, "--print-uris", "install", ...names]);
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
  { uri, name, version, architecture }: Wanted,
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
  return { entry, source, uri, file, bytes: Number(field("Size")), sha256: field("SHA256") };
}

interface PackagesRequest {
  sources: readonly Source[];
  names: readonly string[];
  /** Called with each line that apt writes to its status descriptor. */
  onStatus(line: string): void;
}

/**
 * Resolves the packages, and downloads those that the cache does not have. Throws a Problem if apt cannot resolve them, or
 * if a file cannot be fetched with its signed checksum.
 */
export async function fetchPackages(
  host: HostReader,
  trees: Trees,
  apt: AptRoot,
  { sources, names, onStatus }: PackagesRequest,
): Promise<{ packages: FetchedPackage[]; fetchedBytes: number }> {
  const packages = await resolvePackages(apt, names, sources);
  const missing = packages.filter(({ file, sha256 }) => digestOf(host, file) !== sha256);
  await download(trees, apt, missing, onStatus);
  return { packages, fetchedBytes: missing.reduce((sum, { bytes }) => sum + bytes, 0) };
}
