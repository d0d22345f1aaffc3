// Measures the share of a deploy that the search for vanished addresses takes, on an ext4 of its own. Needs root.
//   bun bench/guard.ts [ROUNDS]

import { rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { compile } from "../build/build.ts";
import { must } from "../test/integration/run.ts";
import type { GuardOnce } from "./guard-once.ts";
import { build, FileSystem, type Size } from "./sites.ts";
import { atMost, median, type Row, table } from "./table.ts";

const rounds = Number(process.argv[2] ?? 5);
const site: Size = { files: 19_800, bytes: 300_000_000, folders: 730, every: 100 };
const dir = "/var/tmp/edox-bench-guard";
const once = `${dir}/guard-once`;

/** What the second build does with its pages. Each is a shell command in its directory. */
const changes = [
  { name: "1 % changed, no address vanishes", script: "true" },
  { name: "1 % renamed", script: rename("page-*00.html") },
  { name: "10 % renamed", script: rename("page-*0.html") },
  { name: "10 % removed", script: `find . -name 'page-*0.html' -delete` },
  { name: "all pages in another folder", script: "mkdir docs && mv part-* docs" },
];

function rename(pattern: string): string {
  return `find . -name '${pattern}' -execdir sh -c 'for page; do mv "$page" "moved-\${page#./}"; done' sh {} +`;
}

function measure({ name, script }: (typeof changes)[0]): Row {
  using fs = new FileSystem("ext4");
  must(["mkdir", "-p", `${fs.dir}/etc`, `${fs.dir}/var/www/docs/demo`, `${fs.dir}/run`]);
  writeFileSync(`${fs.dir}/etc/group`, "root:x:0:\n");
  for (const version of [0, 1]) build(`${fs.dir}/srv/${version}`, version, site);
  must(["sh", "-c", `cd ${fs.dir}/srv/1 && ${script}`]);
  const found: GuardOnce[] = [];
  // Every second deploy takes back what the one before did. The first ones are not counted.
  for (let round = -3; round < 2 * rounds; round++) {
    must(["sync", "-f", fs.dir]);
    const each: GuardOnce = JSON.parse(must([once, fs.dir, `/srv/${round & 1}`]));
    if (round > 0 && (round & 1) === 1) found.push(each);
  }
  const of = (key: keyof GuardOnce): number => median(found.map((each) => each[key]));
  const share = median(found.map((each) => each.guard / each.deploy));
  const goal = atMost("of the deploy", share, 0.1);
  return [
    name,
    String(found.length),
    String(of("vanished")),
    String(of("moved")),
    of("deploy").toFixed(0),
    of("guard").toFixed(1),
    share.toFixed(3),
    median(found.map((each) => each.guardCpu / each.deployCpu)).toFixed(3),
    `${goal.text}: ${goal.met ? "met" : "missed"}`,
  ];
}

must(["mkdir", "-p", dir]);
try {
  await compile(`${import.meta.dir}/guard-once.ts`, once, "linux-x64");
  const head = [
    "",
    "runs",
    "vanished",
    "found elsewhere",
    "deploy ms",
    "search ms",
    "share",
    "share of processor",
    "goal",
  ];
  const rows = changes.map(measure);
  console.log(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}, load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log(`\n${table([head, ...rows])}`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
