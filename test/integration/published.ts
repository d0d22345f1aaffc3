// The generated sites on a test host, and deploys of them as a CI job does.

import type { SiteReader } from "./site-reader.ts";
import type { TestHost } from "./test-host.ts";

export interface Published {
  host: TestHost;
  reader: SiteReader;
  /** The folder of the generated sites. */
  sites: string;
}

/** Deploys a directory of the host as a tar on stdin. `words`: the project and the flags. */
export function deployTar(host: TestHost, dir: string, words: string): { code: number; stderr: string } {
  const { code, stderr } = host.sh(`set -o pipefail; tar -C ${dir} -c . | edox-ops project deploy ${words} -`);
  return { code, stderr };
}
