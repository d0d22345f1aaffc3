// Compares a deploy with the minimum that it could cost and with two other methods, on an ext4 and a tmpfs of its own.
// Shows the medians of one interleaved run and their ratios. Two builds of a site alternate, so that all deploys are
// alike. Needs root and an otherwise idle machine, because it drops the page cache.
//   bun bench/deploy.ts [ROUNDS]

import { rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { compile } from "../build/build.ts";
import { must } from "../test/integration/run.ts";
import type { Once } from "./deploy-once.ts";
import { build, FileSystem, type Size } from "./sites.ts";
import { atLeast, atMost, type Goal, median, type Row, table } from "./table.ts";

const rounds = Number(process.argv[2] ?? 5);
const site: Size = { files: 19_800, bytes: 300_000_000, folders: 730, every: 100 };
const huge: Size = { files: 200_000, bytes: 400_000_000, folders: 7300, every: 100 };
const mostPeak = 120;
const binary = "/var/tmp/edox-bench-once/deploy-once";

const programs = `cat ${binary} >/dev/null; rsync --version >/dev/null; /usr/bin/python3 -c "import shutil, subprocess"; cp --version >/dev/null`;

type Caches = "warm" | "source warm, live tree cold" | "cold";

interface Contestant {
  name: string;
  /** The command to measure, for the build that is deployed next. */
  run: (source: string) => string[];
  /** A shell command for the cleanup, which is not timed. */
  after?: string;
}

interface Found {
  name: string;
  times: number[];
  /** Processor time of all its processes in milliseconds. */
  cpu: number[];
  peaks: number[];
}

/** The trees on one file system. */
class Ground {
  readonly root: string;
  readonly live: string;
  readonly python: string;
  readonly new: string;
  /** The index of the build that is live. */
  #live = 1;

  constructor(
    readonly fs: FileSystem,
    readonly size: Size,
    readonly keep: number,
  ) {
    this.root = fs.dir;
    this.live = `${this.root}/var/www/docs/demo`;
    this.python = `${fs.dir}/python`;
    this.new = `${fs.dir}/new`;
    must(["mkdir", "-p", `${this.root}/etc`, this.live, `${this.root}/run`]);
    writeFileSync(`${this.root}/etc/group`, "root:x:0:\n");
    for (const version of [0, 1]) build(`${this.root}/srv/${version}`, version, size);
    must(["sync", "-f", fs.dir]);
  }

  get sources(): [string, string] {
    return [`${this.root}/srv/0`, `${this.root}/srv/1`];
  }

  /** The build that is not live. */
  get next(): string {
    return this.sources[1 - this.#live] as string;
  }

  argv(): string[] {
    return [binary, this.root, `/srv/${1 - this.#live}`, String(this.keep)];
  }

  turned(): void {
    this.#live = 1 - this.#live;
  }

  deploy(): Once {
    const once: Once = JSON.parse(must(this.argv()));
    this.turned();
    return once;
  }

  clear(): void {
    must(["sh", "-c", `rm -rf "$0" "$0/../.edox-ops-backups" && mkdir "$0"`, this.live]);
  }
}

const floor: Contestant = {
  name: "`cp -al` and one read: the floor",
  run: (source) => ["sh", "-c", `cp -al "$LIVE" "$NEW" && find ${source} -type f -exec cat {} + >/dev/null`],
  after: `rm -rf "$NEW"`,
};
const ours: Contestant = { name: "a deploy", run: () => [] };
const rsync: Contestant = {
  name: "`rsync -a --checksum --link-dest`",
  run: (source) => ["sh", "-c", `rsync -a --checksum --link-dest="$LIVE" ${source}/ "$NEW"`],
  after: `rm -rf "$NEW"`,
};
const python: Contestant = {
  name: "the Python tool's way",
  run: (source) => [
    "sh",
    "-c",
    `/usr/bin/python3 ${import.meta.dir}/peers/deploy-tree.py ${source} "$PYTHON" "$PYTHON.backup"`,
  ],
  after: `rm -rf "$PYTHON.backup"`,
};
const copy: Contestant = {
  name: "`cp -a; sync -f`",
  run: (source) => ["sh", "-c", `cp -a ${source} "$NEW" && sync -f "$NEW"`],
  after: `rm -rf "$NEW"`,
};

function measure(ground: Ground, contestants: Contestant[], caches: Caches, count: number, first = false): Found[] {
  const found = contestants.map(({ name }) => ({ name, times: [], cpu: [], peaks: [] }) as Found);
  const env = { ...process.env, LIVE: ground.live, NEW: ground.new, PYTHON: ground.python };
  // The first round is not counted.
  for (let round = -1; round < count; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (turn + round + contestants.length) % contestants.length;
      const contestant = contestants[index] as Contestant;
      if (first && contestant === ours) ground.clear();
      prepare(ground, contestant, caches);
      const argv = contestant === ours ? ground.argv() : contestant.run(ground.next);
      const start = Bun.nanoseconds();
      const { exitCode, stdout, stderr, resourceUsage } = Bun.spawnSync(argv, { env, stdin: "ignore" });
      const ms = (Bun.nanoseconds() - start) / 1e6;
      if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${exitCode}\n${stderr}`);
      if (contestant === ours) ground.turned();
      if (contestant.after) must(["env", `NEW=${env.NEW}`, `PYTHON=${env.PYTHON}`, "sh", "-c", contestant.after]);
      if (round < 0) continue;
      found[index]?.times.push(ms);
      found[index]?.cpu.push(Number(resourceUsage?.cpuTime.total ?? 0) / 1000);
      if (contestant === ours) found[index]?.peaks.push((JSON.parse(stdout.toString()) as Once).peak);
    }
  }
  return found;
}

/** Writes pending data of the previous command to the disk, and prepares the caches. */
function prepare(ground: Ground, contestant: Contestant, caches: Caches): void {
  must(["sync", "-f", ground.fs.dir]);
  if (caches !== "warm") writeFileSync("/proc/sys/vm/drop_caches", "3");
  // Only the trees are cold: a real build has just used the files of the programs and of the system.
  if (caches !== "cold") must(["sh", "-c", programs]);
  const warm = caches === "cold" ? [] : [ground.next];
  if (caches === "warm") warm.push(contestant === python ? ground.python : ground.live);
  if (warm.length > 0) must(["sh", "-c", `find "$@" -type f -exec cat {} + >/dev/null`, "sh", ...warm]);
}

/**
 * Prints a table. `limits`: the maximum ratio to the first contestant, and the minimum speedup compared with both
 * peers.
 */
function printTable(title: string, found: Found[], limits: { floor: number; peers?: number }): void {
  const [least, mine, ...peers] = found;
  if (least === undefined || mine === undefined) throw new Error("nothing was measured");
  const times = (one: Found, other: Found): number => median(one.times) / median(other.times);
  const first = least.name === floor.name ? "× floor" : "× cp";
  const goals = [atMost(first, times(mine, least), limits.floor)];
  if (limits.peers !== undefined) {
    goals.push(atLeast("× faster", Math.min(...peers.map((peer) => times(peer, mine))), limits.peers));
  }
  goals.push(atMost("MB", Math.max(...mine.peaks), mostPeak));
  const rows: Row[] = [["", "runs", "median ms", "min to max", "CPU ms", first, "× ours", "peak MB", "goal"]];
  for (const each of found) {
    rows.push([
      each.name,
      String(each.times.length),
      median(each.times).toFixed(0),
      `${Math.min(...each.times).toFixed(0)} to ${Math.max(...each.times).toFixed(0)}`,
      median(each.cpu).toFixed(0),
      times(each, least).toFixed(2),
      times(each, mine).toFixed(2),
      each === mine ? Math.max(...each.peaks).toFixed(0) : "",
      each === mine ? goals.map(saidOf).join("; ") : "",
    ]);
  }
  console.log(`\n${title} (load ${loadavg()[0]?.toFixed(1)})\n\n${table(rows)}`);
}

function saidOf({ text, met }: Goal): string {
  return `${text}: ${met ? "met" : "missed"}`;
}

/**
 * Prints what compressed files cost: the same deploys without and with them, in turn, of a site of text and of one that
 * compression does not make smaller.
 */
function measurePrecompression(type: "ext4" | "tmpfs", text: boolean): void {
  using fs = new FileSystem(type);
  const { sources, root } = new Ground(fs, { ...site, text }, 5);
  const docs = `${root}/var/www/docs`;
  const ways = [
    { flags: [] as string[], tree: "demo" },
    { flags: ["precompress"], tree: "precompress" },
  ];
  const clear = (tree: string): string =>
    must(["sh", "-c", `rm -rf "$0/$1" "$0/.edox-ops-backups/$1" && mkdir -p "$0/$1"`, docs, tree]);
  const rows: Row[] = [["", "median ms", "precompressed", "×", "× CPU", "peak MB", "goal"]];
  const add = (what: string, limit: number, isFirst: boolean): void => {
    const found = ways.map(() => ({ times: [] as number[], cpu: [] as number[], peak: 0 }));
    // The first rounds are not counted: the spare tree and the records of the files have to be there.
    for (let round = isFirst ? -1 : -8; round < rounds; round++) {
      for (const turn of [round & 1, 1 - (round & 1)]) {
        const [{ flags, tree }, mine] = [ways[turn], found[turn]] as [(typeof ways)[0], (typeof found)[0]];
        if (isFirst || round === -8) clear(tree);
        must(["sync", "-f", root]);
        const start = Bun.nanoseconds();
        const argv = [binary, root, `/srv/${round & 1}`, "5", ...flags];
        const { exitCode, stdout, stderr, resourceUsage } = Bun.spawnSync(argv);
        const ms = (Bun.nanoseconds() - start) / 1e6;
        if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${exitCode}\n${stderr}`);
        if (round < 0) continue;
        mine.times.push(ms);
        mine.cpu.push(Number(resourceUsage?.cpuTime.total ?? 0));
        mine.peak = Math.max(mine.peak, (JSON.parse(stdout.toString()) as Once).peak);
      }
    }
    const [without, compressed] = found as [(typeof found)[0], (typeof found)[0]];
    const [wall, cpu] = [
      median(compressed.times) / median(without.times),
      median(compressed.cpu) / median(without.cpu),
    ];
    const cells = [
      median(without.times).toFixed(0),
      median(compressed.times).toFixed(0),
      wall.toFixed(2),
      cpu.toFixed(2),
    ];
    rows.push([what, ...cells, compressed.peak.toFixed(0), saidOf(atMost("×", wall, limit))]);
  };
  must(["sh", "-c", `find "$@" -type f -exec cat {} + >/dev/null`, "sh", ...sources]);
  add("first deploy", 1.6, true);
  add("1 % changed", 1.1, false);
  const what = text ? "a site of text" : "a site that does not shrink";
  console.log(`\nCompressed files, ${what}, ${type} (load ${loadavg()[0]?.toFixed(1)})\n\n${table(rows)}`);
}

