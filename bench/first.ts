// Compares the first bootstrap with a plain apt-get of the same packages. Each run has a host of its own, in turn.

import { type Binaries, benchHost, expect, installWatchers, measured } from "./bench-host.ts";
import type { Command, Measured } from "./inside.ts";

const rounds = 5;
const apt = "apt-get -q -y --no-install-recommends";
const commands: Command[] = [
  {
    name: "apt-get update && apt-get install",
    argv: [
      ...["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c"],
      `apt-get -q update && ${apt} install nginx git curl rsync ca-certificates`,
    ],
  },
  { name: "first bootstrap", argv: ["edox-ops", "bootstrap", "--yes"] },
];

/** The runs of apt-get, and ours. */
export async function firstRuns(binaries: Binaries): Promise<Measured[]> {
  const found: Measured[] = [];
  // The run under strace is not timed, and fills the cache.
  for (const command of commands) {
    using host = await benchHost(binaries);
    installWatchers(host);
    found.push(...measured(host, { commands: [command], rounds: 0, warmUps: 0, watched: true }));
  }
  const packages = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
      using host = await benchHost(binaries);
      const spec = { commands: commands.slice(index, index + 1), rounds: 1, warmUps: 0, watched: false };
      found[index]?.times.push(...measured(host, spec).flatMap(({ times }) => times));
      packages.add(expect(host.run(["dpkg-query", "-W"])));
    }
  }
  if (packages.size !== 1) throw new Error("the two did not install the same packages");
  return found;
}
