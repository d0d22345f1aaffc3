// Builds sites with four generators once, and two versions of two sites with a version selector, and caches them.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import {
  type Files,
  type Generator,
  generators,
  mikeSource,
  previewName,
  pydataSource,
  sources,
  versions,
} from "./site-sources.ts";

/** The output folder of each generator. */
const outputs: Record<Generator, string> = {
  vitepress: "docs/.vitepress/dist",
  material: "site",
  sphinx: "site",
  docusaurus: "build",
};

/**
 * Returns the folder that contains a folder for each generator's site, and these: `vitepress-below` for the path of a
 * preview, `pydata` with a folder for each version, and `mike` with all that mike commits.
 */
export async function generatedSites(): Promise<string> {
  const requirements = `${import.meta.dir}/requirements.txt`;
  const recipe = new Bun.CryptoHasher("sha256");
  const recipes = [import.meta.path, `${import.meta.dir}/site-sources.ts`, requirements];
  for (const path of recipes) recipe.update(readFileSync(path));
  const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const sites = `${cache}/sites-${recipe.digest("hex").slice(0, 12)}`;
  if (existsSync(sites)) return sites;
  console.error("building the sites of four generators, once: up to two minutes");
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(`${cache}/make-`);
  try {
    mkdirSync(`${work}/sites`);
    for (const name of generators) write(`${work}/${name}`, sources[name]);
    const builds = [buildVitepress(work), buildDocusaurus(work), buildPython(work, requirements)];
    // A build that still runs would write into the folder after it is removed.
    await Promise.allSettled(builds);
    await Promise.all(builds);
    for (const name of generators) renameSync(`${work}/${name}/${outputs[name]}`, `${work}/sites/${name}`);
    renameSync(`${work}/sites`, sites);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return sites;
}

async function buildVitepress(work: string): Promise<void> {
  await install(`${work}/vitepress`);
  const vitepress = [
    "node",
    `${work}/vitepress/node_modules/vitepress/bin/vitepress.js`,
    "build",
    `${work}/vitepress/docs`,
  ];
  await must([...vitepress, "--base", `/-/${previewName}/`, "--outDir", `${work}/sites/vitepress-below`]);
  await must(vitepress);
}

async function buildDocusaurus(work: string): Promise<void> {
  const dir = `${work}/docusaurus`;
  await install(dir);
  await must(["node", `${dir}/node_modules/@docusaurus/core/bin/docusaurus.mjs`, "build", dir], {
    // It reports each build to its authors otherwise.
    env: { DISABLE_DOCUSAURUS_TELEMETRY: "1" },
  });
}

async function install(dir: string): Promise<void> {
  await must(["npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund"]);
}

async function buildPython(work: string, requirements: string): Promise<void> {
  const bin = `${work}/venv/bin`;
  // Debian's own Python: another one earlier in PATH may be too old.
  await must(["/usr/bin/python3", "-m", "venv", `${work}/venv`]);
  await must([`${bin}/pip`, "install", "--quiet", "--requirement", requirements]);
  await must([`${bin}/mkdocs`, "build", "--strict", "--config-file", `${work}/material/mkdocs.yml`]);
  await must([`${bin}/sphinx-build`, "-q", "-W", `${work}/sphinx/docs`, `${work}/sphinx/site`]);
  for (const version of versions) {
    write(`${work}/pydata/${version}`, pydataSource(version));
    await must([
      `${bin}/sphinx-build`,
      "-q",
      "-W",
      `${work}/pydata/${version}/docs`,
      `${work}/sites/pydata/${version}`,
    ]);
    rmSync(`${work}/sites/pydata/${version}/.doctrees`, { recursive: true });
  }
  await buildMike(work, bin);
}

/** Lets mike commit both versions to its branch, and writes the branch to `sites/mike`. */
async function buildMike(work: string, bin: string): Promise<void> {
  const cwd = `${work}/mike`;
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    ...{ GIT_AUTHOR_NAME: "Demo", GIT_AUTHOR_EMAIL: "demo@mike.test" },
    ...{ GIT_COMMITTER_NAME: "Demo", GIT_COMMITTER_EMAIL: "demo@mike.test" },
  };
  for (const version of versions) write(`${cwd}/${version}`, mikeSource(version));
  await must(["git", "init", "--quiet", cwd]);
  await must(["git", "-C", cwd, "commit", "--quiet", "--allow-empty", "--message=Start"], { env });
  const mike = (words: string[]): Promise<void> => must([`${bin}/mike`, ...words], { cwd, env });
  await mike(["deploy", "--config-file", "1.4/mkdocs.yml", "1.4", "latest"]);
  await mike(["deploy", "--config-file", "1.5/mkdocs.yml", "1.5"]);
  await mike(["set-default", "--config-file", "1.5/mkdocs.yml", "latest"]);
  mkdirSync(`${work}/sites/mike`);
  await must(["git", `--git-dir=${cwd}/.git`, `--work-tree=${work}/sites/mike`, "checkout", "gh-pages", "--", "."]);
}

/** Runs a command that must succeed. The builds run at the same time, so it does not block. */
async function must(argv: string[], { cwd, env }: { cwd?: string; env?: Record<string, string> } = {}): Promise<void> {
  const child = Bun.spawn(argv, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${argv.join(" ")} failed (${code})\n${out}${err}`);
}

function write(dir: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${dir}/${path}`), { recursive: true });
    writeFileSync(`${dir}/${path}`, text);
  }
}

if (import.meta.main) console.log(await generatedSites());
