// Builds the documentation site: the pages of docs/, and a reference of the source.
//   bun build/site.ts             for the URL in DOCS_SITE_URL
//   bun build/site.ts --artifact  for the artifact of this job, which GitLab Pages shows
//   bun build/site.ts --reference=engine  with the reference of src/engine only, in a third of the time

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pages } from "./docs.ts";
import { artifactSiteUrl, Failure, isSiteUrl, sitePath } from "./site-address.ts";

const top = dirname(import.meta.dir);
const docs = `${top}/docs`;
const reference = `${docs}/source`;
const tools = `${docs}/node_modules`;

/** The longest step takes two minutes on a busy machine. */
const limitMs = 600_000;

/** Installs the locked dependencies of the site if the lockfile has changed. */
async function install(): Promise<void> {
  const lock = readFileSync(`${docs}/bun.lock`, "utf8");
  const stamp = `${tools}/.edox-ops-lock`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.error("installing the locked dependencies of the site");
  // A connection on which nothing arrives is replaced, by default after five minutes.
  const patience = { BUN_CONFIG_HTTP_IDLE_TIMEOUT: "30" };
  await must("the installation of its dependencies", [process.execPath, "ci"], docs, patience);
  writeFileSync(stamp, lock);
}

/** Throws if a page that is generated from the commands or the schema is stale. */
async function notStale(): Promise<void> {
  const made = Object.entries(await pages());
  const stale = made.filter(([name, text]) => readFileSync(`${docs}/${name}`, "utf8") !== text);
  if (stale.length === 0) return;
  const names = stale.map(([name]) => `docs/${name}`).join(", ");
  throw new Failure(`${names}: not what the source says now, \`npm run docs\` writes it`);
}

/**
 * Generates a page for each module in this folder of src that exports something besides a default: a command file
 * exports nothing else.
 */
async function sourceReference(folder: string): Promise<void> {
  rmSync(reference, { recursive: true, force: true });
  const flags = {
    plugin: "typedoc-plugin-markdown",
    tsconfig: `${top}/tsconfig.json`,
    basePath: `${top}/src`,
    out: reference,
    router: "module",
    readme: "none",
    name: "The source",
    entryFileName: "index",
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
    typeDeclarationFormat: "table",
    propertyMembersFormat: "table",
    logLevel: "Error",
  };
  const on = ["hidePageHeader", "hideBreadcrumbs", "disableSources", "excludeExternals", "skipErrorChecking"];
  const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const modules = [...new Bun.Glob(`src/${folder}**/*.ts`).scanSync(top)].filter((path) => {
    return /^export (?!default)/m.test(readFileSync(`${top}/${path}`, "utf8"));
  });
  const program = [process.execPath, "--bun", `${tools}/typedoc/bin/typedoc`];
  await must("TypeDoc", [...program, ...argv, ...on.map((name) => `--${name}`), ...modules.sort()], top);
  for (const path of new Bun.Glob("**/*.md").scanSync(reference)) {
    const page = `${reference}/${path}`;
    writeFileSync(page, introduced(readFileSync(page, "utf8"), `${top}/src/${path.replace(/md$/, "ts")}`));
  }
}

/**
 * Returns the page with the first comment of its source file. Marks braces as literal text, so that the site does not
 * evaluate them.
 */
function introduced(made: string, file: string): string {
  const page = /\\?\{\\?\{/.test(made) ? `::: v-pre\n\n${made}\n\n:::\n` : made;
  if (!existsSync(file)) return page;
  const [, comment = ""] = /^((?:\/\/.*\n)+)/.exec(readFileSync(file, "utf8")) ?? [];
  const words = comment.replace(/^\/\/ ?/gm, "").replaceAll("<", "&lt;");
  return page.replace(/^# .*\n/m, (title) => `${title}\n${words}`);
}

const referenceFlag = "--reference=";

/** Returns the folder of src whose reference is generated, which ends with a slash, or nothing for all of them. */
function referenceFolder(argv: readonly string[]): string {
  const name = argv.find((each) => each.startsWith(referenceFlag))?.slice(referenceFlag.length);
  if (name === undefined) return "";
  if (!/^[a-z-]+$/.test(name) || !existsSync(`${top}/src/${name}`)) throw new Failure(`there is no folder src/${name}`);
  return `${name}/`;
}

/** Returns the variables of VitePress that differ from the environment. */
function siteVariables(argv: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const unknown = argv.find((each) => each !== "--artifact" && !each.startsWith(referenceFlag));
  if (unknown !== undefined) throw new Failure(`unknown argument '${unknown}'`);
  const { DOCS_SITE_URL: url = "" } = env;
  if (!argv.includes("--artifact")) {
    if (url === "" || isSiteUrl(url)) return {};
    throw new Failure(`invalid DOCS_SITE_URL '${url}' (for example https://docs.example.org)`);
  }
  const shown = artifactSiteUrl(env);
  if (shown === null) console.log("this GitLab has no Pages: download the artifact to read it");
  // A server of artifacts needs the exact name of a file.
  return { DOCS_SITE_URL: shown ?? "", DOCS_CLEAN_URLS: "false" };
}

async function must(what: string, argv: string[], cwd: string, variables = {}): Promise<void> {
  const env = { ...process.env, ...variables, NO_COLOR: "1" };
  const limit = { timeout: limitMs, killSignal: "SIGKILL" } as const;
  const child = Bun.spawn(argv, { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe", ...limit });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code === 0) return;
  console.error(out + err);
  if (child.signalCode === "SIGKILL") throw new Failure(`${what} did not end within ${limitMs / 1000} s, see above`);
  throw new Failure(`${what} ended with ${code}, see above`);
}

if (import.meta.main) {
  try {
    const argv = process.argv.slice(2);
    const variables = siteVariables(argv, process.env);
    const folder = referenceFolder(argv);
    await notStale();
    await install();
    await sourceReference(folder);
    rmSync(sitePath, { recursive: true, force: true });
    await must(
      "VitePress",
      [process.execPath, "--bun", `${tools}/vitepress/bin/vitepress.js`, "build", docs],
      docs,
      variables,
    );
    console.log(`the site is in ${sitePath}`);
  } catch (error) {
    if (!(error instanceof Failure)) console.error(error);
    const what = error instanceof Failure ? error.message : "it ended unexpectedly, see above";
    console.error(`error: docs:build: ${what} (to repeat it: npm run docs:build)`);
    process.exit(1);
  }
}
