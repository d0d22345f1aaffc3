// Lets the jobs that `project ci` prints build sites with four generators once, and two versions of two sites with a
// version selector, and caches them.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { parse } from "yaml";
import { pipelineOf } from "../../src/sites/ci/pipeline.ts";
import { events, GitLabProject, tagged } from "./gitlab-project.ts";
import { limited } from "./run.ts";
import {
  type Files,
  mikeSource,
  previewBranch,
  printedFor,
  pydataSource,
  type Site,
  sources,
  type Version,
  versions,
} from "./site-sources.ts";

/** The directory into which a job builds. */
const output = "public";
/** npm runs no scripts of packages, and asks the registry for packages alone. A connection that stalls is replaced. */
const quiet = {
  ...{ npm_config_ignore_scripts: "true", npm_config_audit: "false", npm_config_fund: "false" },
  ...{ npm_config_fetch_timeout: "30000", npm_config_fetch_retries: "5", BUN_CONFIG_HTTP_IDLE_TIMEOUT: "30" },
};

/** Returns what decides, in the text of a pipeline, how the job `build` builds. */
export function buildOf(text: string): unknown {
  const { build, ".edox-ops-build": base, variables } = parse(text);
  return { build, base, output: variables.EDOX_OPS_SITE };
}

/** Returns the printed jobs whose `build` has built a site, for a host that is not there. */
export function pipelineFor(site: Site): string {
  return pipelineOf({
    project: { slug: site, domain: `${site}.test`, tls: false } as Parameters<typeof pipelineOf>[0]["project"],
    ...{ host: "host.test", server: { port: 22, key: "ssh-ed25519 AAAA" } },
    ...{ generator: printedFor[site], output, previews: "path" },
  }).text;
}

/**
 * Returns the folder that contains a folder for each generator's site, and these: `vitepress-below` and
 * `docusaurus-below` for the path of a preview, `vitepress-1.4` for that of a version, `mike` and `pydata` with a folder
 * for each version, and `branch` with all that mike commits.
 */
