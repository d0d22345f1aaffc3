// Compares the speed of the binary with an empty one that was compiled with the same flags. Also compares it with other
// tools on one bootstrapped host, and with apt-get on fresh ones. Shows the medians of one interleaved run and their
// ratios. Machines are noisy, so only the ratios are comparable.

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { compile } from "../build/build.ts";
import { must } from "../test/integration/run.ts";
import { whyNoHosts } from "../test/integration/test-host.ts";
import { benchHost, expect, installWatchers, measured } from "./bench-host.ts";
import { firstRuns } from "./first.ts";
import type { Command, Measured } from "./inside.ts";
import { peers } from "./peers.ts";
import { atLeast, atMost, type Goal, head, median, ratio, row, table } from "./table.ts";

const top = `${import.meta.dir}/..`;
const rounds = 40;
const floor = { name: "an empty binary: the floor", argv: ["empty"] };
const converged = { name: "edox-ops bootstrap --yes: ours", argv: ["edox-ops", "bootstrap", "--yes"] };
const doctor = { name: "edox-ops doctor", argv: ["edox-ops", "doctor"] };
const ours: Command[] = [
  floor,
  { name: "edox-ops --version", argv: ["edox-ops", "--version"] },
  { name: "edox-ops --help", argv: ["edox-ops", "--help"] },
  converged,
  doctor,
];

const why = whyNoHosts();
if (why !== null) throw new Error(why);
must(["/bin/sh", `${top}/test/need.sh`]);

const work = mkdtempSync(`${tmpdir()}/edox-bench-`);
try {
  const binaries = { empty: `${work}/empty/edox-ops`, full: `${work}/full/edox-ops` };
  await Bun.write(`${work}/empty.ts`, "export {};\n");
  await compile(`${work}/empty.ts`, binaries.empty, "linux-x64");
  await compile(`${top}/src/main.ts`, binaries.full, "linux-x64");
  console.log(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}, load ${loadavg()[0]?.toFixed(2)}`,
  );

  using host = await benchHost(binaries);
  expect(host.run(converged.argv));
  installWatchers(host);
  const commands = [...ours, ...peers(host)];
  printTable("A converged Debian 12", measured(host, { commands, rounds, warmUps: 2, watched: true }));

  // The size that a package status reaches after years.
  expect(
    host.sh(
      `for i in $(seq 6000); do printf 'Package: filler%d\\nStatus: install ok installed\\nVersion: 1\\nDescription: %0400d\\n\\n' $i 0; done >> /var/lib/dpkg/status`,
    ),
  );
  printTable(
    "The same with a package status of 3 MB",
    measured(host, { commands: ours, rounds, warmUps: 2, watched: false }),
  );

  expect(
    host.sh(`mkdir /srv/site; echo home >/srv/site/index.html
      for i in $(seq 200); do edox-ops project publish site$i --domain site$i.test --source /srv/site --quiet || exit; done`),
  );
  const sites = measured(host, { commands: [doctor], rounds: 10, warmUps: 2, watched: true });
  const rows = sites.map((each) => row(each, [], [atMost("ms", median(each.times), 1000)]));
  section("The same with 200 sites", [head([]), ...rows]);

  const [apt, first] = await firstRuns(binaries);
  if (apt === undefined || first === undefined) throw new Error("nothing was measured");
  const goal = atMost("× apt-get", ratio(first, apt), 1.1);
  section("A fresh Debian 12", [head(["× apt-get"]), row(apt, [apt]), row(first, [apt], [goal])]);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function printTable(title: string, all: readonly Measured[]): void {
  const named = (part: string): Measured | undefined => all.find(({ name }) => name.includes(part));
  const to = [named(floor.name), named(converged.name)];
  const rows = all.map((each) => row(each, to, goalsOf(each, to)));
  section(title, [head(["× floor", "× ours"]), ...rows]);
}

function goalsOf(each: Measured, [least, mine]: (Measured | undefined)[]): Goal[] {
  if (each === mine) {
    const childless = { text: "no child", met: each.children === 0 };
    return [atMost("× floor", ratio(each, least), 2.5), ...(each.children < 0 ? [] : [childless])];
  }
  if (each.name.startsWith("the Python edox-ops")) return [atLeast("× ours", ratio(each, mine), 80)];
  if (each.name.startsWith("pyinfra")) return [atLeast("× ours", ratio(each, mine), 30)];
  return [];
}

function section(title: string, rows: ReturnType<typeof row>[]): void {
  console.log(`\n${title}\n\n${table(rows)}`);
}
