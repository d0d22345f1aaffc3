// build/in-container.sh on real trees, with an npm that leaves the files of a build, and its caller on Windows.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parse } from "yaml";

const top = `${import.meta.dir}/../..`;
let dir: string;
let checkout: string;
let work: string;

/** Replaces the build: it records the files it was given, and fails if the checkout contains `fails`. */
const npm = `#!/bin/sh
[ "$*" = "run build" ] || exit 2
[ ! -e fails ] || exit 3
mkdir -p dist/linux-x64 dist/linux-arm64
cp source.txt dist/linux-x64/edox-ops
ls -A > dist/linux-arm64/edox-ops
echo fetched >> .cache/fetched || { mkdir .cache; echo fetched > .cache/fetched; }
echo sums > dist/SHA256SUMS
`;

beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/edox-container-`);
  checkout = `${dir}/check out`;
  work = `${dir}/work`;
  for (const each of ["build", "node_modules", ".cache", "dist/linux-x64", "docs/node_modules"]) {
    mkdirSync(`${checkout}/${each}`, { recursive: true });
  }
  cpSync(`${top}/build/in-container.sh`, `${checkout}/build/in-container.sh`);
  writeFileSync(`${checkout}/source.txt`, "first");
  writeFileSync(`${checkout}/node_modules/of-windows`, "");
  writeFileSync(`${checkout}/dist/linux-x64/edox-ops`, "old");
  mkdirSync(`${dir}/bin`);
  writeFileSync(`${dir}/bin/npm`, npm);
  chmodSync(`${dir}/bin/npm`, 0o755);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function build(where = work): { code: number; err: string } {
  const { exitCode, stderr } = Bun.spawnSync(["sh", `${checkout}/build/in-container.sh`, where], {
    env: { PATH: `${dir}/bin:${process.env.PATH}` },
    stdin: "ignore",
  });
  return { code: exitCode, err: stderr.toString() };
}

const built = (path: string) => readFileSync(`${checkout}/dist/${path}`, "utf8");

test("in-container: builds a copy without dependencies of the other system, and replaces dist", () => {
  expect(build()).toMatchObject({ code: 0 });
  expect(built("linux-x64/edox-ops")).toBe("first");
  expect(built("SHA256SUMS")).toBe("sums\n");
  const seen = built("linux-arm64/edox-ops").trim().split("\n");
  expect(seen).toEqual(expect.arrayContaining(["build", "docs", "source.txt"]));
  for (const name of ["node_modules", ".cache", "checkout.tar"]) expect(seen).not.toContain(name);
  expect(existsSync(`${work}/docs/node_modules`)).toBe(false);
});

test("in-container: the next build keeps downloads and drops deleted sources", () => {
  writeFileSync(`${checkout}/deleted.txt`, "");
  expect(build()).toMatchObject({ code: 0 });
  rmSync(`${checkout}/deleted.txt`);
  writeFileSync(`${checkout}/source.txt`, "second");
  expect(build()).toMatchObject({ code: 0 });
  expect(built("linux-x64/edox-ops")).toBe("second");
  expect(readFileSync(`${work}/.cache/fetched`, "utf8")).toBe("fetched\nfetched\n");
  expect(existsSync(`${work}/deleted.txt`)).toBe(false);
});

test("in-container: a failed build leaves dist unchanged", () => {
  writeFileSync(`${checkout}/fails`, "");
  expect(build()).toEqual({ code: 1, err: expect.stringContaining("error: build/in-container.sh: the build failed") });
  expect(built("linux-x64/edox-ops")).toBe("old");
});

test("in-container: a directory with other files is refused, and nothing in it is deleted", () => {
  mkdirSync(work);
  writeFileSync(`${work}/precious`, "");
  for (const where of [work, checkout]) {
    expect(build(where)).toEqual({ code: 1, err: expect.stringContaining("is not empty") });
  }
  expect(existsSync(`${work}/precious`)).toBe(true);
  expect(built("linux-x64/edox-ops")).toBe("old");
});

test("test.ps1: each flag is documented with its default", async () => {
  const script = await Bun.file(`${top}/test.ps1`).text();
  const page = await Bun.file(`${top}/docs/pipeline.md`).text();
  const flags = [...script.matchAll(/^ {2}\[(?:switch|string)\] \$(\w+)(?: = '(.*)')?,?$/gm)];
  expect(flags.length).toBeGreaterThan(4);
  for (const [, name, value] of flags) {
    expect(page).toMatch(new RegExp(`^\\| \`-${name}\` +\\| ${value ? `\`${value}\`` : "[^`]"}`, "m"));
  }
});

test("test.ps1: uses the images of the pipeline, and existing scripts", async () => {
  const script = await Bun.file(`${top}/test.ps1`).text();
  const pipeline = parse(await Bun.file(`${top}/.gitlab-ci.yml`).text());
  expect(script).toContain(`$NodeImage = '${pipeline.default.image}'`);
  expect(script).toContain(`$DockerCli = '${pipeline[".docker"].image}'`);
  const paths = [...script.matchAll(/\/work\/(\S+\.sh)/g)].map(([, path = ""]) => path);
  expect(paths).toEqual(["build/in-container.sh", "test/integration/run_docker.sh"]);
  for (const path of paths) expect(existsSync(`${top}/${path}`)).toBe(true);
});
