// Compares a preview of a site with what a script could do with the same upload, on an ext4 of its own: the time from the
// end of the upload until it is live, and the disk that it takes. Needs root and an otherwise idle machine, because it
// drops the page cache.
//   bun bench/previews.ts [ROUNDS]

import { rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { compile } from "../build/build.ts";
import { must } from "../test/integration/run.ts";
import type { PreviewOnce } from "./preview-once.ts";
import { build, FileSystem, type Size } from "./sites.ts";
import { atMost, median, type Row, table } from "./table.ts";

const rounds = Number(process.argv[2] ?? 5);
const site: Size = { files: 19_800, bytes: 300_000_000, folders: 730, every: 100 };
/** The same files in few directories. */
const flat: Size = { ...site, folders: 27 };
/** Most of its bytes are in large files, as with downloads and videos. */
const heavy: Size = { files: 1000, bytes: 300_000_000, folders: 40, every: 100 };
const dir = "/var/tmp/edox-bench-previews";
const once = `${dir}/preview-once`;
const deployOnce = `${dir}/deploy-once`;

/** Each is a shell script, run with the upload on stdin. It ends when the preview is live. */
const ways = [
  { name: "a preview", live: "" },
  {
    name: "`tar -x`, and `rsync -a --checksum --link-dest`",
    live: `mkdir "$DIR" && tar -C "$DIR" -x && rsync -a --checksum --link-dest="$LIVE" "$DIR/" "$NEW"`,
  },
  { name: "`tar -x`, and a copy with no shared file", live: `mkdir "$NEW" && tar -C "$NEW" -x && sync -f "$NEW"` },
];

interface Found {
  /** Milliseconds from the end of the upload until it is live. */
  live: number[];
  /** Milliseconds of the whole run, with the upload. */
  whole: number[];
  peak: number;
}

/** The trees of one site: the live one, and the build that differs. */
class Ground {
  readonly root: string;
  readonly live: string;
  #previews = 0;

  constructor(
    readonly fs: FileSystem,
    readonly size: Size,
  ) {
    this.root = fs.dir;
    this.live = `${this.root}/var/www/docs/demo`;
    must(["mkdir", "-p", `${this.root}/etc`, this.live, `${this.root}/run`]);
    writeFileSync(`${this.root}/etc/group`, "root:x:0:\n");
    for (const version of [0, 1]) build(`${this.root}/srv/${version}`, version, size);
    must([deployOnce, this.root, "/srv/0", "5"]);
    must(["sync", "-f", fs.dir]);
  }

  /** Runs a command with the upload on stdin, and returns the times of its end and of the end of the upload. */
  upload(run: string, env: Record<string, string>): { ended: number; closed: number; started: number; stdout: string } {
    const end = `${dir}/end`;
    const script = `{ tar -C ${this.root}/srv/1 -c .; date +%s%3N >${end}; } | { ${run}\n}`;
    const started = Date.now();
    const stdout = must(["env", ...Object.entries(env).map(([key, value]) => `${key}=${value}`), "sh", "-c", script]);
    const closed = Number(must(["cat", end]));
    return { started, ended: Date.now(), closed, stdout };
  }

  /** Deploys one more preview. */
  preview(): { live: number; whole: number; once: PreviewOnce; tree: string } {
    this.#previews += 1;
    const name = `pr-${this.#previews}`;
    const { started, ended, closed, stdout } = this.upload(`${once} ${this.root} ${name}`, {});
    const found: PreviewOnce = JSON.parse(stdout);
    const tree = `${this.root}/var/www/docs/.edox-ops-previews/demo/-/${name}`;
    return { live: found.liveAt - closed, whole: ended - started, once: found, tree };
  }
}

function measure(ground: Ground, isWarm: boolean): Found[] {
  const found: Found[] = ways.map(() => ({ live: [], whole: [], peak: 0 }));
  const env = { LIVE: ground.live, DIR: `${ground.root}/unpacked`, NEW: `${ground.root}/new` };
  // The first round is not counted.
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const index = (turn + round + ways.length) % ways.length;
      const [way, mine] = [ways[index], found[index]] as [(typeof ways)[0], Found];
      must(["sync", "-f", ground.fs.dir]);
      writeFileSync("/proc/sys/vm/drop_caches", "3");
      const warm = [`${ground.root}/srv/1`, ...(isWarm ? [ground.live] : [])];
      must(["sh", "-c", `cat ${once} >/dev/null; find "$@" -type f -exec cat {} + >/dev/null`, "sh", ...warm]);
      const { live, whole, peak } = way.live === "" ? ours(ground) : theirs(ground, way.live, env);
      if (round < 0) continue;
      mine.live.push(live);
      mine.whole.push(whole);
      mine.peak = Math.max(mine.peak, peak);
    }
  }
  return found;
}

