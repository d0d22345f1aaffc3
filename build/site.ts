// Builds the documentation site: the pages of docs/, and a reference of the source.
//   bun build/site.ts             for the URL in DOCS_SITE_URL
//   bun build/site.ts --artifact  for the artifact of this job, which GitLab Pages shows

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pages } from "./docs.ts";
import { artifactSiteUrl, Failure, isSiteUrl, sitePath } from "./site-address.ts";

const top = dirname(import.meta.dir);
const docs = `${top}/docs`;
const reference = `${docs}/source`;
const tools = `${docs}/node_modules`;

/** Installs the locked dependencies of the site if the lockfile has changed. */
async function install(): Promise<void> {
  const lock = readFileSync(`${docs}/bun.lock`, "utf8");
  const stamp = `${tools}/.edox-ops-lock`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.error("installing the locked dependencies of the site");
  await must("the installation of its dependencies", [process.execPath, "ci"], docs);
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
 * Generates a page for each module of src that exports something besides a default: a command file exports nothing
 * else.
 */
async function sourceReference(): Promise<void> {
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
  const modules = [...new Bun.Glob("src/**/*.ts").scanSync(top)].filter((path) => {
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

/** Returns the variables of VitePress that differ from the environment. */
function siteVariables(argv: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const unknown = argv.find((each) => each !== "--artifact");
  if (unknown !== undefined) throw new Failure(`unknown argument '${unknown}'`);
  const { DOCS_SITE_URL: url = "" } = env;
  if (argv.length === 0) {
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
  const child = Bun.spawn(argv, { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code === 0) return;
  console.error(out + err);
  throw new Failure(`${what} ended with ${code}, see above`);
}

if (import.meta.main) {
  try {
    const variables = siteVariables(process.argv.slice(2), process.env);
    await notStale();
    await install();
    await sourceReference();
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
