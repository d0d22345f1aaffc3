// Measures how much 10,000 redirects cost the pages of a site: the processor time of nginx for each request, with rules and
// without. Makes a test host, and installs the load generator wrk in it from Debian. Needs root and a built program.
//   bun bench/rules.ts [SUITE] [ROUNDS]

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import type { Suite } from "../test/integration/base.ts";
import { TestHost } from "../test/integration/test-host.ts";
import { median, type Row, table } from "./table.ts";

const rules = 10_000;
const pageBytes = 13_000;

/** Returns redirects of different folders, as a reorganized site has them. `mark`: "!" for rules that precede files. */
export function redirectsText(count: number, mark: "" | "!"): string {
  const line = (_: unknown, i: number): string =>
    `/docs/v${i % 7}/chapter-${i % 31}/page-number-${i} /guide/section-${i % 13}/page-${i} 301${mark}\n`;
  return Array.from({ length: count }, line).join("");
}

/**
 * Publishes a site without rules, one with rules, and one with rules that precede files, on a host that is set up.
 * Returns the processor time of nginx for one request of a page, as a ratio to the site without rules.
 */
export function costOfRules(host: TestHost, rounds: number): { rules: number; forced: number } {
  const sites = { none: null, rules: redirectsText(rules, ""), forced: redirectsText(rules, "!") };
  for (const [name, text] of Object.entries(sites)) {
    mkdirSync(`${host.root}/srv/${name}`, { recursive: true });
    writeFileSync(`${host.root}/srv/${name}/index.html`, "x".repeat(pageBytes));
    if (text !== null) writeFileSync(`${host.root}/srv/${name}/_redirects`, text);
    const publish = `edox-ops project publish ${name} --domain ${name}.test --source /srv/${name} --quiet`;
    const { code, stderr } = host.sh(publish);
    if (code !== 0) throw new Error(stderr);
  }
  const found = { none: [] as number[], rules: [] as number[], forced: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const name of ["none", "rules", "forced"] as const) found[name].push(ticksARequest(host, name));
  }
  const none = median(found.none);
  return { rules: median(found.rules) / none, forced: median(found.forced) / none };
}

/** Returns the processor time of nginx's workers for one request, which other programs hardly influence. */
function ticksARequest(host: TestHost, site: string): number {
  const before = workerTicks(host);
  const { stdout } = host.sh(`wrk -t1 -c16 -d4s -H 'Host: ${site}.test' http://127.0.0.1:80/`);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!requests || /Non-2xx/.test(stdout)) throw new Error(stdout);
  return (workerTicks(host) - before) / requests;
}

function workerTicks(host: TestHost): number {
  const { stdout } = host.sh("cat $(pgrep -f 'nginx: worker' | sed 's,.*,/proc/&/stat,')");
  // Fields 14 and 15 of proc(5), which follow the command in parentheses.
  const fields = stdout
    .trim()
    .split("\n")
    .map((line) => line.slice(line.lastIndexOf(")") + 2).split(" "));
  return fields.reduce((sum, each) => sum + Number(each[11]) + Number(each[12]), 0);
}

if (import.meta.main) {
  const host = await TestHost.bare((process.argv[2] ?? "trixie") as Suite);
  try {
    const { code, stderr } = host.sh(`set -e; export DEBIAN_FRONTEND=noninteractive; edox-ops bootstrap --yes --quiet
      apt-get -qq install -y --no-install-recommends wrk >/dev/null`);
    if (code !== 0) throw new Error(stderr);
    const cost = costOfRules(host, Number(process.argv[3] ?? 5));
    const rows: Row[] = [
      ["", "× processor time of a request without rules"],
      [`${rules} redirects`, cost.rules.toFixed(3)],
      [`${rules} redirects with !`, cost.forced.toFixed(3)],
    ];
    console.log(
      `${readFileSync(`${host.root}/etc/os-release`, "utf8").split("\n")[0]} (load ${loadavg()[0]?.toFixed(1)})`,
    );
    console.log(table(rows));
  } finally {
    host.down();
  }
}
