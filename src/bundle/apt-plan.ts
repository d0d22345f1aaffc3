// Reads what apt-get is asked to install, and what it says about that.

import { linesOf } from "../text/lines.ts";
import { repositoryDir } from "./paths.ts";

/** Returns the names of the packages that the command line of apt-get installs. */
export function requestedNames(argv: readonly string[]): string[] {
  const words = argv.slice(argv.indexOf("install") + 1);
  return words.filter((word) => !word.startsWith("-") && !word.endsWith("-")).map((word) => word.replace(/:.*$/, ""));
}

/** Returns the paths in the local repository that apt would read, from the output of `--print-uris`. */
export function repositoryPaths(stdout: string): string[] {
  const lines = stdout.matchAll(/^'file:([^']+)' /gm);
  const paths = [...lines].map(([, path = ""]) => decodeURIComponent(path));
  return paths
    .filter((path) => path.startsWith(`${repositoryDir}/`))
    .map((path) => path.slice(repositoryDir.length + 1));
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
