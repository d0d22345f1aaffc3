// Reads what apt-get is asked to install, and what it says about that.

import { linesOf } from "../text/lines.ts";
import type { Manifest } from "./manifest.ts";
import { repositoryDir } from "./paths.ts";

/** Returns the names of the packages that the command line of apt-get installs. */
export function requestedNames(argv: readonly string[]): string[] {
  const words = argv.slice(argv.indexOf("install") + 1);
  return words.filter((word) => !word.startsWith("-") && !word.endsWith("-")).map((word) => word.replace(/:.*$/, ""));
}

/** A file that apt would read from the local repository. */
export interface PlannedFile {
  /** Its path in the local repository. */
  path: string;
  /** The name of the package file as apt writes it: name, version and architecture. */
  file: string;
}

/** Returns the files in the local repository that apt would read, from the output of `--print-uris`. */
export function plannedFiles(stdout: string): PlannedFile[] {
  const lines = stdout.matchAll(/^'file:([^']+)' (\S+) /gm);
  const files = [...lines].map(([, path = "", file = ""]) => ({ path: decodeURIComponent(path), file }));
  return files
    .filter(({ path }) => path.startsWith(`${repositoryDir}/`))
    .map(({ path, file }) => ({ path: path.slice(repositoryDir.length + 1), file }));
}

/**
 * Returns the path of the package in the bundle, or null. Two repositories may list the same file, such as the updates
 * and the security updates of Ubuntu. The bundle has it once, and apt may name either place.
 */
export function bundledPath({ packages }: Manifest, { path, file }: PlannedFile): string | null {
  const isSame = (each: Manifest["packages"][number]): boolean =>
    file === `${each.name}_${each.version.replaceAll(":", "%3a")}_${each.architecture}.deb`;
  return (packages.find((each) => each.path === path) ?? packages.find(isSame))?.path ?? null;
}

/** Returns a sentence for each dependency that apt found in no source. */
export function missingDependencies(stdout: string): string[] {
  const lines = linesOf(stdout).map((line) => line.trim());
  const broken = /^(?:(\S+) : )?(?:Pre)?Depends: (\S+)(?: \(.*?\))? but .* (?:installable|to be installed|installed)$/;
  let name = "";
  return lines.flatMap((line) => {
    const [, owner, dependency] = broken.exec(line) ?? [];
    name = owner ?? name;
    return dependency === undefined ? [] : [`${dependency}, which ${name} needs, is not in the bundle`];
  });
}
