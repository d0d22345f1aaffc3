// Measures `bundle create` without a cache, compared with `apt-get update` and `apt-get install --download-only` of the
// same packages in a private root, and `bundle create` again with its cache. Needs `npm run build` and the network.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { packages } from "../src/bootstrap/recipe.ts";
import type { Measured } from "./inside.ts";
import { atMost, head, ratio, row, table } from "./table.ts";

const rounds = 5;
const program = `${import.meta.dir}/../dist/linux-x64/edox-ops`;
const folder = mkdtempSync(`${tmpdir()}/edox-bench-`);
const target = ["--suite", "bookworm", "--arch", "amd64", "--with", "host", "--program", "none"];

interface Ran {
  ms: number;
  peak: number;
}

function timed(argv: readonly string[], env: Record<string, string>): Ran {
  const start = performance.now();
  const { exitCode, stderr, resourceUsage } = Bun.spawnSync([...argv], { env: { ...process.env, ...env } });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} failed\n${stderr}`);
  return { ms: performance.now() - start, peak: resourceUsage.maxRSS / 1e6 };
}

function create(cache: string): Ran {
  return timed([program, "bundle", "create", ...target, "-o", `${folder}/bundle.tar`], { XDG_CACHE_HOME: cache });
}

/** Runs apt as an admin would, with the settings and sources of the bundle and its own ways of storing lists. */
function apt(cache: string): Ran {
  const own = `${cache}/edox-ops/bundle/bookworm-amd64`;
  const root = `${folder}/apt`;
  rmSync(root, { recursive: true, force: true });
  for (const name of ["lists/partial", "archives/partial", "state", "etc", "log"])
    mkdirSync(`${root}/${name}`, { recursive: true });
  const settings = readFileSync(`${own}/apt.conf`, "utf8").replaceAll(own, root);
  writeFileSync(`${root}/apt.conf`, settings.replace(/^.*(?:GzipIndexes|KeepCompressedAs).*\n/gm, ""));
  writeFileSync(`${root}/sources.list`, readFileSync(`${own}/sources.list`));
  writeFileSync(`${root}/state/status`, "");
  const env = { APT_CONFIG: `${root}/apt.conf` };
  const update = timed(["apt-get", "-q", "update"], env);
  const install = timed(["apt-get", "-q", "-y", "--download-only", "install", ...packages], env);
  return { ms: update.ms + install.ms, peak: Math.max(update.peak, install.peak) };
}

try {
  const all = ["apt-get update, install --download-only", "bundle create", "bundle create again"].map(
    (name): Measured => ({ name, times: [], children: 0, peak: 0 }),
  );
  const cache = `${folder}/cache`;
  mkdirSync(cache);
  create(cache);
  for (let round = 0; round < rounds; round++) {
    const ran = [apt(cache)];
    rmSync(cache, { recursive: true });
    ran.push(create(cache), create(cache));
    for (const [index, each] of all.entries()) {
      each.times.push(ran[index]?.ms ?? Number.NaN);
      each.peak = Math.max(each.peak, ran[index]?.peak ?? 0);
    }
  }
  const [one, first] = all;
  const goals = (each: Measured) => (each === first ? [atMost("× apt", ratio(each, one), 1.2)] : []);
  console.log(table([head(["× apt"]), ...all.map((each) => row(each, [one], goals(each)))]));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