export async function generatedSites(): Promise<string> {
  const requirements = `${import.meta.dir}/requirements.txt`;
  const recipe = new Bun.CryptoHasher("sha256");
  const recipes = [import.meta.path, `${import.meta.dir}/site-sources.ts`, requirements];
  for (const path of recipes) recipe.update(readFileSync(path));
  const names = Object.keys(printedFor) as Site[];
  for (const name of names) recipe.update(JSON.stringify(buildOf(pipelineFor(name))));
  const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const sites = `${cache}/sites-${recipe.digest("hex").slice(0, 12)}`;
  if (existsSync(sites)) return sites;
  console.error("building the sites of four generators, once: up to three minutes");
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(`${cache}/make-`);
  try {
    for (const name of ["mike", "pydata"]) mkdirSync(`${work}/sites/${name}`, { recursive: true });
    const builds = [buildDocusaurus(work), buildVitepress(work), buildPython(work, requirements)];
    // A build that still runs would write into the folder after it is removed.
    await Promise.allSettled(builds);
    await Promise.all(builds);
    renameSync(`${work}/sites`, sites);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return sites;
}

async function buildVitepress(work: string): Promise<void> {
  const pipeline = pipelineFor("vitepress");
  const project = new GitLabProject({ ".gitlab-ci.yml": pipeline, ...sources.vitepress }, work);
  await must(["npm", "install", "--prefix", project.dir, "--package-lock-only"], { env: quiet });
  await build(project, events.default, { to: `${work}/sites/vitepress` });
  project.commit({ ".gitlab-ci.yml": withPackages(pipeline) });
  await build(project, tagged("1.4"), { to: `${work}/sites/vitepress-1.4` });
  project.git("switch", "--quiet", "--create", previewBranch);
  await build(project, events.merge, { to: `${work}/sites/vitepress-below` });
}

/** The other generator shows that the printed job installs the packages: npm takes a minute of a processor for these. */
async function buildDocusaurus(work: string): Promise<void> {
  const pipeline = withPackages(pipelineFor("docusaurus"));
  const project = new GitLabProject({ ".gitlab-ci.yml": pipeline, ...sources.docusaurus }, work);
  await must([process.execPath, "install", "--ignore-scripts", "--linker=hoisted"], { cwd: project.dir, env: quiet });
  await build(project, events.default, { to: `${work}/sites/docusaurus` });
  // The browser reads a site for another base in the same way if it is not minified.
  project.commit({ ".gitlab-ci.yml": pipeline.replace("docusaurus build ", "docusaurus build --no-minify ") });
  project.git("switch", "--quiet", "--create", previewBranch);
  await build(project, events.merge, { to: `${work}/sites/docusaurus-below` });
}

/** Returns the jobs for a runner with a cache of the packages. */
function withPackages(pipeline: string): string {
  return pipeline.replace("    - npm ci\n", "");
}

async function buildPython(work: string, requirements: string): Promise<void> {
  const bin = `${work}/venv/bin`;
  // Debian's own Python: another one earlier in PATH may be too old.
  await must(["/usr/bin/python3", "-m", "venv", `${work}/venv`]);
  await must([`${bin}/pip`, "install", "--quiet", "--no-compile", "--requirement", requirements]);
  for (const name of ["material", "sphinx"] as const) {
    const project = new GitLabProject({ ".gitlab-ci.yml": pipelineFor(name), ...sources[name] }, work);
    await build(project, events.default, { to: `${work}/sites/${name}`, bin });
  }
  for (const [name, source] of [
    ["mike", mikeSource],
    ["pydata", pydataSource],
  ] as const) {
    const project = new GitLabProject({ ".gitlab-ci.yml": pipelineFor(name) }, work);
    for (const version of versions) {
      project.commit(source(version));
      project.git("tag", version);
      await build(project, tagged(version), { to: `${work}/sites/${name}/${version}`, bin });
    }
  }
  await buildBranch(work, bin);
}

/** Runs the job `build` and moves the site. `bin`: programs that are there already, so that pip has nothing to do. */
async function build(
  project: GitLabProject,
  event: Readonly<Record<string, string>>,
  { to, bin }: { to: string; bin?: string },
): Promise<void> {
  const { code, log } = await project.runAlone("build", event, {
    ...quiet,
    // It reports each build to its authors otherwise.
    DISABLE_DOCUSAURUS_TELEMETRY: "1",
    ...(bin === undefined ? {} : { PATH: `${bin}:${process.env.PATH}`, PIP_NO_INDEX: "1" }),
  });
  if (code !== 0) throw new Error(`the job build failed (${code}), for ${to}\n${log}`);
  renameSync(`${project.dir}/${output}`, to);
}

/** Lets mike commit both versions to its branch, and writes the branch to `sites/branch`. */
async function buildBranch(work: string, bin: string): Promise<void> {
  const cwd = `${work}/branch`;
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    ...{ GIT_AUTHOR_NAME: "Demo", GIT_AUTHOR_EMAIL: "demo@mike.test" },
    ...{ GIT_COMMITTER_NAME: "Demo", GIT_COMMITTER_EMAIL: "demo@mike.test" },
  };
  for (const version of versions) write(`${cwd}/${version}`, mikeSource(version));
  await must(["git", "init", "--quiet", cwd]);
  await must(["git", "-C", cwd, "commit", "--quiet", "--allow-empty", "--message=Start"], { env });
  const mike = (version: Version, words: string[]): Promise<void> =>
    must([`${bin}/mike`, ...words, "--config-file", `${version}/mkdocs.yml`], { cwd, env });
  for (const version of versions) await mike(version, ["deploy", "--update-aliases", version, "latest"]);
  await mike("1.5", ["set-default", "latest"]);
  mkdirSync(`${work}/sites/branch`);
  await must(["git", `--git-dir=${cwd}/.git`, `--work-tree=${work}/sites/branch`, "checkout", "gh-pages", "--", "."]);
}

/** Runs a command that must succeed. The builds run at the same time, so it does not block. */
async function must(argv: string[], { cwd, env }: { cwd?: string; env?: Record<string, string> } = {}): Promise<void> {
  const child = Bun.spawn(limited(argv), {
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
