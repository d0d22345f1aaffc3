// The sources of the generated sites, see sites.ts.

import type { Generator as Printed } from "../../src/sites/ci/build-job.ts";

export const generators = ["vitepress", "material", "sphinx", "docusaurus"] as const;
export type Generator = (typeof generators)[number];

/** The sites with a version selector: Material with the list of mike, and pydata-sphinx-theme. */
export const versioned = ["mike", "pydata"] as const;
/** `branch` is the branch that mike commits. */
export type Site = Generator | (typeof versioned)[number] | "branch";

/** The value of \`--generator\` whose job builds a site. */
export const printedFor: Record<Site, Printed> = {
  ...{ vitepress: "vitepress", docusaurus: "docusaurus" },
  ...{ material: "mkdocs", mike: "mkdocs" },
  ...{ sphinx: "sphinx", pydata: "sphinx" },
  branch: "none",
};

/** The versions of the sites with a version selector. Only the newer one has the page `new`. */
export const versions = ["1.4", "1.5"] as const;
export type Version = (typeof versions)[number];

/** The branch of the preview of each site, and the name that GitLab derives from it. */
export const previewBranch = "fix/#7";
export const previewName = "fix-7";

/** A word on exactly one page of each site, guide/install. */
export const rareWord = "quillwort";

export type Files = Record<string, string>;

const markdown = {
  "index.md": "# Home\n\nA site of a few pages, [to be installed](./guide/install.md).\n\n```sh\nmake site\n```\n",
  "guide/install.md": `# Install\n\nFirst the ${rareWord}, then the rest.\n\n## Steps\n\n1. One\n2. Two\n`,
  "about.md": "# About\n\n| who | why |\n| --- | --- |\n| nobody | to be read |\n",
};

const vitepress = { vitepress: "1.6.4", vue: "3.5.45" };
const docusaurus = {
  "@docusaurus/core": "3.10.2",
  "@docusaurus/preset-classic": "3.10.2",
  react: "19.3.1",
  "react-dom": "19.3.1",
};

export const sources: Record<Generator, Files> = {
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
  docusaurus: {
    "package.json": JSON.stringify({ private: true, dependencies: docusaurus }),
    ...under("docs", { ...markdown, "index.md": `---\nslug: /\n---\n${markdown["index.md"]}` }),
    "docusaurus.config.mjs": `export default {
      title: "Demo",
      url: "http://docusaurus.test",
      baseUrl: process.env.EDOX_OPS_BASE ?? "/",
      onBrokenLinks: "throw",
      presets: [["classic", { docs: { routeBasePath: "/" }, blog: false }]],
      themeConfig: { colorMode: { respectPrefersColorScheme: true }, navbar: { title: "Demo" } },
    };`,
  },
};

/** The source of a Material site whose version selector reads the list of mike. */
export function mikeSource(version: Version): Files {
  const isNew = version === "1.5";
  return {
    ...under("docs", markdown),
    "docs/index.md": `# Home\n\nVersion ${version}, [to be installed](./guide/install.md).\n`,
    ...(isNew ? { "docs/new.md": "# New\n\nOnly in 1.5.\n" } : {}),
    "mkdocs.yml": `
site_name: Demo
site_url: http://mike.test/
theme: { name: material, font: false, features: [navigation.instant] }
extra: { version: { provider: mike } }
`,
  };
}

/** The source of a Sphinx site with the version switcher of pydata-sphinx-theme. */
export function pydataSource(version: Version): Files {
  const isNew = version === "1.5";
  return {
    // The theme would read its list of versions from a path of this machine during the build.
    "docs/conf.py": `
project = "Demo"
version = release = "${version}"
html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "switcher": {"json_url": "/versions.json", "version_match": version},
    "check_switcher": False,
    "navbar_end": ["version-switcher", "theme-switcher"],
}
`,
    "docs/index.rst": `Home\n====\n\nVersion ${version}.\n\n.. toctree::\n\n   guide/install\n${isNew ? "   new\n" : ""}`,
    "docs/guide/install.rst": `Install\n=======\n\nFirst the ${rareWord}, then the rest.\n`,
    ...(isNew ? { "docs/new.rst": "New\n===\n\nOnly in 1.5.\n" } : {}),
  };
}

function under(dir: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${dir}/${path}`, text]));
}
