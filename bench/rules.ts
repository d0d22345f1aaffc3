// Measures what redirect rules cost each request: the same site with 10,000 rules and with none, in turn. Makes a test
// host, and installs the load generator wrk in it from Debian. Needs root and a built program.
//   bun bench/rules.ts [SUITE] [ROUNDS]

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import type { Suite } from "../test/integration/base.ts";
import { TestHost } from "../test/integration/test-host.ts";
import { expect } from "./bench-host.ts";
import { atMost, median, type Row, table } from "./table.ts";

const suite = (process.argv[2] ?? "trixie") as Suite;
const rounds = Number(process.argv[3] ?? 7);
const count = 10_000;
const sites = ["plain", "ruled"] as const;

/** What is requested of both sites. The rules match only the last. */
const requests = [
  { name: "a page", path: "/guide/page-7", both: true },
  { name: "an asset with a hash in its name", path: "/assets/app.b6XkLNcH.js", both: true },
  { name: "a missing page", path: "/guide/missing", both: true },
  { name: "a redirect", path: "/old/page-9900", both: false },
];

/** Returns the text of `_redirects`: mostly moved pages, and a few patterns. */
function rules(): string {
  const pattern = (i: number): string =>
    i % 2 === 0 ? `/blog-${i}/* /archive-${i}/:splat 301` : `/users-${i}/:name/posts /posts-${i}/:name 302`;
  const lines = Array.from({ length: count }, (_, i) => {
    return i % 100 === 99 ? pattern(i) : `/old/page-${i} /guide/page-${i % 50} 301`;
  });
  return `${lines.join("\n")}\n`;
}

function write(dir: string, isRuled: boolean): void {
  for (const name of ["guide", "assets"]) mkdirSync(`${dir}/${name}`, { recursive: true });
  const page = (title: string): string =>
    `<!doctype html><title>${title}</title>${"<p>Text of a page.</p>\n".repeat(600)}`;
  writeFileSync(`${dir}/index.html`, page("Home"));
  writeFileSync(`${dir}/404.html`, page("Not found"));
  writeFileSync(`${dir}/assets/app.b6XkLNcH.js`, "console.log(1);\n".repeat(600));
  for (let i = 0; i < 50; i++) writeFileSync(`${dir}/guide/page-${i}.html`, page(`Page ${i}`));
  if (isRuled) writeFileSync(`${dir}/_redirects`, rules());
}

interface Load {
  /** Requests a second. */
  rate: number;
  /** Median and 99th percentile in microseconds. */
  half: number;
  most: number;
  /** Processor time of nginx for each request in microseconds, which other programs affect less. */
  cpu: number;
}

function load(host: TestHost, site: string, path: string): Load {
  const argv = `wrk -t1 -c4 -d3s --latency -H 'Host: ${site}.test' http://127.0.0.1:80${path}`;
  const before = processorMs(host);
  const { stdout, stderr } = host.sh(argv);
  const spent = processorMs(host) - before;
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const requested = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (!rate || !requested) throw new Error(stdout + stderr);
  return { rate, half: latencyIn(stdout, "50"), most: latencyIn(stdout, "99"), cpu: (spent * 1000) / requested };
}

/** Returns the processor time of all processes of nginx so far, in milliseconds. A tick of the kernel is 10 ms. */
function processorMs(host: TestHost): number {
  const stats = expect(host.sh("cat $(pgrep -x nginx | sed 's,.*,/proc/&/stat,')")).trim().split("\n");
  const ticks = stats.map((line) => {
    const [user = 0, system = 0] = line.replace(/.*\) /, "").split(" ").slice(11, 13).map(Number);
    return user + system;
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

/** Returns a percentile of wrk's output in microseconds. */
function latencyIn(output: string, percentile: string): number {
  const [, value = "", unit = ""] = new RegExp(`^\\s+${percentile}%\\s+([\\d.]+)(us|ms|s)$`, "m").exec(output) ?? [];
  const factors: Record<string, number> = { us: 1, ms: 1e3, s: 1e6 };
  return Number(value) * (factors[unit] ?? Number.NaN);
}

function statusOf(host: TestHost, site: string, path: string): string {
  const out = "-sS -o /dev/null -w '%{http_code} %{redirect_url}'";
  return expect(host.sh(`curl ${out} --resolve ${site}.test:80:127.0.0.1 http://${site}.test${path}`)).trim();
}

function measure(host: TestHost): void {
  const rows: Row[] = [
    [
      "",
      "response",
      "requests a second",
      "with rules, ×",
      "median µs",
      "with rules, ×",
      "processor µs",
      "with rules, ×",
      "99 % µs",
      "with rules, ×",
      "goal",
    ],
  ];
  for (const { name, path, both } of requests) {
    const found = sites.map(() => [] as Load[]);
    // The first round is not counted.
    for (let round = -1; round < rounds; round++) {
      for (const turn of [0, 1]) {
        const index = (turn + round + 2) % 2;
        const each = load(host, sites[index] as string, path);
        if (round >= 0) found[index]?.push(each);
      }
    }
    const of = (index: number, key: keyof Load): number => median((found[index] ?? []).map((each) => each[key]));
    const ratio = (key: keyof Load): number => of(1, key) / of(0, key);
    const goal = atMost("× latency", ratio("half"), 1.05);
    rows.push([
      name,
      statusOf(host, "ruled", path).replace("http://ruled.test", ""),
      of(0, "rate").toFixed(0),
      ratio("rate").toFixed(3),
      of(0, "half").toFixed(0),
      ratio("half").toFixed(3),
      of(0, "cpu").toFixed(1),
      ratio("cpu").toFixed(3),
      of(0, "most").toFixed(0),
      ratio("most").toFixed(3),
      both ? `${goal.text}: ${goal.met ? "met" : "missed"}` : "",
    ]);
  }
  console.log(`\n${count} rules and none (load ${loadavg()[0]?.toFixed(1)})\n\n${table(rows)}`);
}

const host = await TestHost.bare(suite);
try {
  for (const site of sites) write(`${host.root}/srv/${site}`, site === "ruled");
  const publish = (site: string): string =>
    `edox-ops project publish ${site} --domain ${site}.test --source /srv/${site} --quiet`;
  expect(
    host.sh(`set -e; export DEBIAN_FRONTEND=noninteractive
    edox-ops bootstrap --yes --quiet
    apt-get -qq install -y --no-install-recommends wrk >/dev/null
    ${sites.map(publish).join("\n")}
    sed -i 's/access_log .*;/access_log off;/' /etc/nginx/sites-available/edox-ops-*
    systemctl reload nginx`),
  );
  const found = statusOf(host, "ruled", "/old/page-9900");
  if (found !== "301 http://ruled.test/guide/page-0") throw new Error(`the rules are not in use: ${found}`);
  console.log(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${suite}, ${host.sh("nginx -v 2>&1").stdout.trim()}`,
  );
  const memory = host.sh("ps -o rss= -C nginx | sort -n | tail -1").stdout.trim();
  console.log(`The largest process of nginx: ${(Number(memory) / 1024).toFixed(0)} MiB`);
  measure(host);
} finally {
  host.down();
}
