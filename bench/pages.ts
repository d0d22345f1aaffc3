// Measures how fast nginx sends a page that it compresses for each request, and one that a deploy compressed. Makes a test
// host, and installs the load generator wrk in it from Debian. Needs root and a built program.
//   bun bench/pages.ts [SUITE] [ROUNDS]

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import type { Suite } from "../test/integration/base.ts";
import { TestHost } from "../test/integration/test-host.ts";
import { median, type Row, table } from "./table.ts";

const suite = (process.argv[2] ?? "trixie") as Suite;
const rounds = Number(process.argv[3] ?? 5);
const pages = { large: 290_000, small: 13_000 };

interface Way {
  name: string;
  site: "dynamic" | "packed";
  accept: string;
}

const ways: Way[] = [
  { name: "not compressed", site: "dynamic", accept: "identity" },
  { name: "gzip for each request", site: "dynamic", accept: "gzip" },
  { name: "precompressed gzip", site: "packed", accept: "gzip" },
  { name: "precompressed brotli", site: "packed", accept: "br" },
];

/** Returns the text of the documentation, as a page of this size. */
function pageOf(bytes: number): string {
  const paths = [".", "docs"].flatMap((dir) => readdirSync(dir).map((name) => `${dir}/${name}`));
  const text = paths.flatMap((path) => (path.endsWith(".md") ? readFileSync(path, "utf8") : [])).join("\n");
  return `<!doctype html><title>Page</title><pre>${text.replaceAll("<", "&lt;")}`.slice(0, bytes);
}

const host = await TestHost.bare(suite);
try {
  mkdirSync(`${host.root}/srv/site`, { recursive: true });
  for (const [name, bytes] of Object.entries(pages)) {
    writeFileSync(`${host.root}/srv/site/${name}.html`, pageOf(bytes));
  }
  const { code, stdout, stderr } =
    host.sh(`set -e; export DEBIAN_FRONTEND=noninteractive; cp /srv/site/large.html /srv/site/index.html
    edox-ops bootstrap --yes --quiet
    apt-get -qq install -y --no-install-recommends wrk libnginx-mod-http-brotli-static >/dev/null
    edox-ops project publish dynamic --domain dynamic.test --source /srv/site --no-precompress --quiet
    edox-ops project publish packed --domain packed.test --source /srv/site --precompress --quiet
    sed -i 's/access_log .*;/access_log off;/' /etc/nginx/sites-available/edox-ops-*
    systemctl reload nginx`);
  if (code !== 0) throw new Error(stdout + stderr);
  console.log(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${suite}, ${host.sh("nginx -v 2>&1").stdout.trim()}`,
  );
  for (const [page, size] of Object.entries(pages)) {
    const found = ways.map(() => [] as number[]);
    for (let round = 0; round < rounds; round++)
      for (const [i, way] of ways.entries()) found[i]?.push(requestsASecond(way, page));
    const rows: Row[] = [["", "bytes", "× bytes", "requests a second", "× gzip for each request"]];
    for (const [i, way] of ways.entries()) {
      const [bytes, rate] = [bytesOf(way, page), median(found[i] ?? [])];
      const ratio = (rate / median(found[1] ?? [])).toFixed(1);
      rows.push([way.name, String(bytes), (bytes / size).toFixed(2), rate.toFixed(0), ratio]);
    }
    console.log(`\nA page of ${size} bytes (load ${loadavg()[0]?.toFixed(1)})\n\n${table(rows)}`);
  }
} finally {
  host.down();
}

function requestsASecond({ site, accept }: Way, page: string): number {
  const { stdout, stderr } = host.sh(
    `wrk -t1 -c16 -d3s -H 'Host: ${site}.test' -H 'Accept-Encoding: ${accept}' http://127.0.0.1:80/${page}`,
  );
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!rate || /Non-2xx/.test(stdout)) throw new Error(stdout + stderr);
  return rate;
}

function bytesOf({ site, accept }: Way, page: string): number {
  const flags = `-H 'Accept-Encoding: ${accept}' --resolve ${site}.test:80:127.0.0.1`;
  return Number(host.sh(`curl -s -o /dev/null -w '%{size_download}' ${flags} http://${site}.test/${page}`).stdout);
}
