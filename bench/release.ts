// Measures what a host downloads and unpacks: the size of each format and the time to unpack it, compared with a copy.
//   bun bench/release.ts, after npm run release:assets

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { version } from "../package.json";
import { atMost, median, type Row, table } from "./table.ts";

const rounds = 5;
const dir = `${import.meta.dir}/../dist/release`;
const work = mkdtempSync(`${tmpdir()}/edox-unpack-`);

interface Form {
  asset: string;
  /** Writes the program to stdout. $1 is the asset. */
  unpack: string;
  /** In MB. */
  most?: number;
}

function forms(target: string, architecture: string, most: number): Form[] {
  return [
    { asset: `edox-ops-linux-${target}`, unpack: 'cat "$1"' },
    { asset: `edox-ops-linux-${target}.gz`, unpack: 'gzip -dc "$1"' },
    {
      asset: `edox-ops_${version}_${architecture}.deb`,
      unpack: 'dpkg-deb --fsys-tarfile "$1" | tar -xOf - ./usr/bin/edox-ops',
      most,
    },
  ];
}

function unpackedMs({ asset, unpack }: Form): number {
  const start = performance.now();
  const argv = ["sh", "-c", `${unpack} >"$2"`, "sh", `${dir}/${asset}`, `${work}/program`];
  if (!Bun.spawnSync(argv).success) throw new Error(`${asset} cannot be unpacked`);
  return performance.now() - start;
}

function rows(all: readonly Form[]): Row[] {
  const times = new Map(all.map((form) => [form, [] as number[]]));
  // The runs are interleaved, so that a busy moment affects all of them.
  for (let round = 0; round < rounds; round++) for (const form of all) times.get(form)?.push(unpackedMs(form));
  const [plain] = all as [Form];
  const sizeOf = ({ asset }: Form): number => statSync(`${dir}/${asset}`).size / 1e6;
  const ms = (form: Form): number => median(times.get(form) ?? []);
  return all.map((form) => {
    const goal = form.most === undefined ? null : atMost("MB", sizeOf(form), form.most);
    return [
      form.asset.replace(version, "X.Y.Z"),
      sizeOf(form).toFixed(1),
      (sizeOf(form) / sizeOf(plain)).toFixed(2),
      ms(form).toFixed(0),
      (ms(form) / ms(plain)).toFixed(1),
      goal === null ? "" : `${goal.text}: ${goal.met ? "met" : "missed"}`,
    ];
  });
}

try {
  if (!readdirSync(dir).includes("SHA256SUMS")) throw new Error("dist/release is not whole");
  const head = ["", "MB", "× the program", "unpacked, ms", "× a copy", "goal"];
  console.log(table([head, ...rows(forms("x64", "amd64", 40)), ...rows(forms("arm64", "arm64", 37))]));
} catch (error) {
  console.log(`error: ${(error as Error).message}: npm run release:assets makes it`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true });
}
