// Measures bundles beside apt, openssl and other containers. Needs `npm run build`, root, and the network.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { packages } from "../src/bootstrap/recipe.ts";
import { openBundle } from "../src/bundle/reader.ts";
import { localHost } from "../src/host/local.ts";
import { whyNoHosts } from "../test/integration/test-host.ts";
import { containers } from "./bundle-containers.ts";
import { predecessor } from "./bundle-delta.ts";
import { compared, comparedHead, inTurn, writeImage } from "./bundle-files.ts";
import { installed } from "./bundle-install.ts";
import { table } from "./table.ts";
import { peakOf, type Ran, timed } from "./watched.ts";

const rounds = 5;
const program = `${import.meta.dir}/../dist/linux-x64/edox-ops`;
const reason = whyNoHosts() ?? (existsSync(program) ? null : "there is no program: type `npm run build`");
if (reason !== null) throw new Error(reason);
const folder = mkdtempSync(`${tmpdir()}/edox-bench-`);
const target = ["--suite", "bookworm", "--arch", "amd64", "--with", "host", "--program", "none"];
const cache = `${folder}/cache`;

const create = (path: string, ...more: string[]): string[] => [
  "env",
  `XDG_CACHE_HOME=${cache}`,
  program,
  "bundle",
  "create",
  ...target,
  ...more,
  "-o",
  path,
];

/** Runs apt as an admin would, with the settings and sources of the bundle. */
function apt(): Ran {
  const own = `${cache}/edox-ops/bundle/bookworm-amd64`;
  const root = `${folder}/apt`;
  rmSync(root, { recursive: true, force: true });
  for (const name of ["lists/partial", "archives/partial", "state", "etc", "log"])
    mkdirSync(`${root}/${name}`, { recursive: true });
  writeFileSync(`${root}/apt.conf`, readFileSync(`${own}/apt.conf`, "utf8").replaceAll(own, root));
  writeFileSync(`${root}/sources.list`, readFileSync(`${own}/sources.list`));
  writeFileSync(`${root}/state/status`, "");
  const env = { APT_CONFIG: `${root}/apt.conf` };
  const update = timed(["apt-get", "-q", "update"], env);
  const install = timed(["apt-get", "-q", "-y", "--download-only", "install", ...packages], env);
  return { ms: update.ms + install.ms, cpu: update.cpu + install.cpu, stdout: "" };
}

/** Returns the members that differ from those of the delta's predecessor, and how large each file is. */
function deltaRow(whole: string, delta: string): string[] {
  const bundle = openBundle(localHost(), delta);
  const { members, packages: changed } = bundle.manifest;
  bundle.close();
  const paths = new Set(changed.map(({ path }) => path));
  const sum = (all: typeof members): number => all.reduce((bytes, { size }) => bytes + size, 0);
  const bytes = sum(members.filter(({ path }) => paths.has(path)));
  const factor = statSync(delta).size / bytes;
  const goal = `at most 1.1: ${factor <= 1.1 ? "met" : "missed"}`;
  return [
    `--since, ${changed.length} packages`,
    mb(statSync(whole).size),
    mb(statSync(delta).size),
    mb(bytes),
    factor.toFixed(3),
    goal,
  ];
}

function sizeRow(path: string): string[] {
  const bundle = openBundle(localHost(), path);
  const parts = bundle.manifest.members.reduce((bytes, { size }) => bytes + size, 0);
  bundle.close();
  return [
    `whole, ${bundle.manifest.packages.length} packages`,
    "",
    mb(bundle.size),
    mb(parts),
    (bundle.size / parts).toFixed(4),
    "",
  ];
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

try {
  mkdirSync(cache);
  const [small, large, image] = ["small.tar", "large.tar", "image.tar"].map((name) => `${folder}/${name}`) as [
    string,
    string,
    string,
  ];
  timed(create(small));
  const made = inTurn(rounds, {
    "apt-get update, install --download-only": apt,
    "bundle create": () => {
      rmSync(cache, { recursive: true });
      return timed(create(small));
    },
    "bundle create again": () => timed(create(small)),
  });
  console.log(table([comparedHead, ...compared(made, { "bundle create": 1.2 })]));

  writeImage(image, "example.com/large:1", 1e9);
  const peaks: [string, number][] = [["bundle create", await peakOf(create(large, "--image", image))]];
  const verify = [program, "bundle", "verify", large];
  const doctor = [program, "doctor", "--bundle", large];
  const read = inTurn(rounds, {
    "openssl dgst -sha256": () => timed(["openssl", "dgst", "-sha256", large]),
    "bundle verify": () => timed(verify),
    "doctor --bundle": () => timed(["sh", "-c", '"$@" || [ $? = 1 ]', "sh", ...doctor]),
  });
  console.log(table([comparedHead, ...compared(read, { "bundle verify": 1.25, "doctor --bundle": 1.25 })]));
  peaks.push(["bundle verify", await peakOf(verify)]);
  peaks.push(["doctor --bundle", await peakOf(["sh", "-c", '"$@"; [ $? -le 1 ]', "sh", ...doctor])]);
  const deltas: string[][] = [];
  for (const count of [5, 15]) {
    const old = `${folder}/old.tar`;
    await predecessor(small, { path: old, count });
    timed(create(`${folder}/delta.tar`, "--since", old));
    deltas.push(deltaRow(small, `${folder}/delta.tar`));
  }
  console.log(
    table([["size", "whole MB", "MB", "its parts, MB", "×", "goal"], ...deltas, sizeRow(small), sizeRow(large)]),
  );
  console.log(containers(folder, small, rounds));
  const install = await installed({ small, large, rounds });
  console.log(install.text);
  peaks.push(["bootstrap --bundle", install.peak]);
  const rows = peaks.map(([name, peak]) => [name, peak.toFixed(0), `at most 150: ${peak <= 150 ? "met" : "missed"}`]);
  console.log(table([["a bundle of 1 GB", "peak MB", "goal"], ...rows]));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