/** Prints the disk space that one more deploy takes, including the backup of the old tree. */
function tellDisk(ground: Ground): void {
  const before = ground.fs.used();
  const { bytes, changed } = ground.deploy();
  const taken = ground.fs.used() - before;
  const folders = Number(
    must(["sh", "-c", `find "$0" -type d -printf '%b\\n' | awk '{ n += $1 } END { print n * 512 }'`, ground.live]),
  );
  // The last block of each file is half empty on average.
  const due = bytes + changed * 2048 + folders;
  const goal = atMost("× those", taken / due, 1.1);
  console.log(
    `\nNew disk of a deploy on ${ground.fs.type}: ${mega(taken)}; ${changed} changed files and all folders are ${mega(due)} (${saidOf(goal)})`,
  );
}

function mega(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

await compile(`${import.meta.dir}/deploy-once.ts`, binary, "linux-x64");
try {
  console.log(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}, ${must(["rsync", "--version"]).split("\n")[0]}`,
  );
  measurePrecompression("ext4", true);
  measurePrecompression("ext4", false);
  measurePrecompression("tmpfs", true);
  for (const type of ["ext4", "tmpfs"] as const) {
    using fs = new FileSystem(type);
    const ground = new Ground(fs, site, 5);
    printTable(`First deploy, ${type}`, measure(ground, [copy, ours], "warm", rounds, true), { floor: 1.2 });
    // The second deploy records the metadata of the files, once.
    ground.deploy();
    if (type === "ext4") tellDisk(ground);
    for (let i = 0; i < 7; i++) ground.deploy();
    must(["cp", "-a", ground.sources[0], ground.python]);
    const all = [floor, ours, rsync, python];
    printTable(`1 % changed, ${type}, warm`, measure(ground, all, "warm", rounds), { floor: 1, peers: 5 });
    if (type === "tmpfs") continue;
    const half = "source warm, live tree cold";
    printTable(`1 % changed, ${type}, ${half}`, measure(ground, all, half, rounds), { floor: 1.2, peers: 5 });
    printTable(`1 % changed, ${type}, cold`, measure(ground, all, "cold", Math.min(rounds, 3)), { floor: 1.3 });
  }
  using fs = new FileSystem("ext4");
  const ground = new Ground(fs, huge, 1);
  for (let i = 0; i < 4; i++) ground.deploy();
  printTable("200,000 files, 1 % changed, ext4, warm", measure(ground, [floor, ours], "warm", Math.min(rounds, 3)), {
    floor: 1.1,
  });
} finally {
  rmSync(binary.slice(0, binary.lastIndexOf("/")), { recursive: true, force: true });
}
