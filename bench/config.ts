// Measures what `gitlab-runner register` and `unregister` compute on a config.toml with 5,000 runners, compared with one
// parse of the same file. Each run is a process of its own, as each command is. Compares processor time, which other work
// on the machine changes little.

import { parse } from "smol-toml";
import { configOf, faultsOf } from "../src/runner/runners.ts";
import { demandEditable, editToml, type TomlEdit } from "../src/toml/edit.ts";
import type { Measured } from "./inside.ts";
import { atMost, head, ratio, row, table } from "./table.ts";

const rounds = 7;
const runners = 5000;
const path = "config.toml";
const file = { path, array: "runners" };
const tables = { name: "new", url: "https://gitlab.test", id: 9, token: "new", executor: "docker" };
const register: TomlEdit[] = [
  { kind: "set-top-level", key: "concurrent", value: 50 },
  { kind: "add-table", table: { ...tables, docker: { image: "debian:12", privileged: true, volumes: ["/cache"] } } },
];
const works: Record<string, (text: string) => unknown> = {
  "one parse by smol-toml": (text) => parse(text),
  "register: concurrent and a runner": (text) => edited(text, register),
  "unregister: a runner in the middle": (text) => edited(text, [{ kind: "remove-table", index: runners / 2 }]),
};

/** Reads, edits and reads again, in the order of the commands. */
function edited(text: string, edits: readonly TomlEdit[]): void {
  configOf(text);
  demandEditable(text, edits, file);
  faultsOf(configOf(editToml(text, edits, file)));
}

/** Returns a file in the layout of gitlab-runner, with 2 KB for each runner. */
function generated(): string {
  const sections = Array.from({ length: runners }, (_, i) => {
    const script = `export TEAM=${i}; echo "a line of a script" # ${Bun.hash(String(i))}\\n`.repeat(10);
    return `
[[runners]]
  name = "runner ${i}"
  url = "https://gitlab.example.com/"
  id = ${i + 100}
  token = "glrt-${Bun.hash(`token ${i}`)}"
  token_obtained_at = 2026-01-01T00:00:00Z
  token_expires_at = 0001-01-01T00:00:00Z
  executor = "docker"
  limit = 2
  environment = ["DOCKER_TLS_CERTDIR=/certs", "DIRECTORY=\${CI_PROJECT_DIR}", "TEAM=${i}"]
  pre_build_script = "${script.replaceAll('"', '\\"')}"
  # ${i}
  [runners.custom_build_dir]
    enabled = false
  [runners.cache]
    Type = "s3"
    Path = "cache/${i}"
    MaxUploadedArchiveSize = 0
    [runners.cache.s3]
      ServerAddress = "s3.example.com"
      BucketName = "cache-${i % 7}"
    [runners.cache.gcs]
    [runners.cache.azure]
  [runners.docker]
    tls_verify = false
    image = "registry.example.com/team-${i % 40}/image:1.2"
    privileged = false
    disable_cache = false
    volumes = ["/cache", "/builds:/builds:rw"]
    pull_policy = ["if-not-present", "always"]
    shm_size = 0
`;
  });
  return `concurrent = 40\ncheck_interval = 0\n\n[session_server]\n  session_timeout = 1800\n${sections.join("")}`;
}

function child(name: string): { ms: number; peak: number } {
  const { exitCode, stdout, resourceUsage } = Bun.spawnSync([process.execPath, import.meta.path, name]);
  if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}`);
  return { ms: Number(stdout.toString()), peak: resourceUsage.maxRSS / 1e6 };
}

const [name] = process.argv.slice(2);
if (name !== undefined) {
  const text = generated();
  const start = process.cpuUsage();
  works[name]?.(text);
  const { user, system } = process.cpuUsage(start);
  console.log((user + system) / 1000);
} else {
  const all: Measured[] = Object.keys(works).map((each) => ({ name: each, times: [], children: 0, peak: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const each of all) {
      const { ms, peak } = child(each.name);
      each.times.push(ms);
      each.peak = Math.max(each.peak, peak);
    }
  }
  const [one] = all;
  const goals = (each: Measured) => (each === one ? [] : [atMost("× a parse", ratio(each, one), 6)]);
  console.log(`${(generated().length / 1e6).toFixed(1)} MB, processor time\n`);
  console.log(table([head(["× a parse"]), ...all.map((each) => row(each, [one], goals(each)))]));
}
