// Inputs of the bench of bundles: an image file of a given size, and the tables that compare two commands.

import { closeSync, openSync, writeSync } from "node:fs";
import { paddingOf, tarHeader } from "../src/bundle/tar.ts";
import { median } from "./table.ts";
import type { Ran } from "./watched.ts";

const piece = 4 * 1024 * 1024;

/** Writes a file as `docker save` does, with one layer of random bytes. */
export function writeImage(path: string, reference: string, bytes: number): void {
  const seconds = 1_767_225_600;
  const layer = layerOf(bytes, seconds);
  const hasher = new Bun.CryptoHasher("sha256");
  // The generator gives other bytes each time, so the layer goes through a file.
  const layerPath = `${path}.layer`;
  const out = openSync(layerPath, "w");
  for (const each of layer) {
    hasher.update(each);
    writeSync(out, each);
  }
  closeSync(out);
  const rootfs = { type: "layers", diff_ids: [`sha256:${hasher.digest("hex")}`] };
  const config = JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs });
  const digest = new Bun.CryptoHasher("sha256").update(config).digest("hex");
  const list = JSON.stringify([{ Config: `${digest}.json`, RepoTags: [reference], Layers: ["layer.tar"] }]);
  const size = Bun.file(layerPath).size;
  const file = openSync(path, "w");
  for (const [name, text] of [
    ["manifest.json", list],
    [`${digest}.json`, config],
  ] as const) {
    writeSync(file, Buffer.concat([tarHeader(name, text.length, seconds), Buffer.from(text)]));
    writeSync(file, Buffer.alloc(paddingOf(text.length)));
  }
  writeSync(file, tarHeader("layer.tar", size, seconds));
  closeSync(file);
  const { exitCode } = Bun.spawnSync([
    "sh",
    "-c",
    'cat "$1" >>"$2"; head -c 1024 /dev/zero >>"$2"; rm "$1"',
    "sh",
    layerPath,
    path,
  ]);
  if (exitCode !== 0) throw new Error(`cannot write ${path}`);
}

function* layerOf(bytes: number, seconds: number): Generator<Uint8Array> {
  yield tarHeader("data", bytes, seconds);
  for (let left = bytes; left > 0; left -= piece) {
    const random = Buffer.alloc(Math.min(piece, left));
    for (let at = 0; at < random.length; at += 65_536) crypto.getRandomValues(random.subarray(at, at + 65_536));
    yield random;
  }
  yield Buffer.alloc(paddingOf(bytes) + 1024);
}

/** Runs the commands in turn, and returns the runs of each. */
export function inTurn(rounds: number, commands: Readonly<Record<string, () => Ran>>): Map<string, Ran[]> {
  const all = new Map<string, Ran[]>(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(commands)) all.get(name)?.push(run());
  }
  return all;
}

/** Returns a row for each command. The first one is what the others are compared with. `limits`: by name. */
export function compared(
  all: ReadonlyMap<string, readonly Ran[]>,
  limits: Readonly<Record<string, number>>,
): string[][] {
  const [first = []] = all.values();
  return [...all].map(([name, runs]) => {
    const [ms, cpu] = [(ran: Ran) => ran.ms, (ran: Ran) => ran.cpu].map((of) => median(runs.map(of)));
    const wall = (ms ?? 0) / median(first.map((ran) => ran.ms));
    const work = (cpu ?? 0) / median(first.map((ran) => ran.cpu));
    const limit = limits[name];
    const met = (found: number): string => (limit !== undefined && found <= limit ? "met" : "missed");
    const goal = limit === undefined ? "" : `at most ${limit}: wall ${met(wall)}, processor ${met(work)}`;
    return [name, (ms ?? 0).toFixed(0), (cpu ?? 0).toFixed(0), wall.toFixed(2), work.toFixed(2), goal];
  });
}

export const comparedHead = ["", "median ms", "processor ms", "× ms", "× processor ms", "goal"];
