// Runs every check, prints one line for each part, and a line with the sum at the end.
//   bun test/all.ts [--fast]: without the binaries, in seconds

import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { coberturaXml, readLcov } from "./cobertura.ts";
import { aptCache } from "./integration/apt-cache.ts";
import { suites } from "./integration/base.ts";

const top = `${import.meta.dir}/..`;
/** Required share of the lines of src. */
const wantedCoverage = 0.9;
const fast = process.argv.includes("--fast");
/** The integration files that take over a minute and a half, the longest first. */
const longest =
  "site runner takeover selftest harness odd-host https project bundle generated bundle-use ci-killed hardening-rest hardening-states killed certs doctor pipeline hardening-firewall network release deploy-killed update signal".split(
    " ",
  );
/** A part that still runs after this time is stopped. The longest one takes eight minutes on a fresh machine. */
const partLimitMs = 25 * 60_000;
const outputs = mkdtempSync(`${tmpdir()}/edox-outputs-`);
let started = 0;
const processors = Math.max(2, availableParallelism());
const tool = (name: string): string => `${top}/node_modules/.bin/${name}`;

let passed = 0;
let failed = 0;
/** For each failed part, the command that runs it alone. */
const again = new Set<string>();
/** What the failed tests printed. It is repeated at the end, because a long log is often shown without its middle. */
const failures: string[] = [];

