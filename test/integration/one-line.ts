// The one-line installation as an operator types it: the installer is fetched over HTTPS, installs the program, and
// bootstraps a bare host.

import { expect } from "bun:test";
import { version } from "../../package.json";
import type { TestHost } from "./test-host.ts";

/** The address of the releases, by the name that a host uses for this machine. */
export const base = "https://gateway";
export const target = "/usr/local/bin/edox-ops";

/** Verifies the result and prints the duration of each part. `deb` is the asset to fetch. */
export function oneLine(host: TestHost, called: string, deb: string): void {
  const apt = "apt-get update -qq && apt-get install -y -qq --no-install-recommends curl ca-certificates";
  const curl = timed(() => expect(host.sh(`DEBIAN_FRONTEND=noninteractive; ${apt}`)).toMatchObject({ code: 0 }));
  const line = `curl -fsSL ${base}/permalink/latest/downloads/install.sh | sh -s -- bootstrap --yes`;
  // Prefixes every line with its time, in microseconds.
  const stamped = `{ ${line}; } 2>&1 | while IFS= read -r each; do echo "$EPOCHREALTIME $each"; done; exit $PIPESTATUS`;
  const start = Date.now();
  const { code, stdout } = host.sh(`set -o pipefail; ${stamped}`);
  const end = Date.now();
  const lines = stdout.trimEnd().split("\n");
  const said = lines.map((each) => each.replace(/^\S+ /, ""));
  const at = (text: string): number => Number(lines[said.indexOf(text)]?.split(" ")[0]) * 1000;
  const url = `${base}/v${version}/downloads/${deb}`;
  const fetching = `fetching ${url}`;
  const installed = `edox-ops ${version} is installed: ${target}`;
  expect(said.slice(0, 2)).toEqual([fetching, installed]);
  expect(said.at(-1)).toBe("Bootstrap installation phase completed successfully.");
  expect(code).toBe(0);

  const download = timed(() => host.sh(`curl -fsSo /root/${deb} ${url}`));
  const unpack = timed(() => host.sh(`dpkg-deb --fsys-tarfile /root/${deb} | tar -xOf - ./usr/bin/edox-ops >/root/x`));
  const parts = {
    "curl by apt": curl,
    "script to its first byte of the binary": at(fetching) - start,
    "binary in its place": at(installed) - at(fetching),
    "of that download": download,
    "of that unpack": unpack,
    "apt and nginx": end - at(installed),
  };
  const figures = Object.entries(parts).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(2)} s`);
  console.log(`${called}: ${figures.join(", ")}`);
}

/** Returns the duration of an operation in milliseconds. */
function timed(action: () => void): number {
  const start = performance.now();
  action();
  return Math.round(performance.now() - start);
}
