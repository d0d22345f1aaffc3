// Builds sites with three generators once, with search and a colour switch, and caches them.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { must } from "./run.ts";

export const generators = ["vitepress", "material", "sphinx"] as const;
export type Generator = (typeof generators)[number];

/** A word on exactly one page of each site, guide/install. */
export const rareWord = "quillwort";

const vitepress = { vitepress: "1.6.4", vue: "3.5.45" };

const markdown = {
  "index.md": "# Home\n\nA site of a few pages, [to be installed](./guide/install.md).\n\n```sh\nmake site\n```\n",
  "guide/install.md": `# Install\n\nFirst the ${rareWord}, then the rest.\n\n## Steps\n\n1. One\n2. Two\n`,
  "about.md": "# About\n\n| who | why |\n| --- | --- |\n| nobody | to be read |\n",
};

const sources: Record<Generator, Record<string, string>> = {
  vitepress: {
    "package.json": JSON.stringify({ private: true, type: "module", dependencies: vitepress }),
    ...under("docs", markdown),
    "docs/.vitepress/config.mjs": `export default {
      title: "Demo",
      cleanUrls: true,
      themeConfig: { search: { provider: "local" }, nav: [{ text: "Install", link: "/guide/install" }] },
    };`,
  },
  material: {
    ...under("docs", markdown),
    "mkdocs.yml": `
site_name: Demo
site_url: http://material.test/
theme:
  name: material
  font: false
  features: [navigation.instant, content.code.copy, search.suggest, search.highlight]
  palette:
    - media: "(prefers-color-scheme: light)"
      scheme: default
      toggle: { icon: material/weather-night, name: dark }
    - media: "(prefers-color-scheme: dark)"
      scheme: slate
      toggle: { icon: material/weather-sunny, name: light }
plugins: [search]
`,
  },
  sphinx: {
    "docs/conf.py": 'project = "Demo"\nhtml_theme = "furo"\n',
    "docs/index.rst":
      "Home\n====\n\nA site of a few pages.\n\n.. code-block:: sh\n\n   make site\n\n.. toctree::\n\n   guide/install\n   about\n",
    "docs/guide/install.rst": `Install\n=======\n\nFirst the ${rareWord}, then the rest.\n`,
    "docs/about.rst": "About\n=====\n\nNobody, to be read.\n",
    // Sphinx does not generate one by itself.
    "docs/404.rst": ":orphan:\n\nPage not found\n==============\n",
  },
};

/** The output folder of each generator. */
const outputs: Record<Generator, string> = { vitepress: "docs/.vitepress/dist", material: "site", sphinx: "site" };

/** Returns the folder that contains a folder for each generator's site. */
export function generatedSites(): string {
  const requirements = `${import.meta.dir}/requirements.txt`;
  const recipe = new Bun.CryptoHasher("sha256");
  for (const path of [import.meta.path, requirements]) recipe.update(readFileSync(path));
  const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const sites = `${cache}/sites-${recipe.digest("hex").slice(0, 12)}`;
  if (existsSync(sites)) return sites;
  console.error("making the sites of three generators, once: up to a minute");
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(`${cache}/make-`);
  try {
    for (const name of generators) write(`${work}/${name}`, sources[name]);
    must(["npm", "install", "--prefix", `${work}/vitepress`, "--ignore-scripts", "--no-audit", "--no-fund"]);
    must(["node", `${work}/vitepress/node_modules/vitepress/bin/vitepress.js`, "build", `${work}/vitepress/docs`]);
    // Debian's own Python: another one earlier in PATH may be too old.
    must(["/usr/bin/python3", "-m", "venv", `${work}/venv`]);
    must([`${work}/venv/bin/pip`, "install", "--quiet", "--requirement", requirements]);
    must([`${work}/venv/bin/mkdocs`, "build", "--strict", "--config-file", `${work}/material/mkdocs.yml`]);
    must([`${work}/venv/bin/sphinx-build`, "-q", "-W", `${work}/sphinx/docs`, `${work}/sphinx/site`]);
    mkdirSync(`${work}/sites`);
    for (const name of generators) renameSync(`${work}/${name}/${outputs[name]}`, `${work}/sites/${name}`);
    renameSync(`${work}/sites`, sites);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return sites;
}

function under(dir: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${dir}/${path}`, text]));
}

function write(dir: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${dir}/${path}`), { recursive: true });
    writeFileSync(`${dir}/${path}`, text);
  }
}

if (import.meta.main) console.log(generatedSites());