const lint = part("format and lint", [tool("biome"), "ci", "--colors=off", "--error-on-warnings", "."]);
// What an earlier run found about unchanged files is used again.
const checked = `${top}/.cache/types.tsbuildinfo`;
const types = part("types", [tool("tsc"), "-p", ".", "--incremental", "--tsBuildInfoFile", checked]);
const groups = readdirSync(import.meta.dir, { withFileTypes: true }).filter((each) => each.isDirectory());
const apart = ["binary", "install", "integration", "soak"];
const inProcess = groups.map(({ name }) => name).filter((name) => !apart.includes(name));
const paths = inProcess.map((name) => `./test/${name}/`);
/** Files that start many processes, or unpack hundreds of megabytes. `--fast` leaves them out. */
const heavyFiles = "sites/archive-stdin sites/archive-refused engine/journal-killed host/console hints/hints".split(
  " ",
);
const memory = memoryFolder();
try {
  // Two workers for each processor: many tests wait for a pause or a process, but each worker loads all of src.
  // A test that takes a second alone may take ten beside other programs.
  const flags = [`--parallel=${2 * processors}`, "--no-isolate", "--timeout=30000"];
  // The files that took longest in the last run start first.
  flags.push(`--timings=${top}/.cache/test-timings.json`, "--update-timings");
  flags.push("--coverage", "--coverage-reporter=lcov", "--coverage-dir=coverage");
  if (fast) flags.push(...heavyFiles.map((file) => `--path-ignore-patterns=test/${file}.test.ts`));
  await tests("fast", paths, flags, { TMPDIR: memory });
} finally {
  rmSync(memory, { recursive: true, force: true });
}
await Promise.all([lint, types]);
await coverage();
if (!fast) {
  await prepare();
  // Otherwise each file would fetch the same packages again.
  process.env.EDOX_APT_CACHE = String(await aptCache());
  await hosts();
}
rmSync(outputs, { recursive: true, force: true });
await Bun.write(`${top}/junit.xml`, await merged());
for (const each of failures) console.log(each);
for (const line of again) console.log(`to repeat it: ${line}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/** Prepares this machine for the tests of hosts. */
async function prepare(): Promise<void> {
  await part("Debian packages for the tests", ["/bin/sh", "test/need.sh"]);
  // The build starts a program of arm64 with one of those packages.
  const build = part("build", [process.execPath, "build/build.ts"]);
  const bases = suites.map((suite) => part(`bare ${suite}`, [process.execPath, "test/integration/base.ts", suite]));
  await Promise.all([build, ...bases]);
}

async function part(name: string, argv: string[]): Promise<void> {
  const { ok, text, seconds } = await run(argv);
  count(name, ok, seconds, ok ? "" : text);
  if (!ok) again.add(deskLine(argv));
}

/**
 * Creates the directory for the temporary trees of in-process tests. It is in memory, where the fsync of a deploy does
 * not wait for a shared disk. If memory is small or does not allow programs to run, the usual temporary directory is
 * used.
 */
function memoryFolder(): string {
  const shared = "/dev/shm";
  let usual = tmpdir();
  try {
    accessSync(shared, constants.W_OK);
    const { bavail, bsize } = statfsSync(shared);
    const options = /^\S+ \/dev\/shm tmpfs (\S+)/m.exec(readFileSync("/proc/mounts", "utf8"))?.[1]?.split(",");
    if (bavail * bsize >= 2 ** 31 && options && !options.includes("noexec")) usual = shared;
  } catch {}
  return mkdtempSync(`${usual}/edox-tests-`);
}

/**
 * Runs a program and returns all that it printed. Its output goes to a file: with a pipe, a daemon that outlives it would
 * be waited for.
 */
async function run(
  argv: string[],
  env: Record<string, string> = {},
): Promise<{ ok: boolean; text: string; seconds: string }> {
  const start = performance.now();
  const path = `${outputs}/${++started}`;
  const output = openSync(path, "a");
  const child = Bun.spawn(argv, {
    cwd: top,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdin: "ignore",
    stdout: output,
    stderr: output,
    timeout: partLimitMs,
    killSignal: "SIGKILL",
  });
  closeSync(output);
  const code = await child.exited;
  const ended = performance.now() - start;
  const late = ended < partLimitMs ? "" : `\nstopped, because it ran for ${partLimitMs / 60_000} minutes\n`;
  return { ok: code === 0, text: readFileSync(path, "utf8") + late, seconds: (ended / 1000).toFixed(1) };
}

/** Returns the command as it is typed in the project's directory. */
function deskLine([program = "", ...rest]: string[]): string {
  const words = program === process.execPath ? ["node", "build/bun.mjs"] : [program];
  return [...words, ...rest].map((word) => word.replace(`${top}/`, "")).join(" ");
}

function count(name: string, ok: boolean, seconds: string, text = ""): void {
  if (ok) passed += 1;
  else failed += 1;
  console.log(`${ok ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (text) console.log(text);
}

/**
 * Makes what several files use, and runs the tests of the binary, of the installer and of hosts: two more at once than
 * there are processors, because hosts wait for each other and for the network. Each file has its own hosts. If a single
 * file fails, it is repeated alone, because four hosts on two processors can delay each other by minutes.
 */
async function hosts(): Promise<void> {
  const states = ["ci-packages", "bootstrapped", "with-ssh"];
  const made = [["sites"], ...states.flatMap((state) => suites.map((suite) => [state, suite]))];
  const found = [...new Bun.Glob("./test/integration/*.test.ts").scanSync(top)].sort();
  // A long file that starts last would leave the other processors with nothing to do.
  const files = [...new Set([...longest.map((name) => `./test/integration/${name}.test.ts`), ...found])];
  const shared = mkdtempSync(`${tmpdir()}/edox-undisturbed-`);
  const broken: { name: string; found: Counts; alone: () => Promise<Counts> }[] = [];
  const job = (name: string, path: string, timeoutMs: number) => async (): Promise<void> => {
    const alone = () => tests(name, [path], [`--timeout=${timeoutMs}`], { EDOX_UNDISTURBED: shared });
    const found = await alone();
    if (found.bad > 0) broken.push({ name, found, alone });
  };
  const jobs: (() => Promise<void>)[] = files.map((file) =>
    job(`host ${file.replace(/^.*\/|\.test\.ts$/g, "")}`, file, 600_000),
  );
  jobs.splice(longest.length, 0, job("binary", "./test/binary/", 120_000), job("install", "./test/install/", 120_000));
  // A file that starts before its state is complete waits for it.
  jobs.unshift(
    ...made.map(([program, ...suite]) => () => {
      const name = [program, ...suite].join(" ");
      return part(name, [process.execPath, `test/integration/${program}.ts`, ...suite]);
    }),
  );
  const worker = async (): Promise<void> => {
    for (let next = jobs.shift(); next !== undefined; next = jobs.shift()) await next();
  };
  try {
    await Promise.all(Array.from({ length: processors + 2 }, worker));
    const [only, ...others] = broken;
    if (only && others.length === 0) {
      console.log(`${only.name} tests, repeated alone:`);
      const { good, bad } = only.found;
      passed -= good;
      failed -= bad;
      failures.push(`${only.name} tests: ${bad} failed beside other files, ${(await only.alone()).bad} alone`);
    }
  } finally {
    rmSync(shared, { recursive: true, force: true });
  }
}

interface Counts {
  good: number;
  /** At least one if the run did not succeed. */
  bad: number;
}

/** Runs test files and counts their tests. */
async function tests(
  name: string,
  paths: string[],
  flags: string[],
  env: Record<string, string> = {},
): Promise<Counts> {
  const report = `coverage/junit-${name.replace(" ", "-")}.xml`;
  await Bun.file(`${top}/${report}`)
    .delete()
    .catch(() => undefined);
  const junit = ["--reporter=junit", `--reporter-outfile=${report}`];
  const { ok, text, seconds } = await run([process.execPath, "test", ...flags, ...junit, ...paths], env);
  const xml = await Bun.file(`${top}/${report}`)
    .text()
    .catch(() => "");
  const [, all = "0", reported = "0"] = /<testsuites [^>]*tests="(\d+)"[^>]*failures="(\d+)"/.exec(xml) ?? [];
  const good = Number(all) - Number(reported);
  const bad = Math.max(Number(reported), ok ? 0 : 1);
  passed += good;
  failed += bad;
  if (!ok)
    again.add(deskLine([process.execPath, "test", ...flags.filter((each) => each.includes("timeout")), ...paths]));
  console.log(`${ok ? "ok    " : "FAILED"} ${name} tests: ${all} (${seconds} s)`);
  if (!ok) console.log(text);
  failures.push(...failedIn(text));
  return { good, bad };
}

/** Returns the last lines that each failed test printed, with its title. */
function failedIn(text: string): string[] {
  const blocks = text.split(/^(?=\((?:pass|fail)\) )/m);
  return blocks.flatMap((block, i) => {
    const title = /^\(fail\) .*/.exec(block)?.[0];
    const printed = blocks[i - 1]?.split("\n").slice(1).join("\n").trim();
    // A run with several failures repeats their titles at its end.
    return title && printed && !/^\d+ tests failed:$/.test(printed) ? [`${printed.slice(-2000)}\n${title}`] : [];
  });
}

/** Reports the coverage of all lines. A file of src that no test imports is a failure that names it. */
async function coverage(): Promise<void> {
  const found = readLcov(
    await Bun.file(`${top}/coverage/lcov.info`)
      .text()
      .catch(() => ""),
  );
  await Bun.write(`${top}/coverage/cobertura.xml`, coberturaXml(found));
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const missing: string[] = [];
  for (const path of new Bun.Glob("src/**/*.ts").scanSync(top)) {
    const runs = transpiler.transformSync(await Bun.file(`${top}/${path}`).text()).trim() !== "";
    if (runs && !found.files.has(path)) missing.push(path);
  }
  const share = found.lines === 0 ? 0 : found.hit / found.lines;
  console.log(`coverage: ${(share * 100).toFixed(1)} % of lines`);
  for (const path of missing) console.log(`no test imports ${path}`);
  count("coverage", share >= wantedCoverage && missing.length === 0, "0.0");
}

async function merged(): Promise<string> {
  const suites: string[] = [];
  for (const path of new Bun.Glob("coverage/junit-*.xml").scanSync(top)) {
    const xml = await Bun.file(`${top}/${path}`).text();
    suites.push(/<testsuites[^>]*>([\s\S]*)<\/testsuites>/.exec(xml)?.[1] ?? "");
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="edox-ops">${suites.join("")}</testsuites>\n`;
}