function ours(ground: Ground): { live: number; whole: number; peak: number } {
  const { live, whole, once } = ground.preview();
  return { live, whole, peak: once.peak };
}

function theirs(
  ground: Ground,
  run: string,
  env: Record<string, string>,
): { live: number; whole: number; peak: number } {
  const { started, ended, closed } = ground.upload(run, env);
  must(["rm", "-rf", env.DIR as string, env.NEW as string]);
  return { live: ended - closed, whole: ended - started, peak: 0 };
}

function printTimes(title: string, found: Found[]): void {
  const [mine] = found as [Found];
  const rows: Row[] = [["", "runs", "upload's end to live, ms", "min to max", "× ours", "whole ms", "peak MB", "goal"]];
  for (const [i, each] of found.entries()) {
    const goals = [atMost("ms", median(each.live), 2000), atMost("MB", each.peak, 120)];
    rows.push([
      ways[i]?.name ?? "",
      String(each.live.length),
      median(each.live).toFixed(0),
      `${Math.min(...each.live)} to ${Math.max(...each.live)}`,
      (median(each.live) / median(mine.live)).toFixed(2),
      median(each.whole).toFixed(0),
      each === mine ? each.peak.toFixed(0) : "",
      each === mine ? goals.map(({ text, met }) => `${text}: ${met ? "met" : "missed"}`).join("; ") : "",
    ]);
  }
  console.log(`\n${title} (load ${loadavg()[0]?.toFixed(1)})\n\n${table(rows)}`);
}

/** Returns the row of a site: what one more preview takes, and what its parts are. */
function diskOf(what: string, size: Size): Row {
  using fs = new FileSystem("ext4");
  const ground = new Ground(fs, size);
  // The directories that all previews share are made by the first one.
  ground.preview();
  const before = fs.used();
  const { once, tree } = ground.preview();
  const taken = fs.used() - before;
  const blocks = (...tests: string[]): number =>
    Number(
      must(["sh", "-c", `find "$@" -printf '%b\\n' | awk '{ n += $1 } END { print n * 512 }'`, "sh", tree, ...tests]),
    );
  const [files, folders] = [blocks("-type", "f", "-links", "1"), blocks("-type", "d")];
  const emptyBefore = fs.used();
  must(["cp", "-al", ground.live, `${ground.root}/links`]);
  const links = fs.used() - emptyBefore;
  const goal = atMost("×", taken / once.bytes, 1.1);
  const count = must(["sh", "-c", `find "$0" -type d | wc -l`, tree]).trim();
  return [
    what,
    String(size.files),
    count,
    ...[once.bytes, files, folders, links, taken].map((bytes) => (bytes / 1e6).toFixed(2)),
    (taken / once.bytes).toFixed(2),
    (taken / (files + folders)).toFixed(2),
    `${goal.text} the changed bytes: ${goal.met ? "met" : "missed"}`,
  ];
}

must(["mkdir", "-p", dir]);
try {
  await compile(`${import.meta.dir}/preview-once.ts`, once, "linux-x64");
  await compile(`${import.meta.dir}/deploy-once.ts`, deployOnce, "linux-x64");
  console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}`);
  {
    using fs = new FileSystem("ext4");
    const ground = new Ground(fs, site);
    printTimes("A preview, 300 MB in 19,800 files, 1 % changed, live tree warm", measure(ground, true));
    printTimes("The same, live tree cold", measure(ground, false));
  }
  const head = [
    ...["", "files", "directories", "changed, MB", "their blocks", "blocks of directories", "`cp -al`", "taken, MB"],
    ...["× changed", "× blocks", "goal"],
  ];
  const rows = [
    diskOf("730 directories", site),
    diskOf("27 directories", flat),
    diskOf("1,000 files of 300 kB", heavy),
  ];
  console.log(`\nThe disk of one more preview, ext4\n\n${table([head, ...rows])}`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
