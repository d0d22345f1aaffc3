// The site of these pages: what is where, and nothing that is fetched from elsewhere.

import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { DefaultTheme, MarkdownOptions } from "vitepress";
import { defineConfig } from "vitepress";

const docs = new URL("..", import.meta.url).pathname;
/** Where the site will be read: production and preview are two. */
const site = process.env.DOCS_SITE_URL ? new URL(`${process.env.DOCS_SITE_URL.replace(/\/+$/, "")}/`) : undefined;
/** Lies beside the pages, for a program that reads it. */
const schema = "edox-ops.schema.json";

const guides: DefaultTheme.SidebarItem[] = [
  {
    text: "On a host",
    items: [
      { text: "Start", link: "/" },
      { text: "Install", link: "/install" },
      { text: "On a Raspberry Pi", link: "/raspberry-pi" },
      { text: "Sites and deploys", link: "/sites" },
      { text: "HTTPS", link: "/https" },
      { text: "Without a network", link: "/offline" },
      { text: "A runner for this project", link: "/runner" },
      { text: "Docker-in-Docker", link: "/docker-in-docker" },
      { text: "Troubleshooting", link: "/troubleshooting" },
      { text: "Coming from the Python version", link: "/coming-from-python" },
    ],
  },
  {
    text: "Guides",
    items: [
      { text: "Change the domain", link: "/guides/change-domain" },
      { text: "Several names", link: "/guides/several-names" },
      { text: "Access logs and statistics", link: "/guides/access-logs" },
      { text: "Behind a reverse proxy", link: "/guides/reverse-proxy" },
      { text: "Move a site", link: "/guides/move-a-site" },
      { text: "Remove everything", link: "/guides/remove-everything" },
    ],
  },
  {
    text: "Reference",
    items: [
      { text: "Commands", link: "/commands" },
      { text: "JSON output", link: "/json" },
      { text: "Security", link: "/security" },
      { text: "What it survives", link: "/survives" },
      { text: "How fast it is", link: "/bench" },
    ],
  },
  {
    text: "The project",
    items: [
      { text: "Getting started on GitLab", link: "/getting-started" },
      { text: "Pipeline and runners", link: "/pipeline" },
      { text: "Branches", link: "/branches" },
      { text: "SSH keys", link: "/ssh-keys" },
      { text: "Reading job logs", link: "/ci-logs" },
      { text: "Releases", link: "/releases" },
      { text: "The key of a release", link: "/release-key" },
      { text: "Contributing", link: "/contributing" },
      { text: "Architecture", link: "/architecture" },
    ],
  },
];

const markdown: MarkdownOptions = {
  // The usual pair misses the contrast that WCAG AA asks for.
  theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  config(md) {
    // Pages of the repository's top are included here, and a page may lead to one: both are read there too.
    md.core.ruler.push("links", ({ tokens }) => {
      for (const token of tokens.flatMap(({ children }) => children ?? [])) {
        const href = token.attrGet("href");
        if (href !== null) token.attrSet("href", onSite(href));
      }
    });
    // A wide table scrolls by itself, with the keyboard too, and the page does not.
    md.renderer.rules.table_open = () => '<div class="table" tabindex="0"><table>\n';
    md.renderer.rules.table_close = () => "</table></div>\n";
  },
};

export default defineConfig({
  title: "edox-ops",
  description: "One executable that turns a host into one for documentation sites and CI",
  lang: "en",
  base: site?.pathname ?? "/",
  // A preview is read from a server that adds no .html.
  cleanUrls: process.env.DOCS_CLEAN_URLS !== "false",
  ignoreDeadLinks: false,
  srcExclude: ["node_modules/**"],
  // The switch of colours follows the system until somebody uses it.
  appearance: true,
  markdown,
  // The reference has a hundred links on each page.
  router: { prefetchLinks: false },
  ...(site ? { sitemap: { hostname: site.href } } : {}),
  transformHead({ page }) {
    if (site === undefined || page === "404.md") return [];
    const path = page.replace(/(^|\/)index\.md$/, "$1").replace(/\.md$/, "");
    return [["link", { rel: "canonical", href: new URL(path, site).href }]];
  },
  buildEnd({ outDir }) {
    copyFileSync(`${docs}${schema}`, `${outDir}/${schema}`);
  },
  themeConfig: {
    search: {
      provider: "local",
      options: {
        // Of the source the names of what it exports are found, and not each parameter.
        _render(text, env, md) {
          if (!env.relativePath.startsWith("source/")) return md.render(text, env);
          return md.render(text.replace(/^(?!#{1,3} ).*$/gm, ""), env);
        },
      },
    },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/" },
      { text: "Commands", link: "/commands" },
      { text: "Source", link: "/source/" },
    ],
    sidebar: { "/": guides, "/source/": sourcePages() },
  },
});

/** Where a link of the repository leads on the site. */
function onSite(href: string): string {
  return href
    .replace(/^(\.\.\/)?(CONTRIBUTING|SECURITY)\.md/, (_, _up, name) => `./${name.toLowerCase()}.md`)
    .replace(/^docs\//, "./");
}

/** The reference of the source, a group a folder of src. It is made by the build. */
function sourcePages(): DefaultTheme.SidebarItem[] {
  const top = `${docs}source`;
  if (!existsSync(top)) return [];
  const found = readdirSync(top, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  const items: Record<string, DefaultTheme.SidebarItem[]> = { "": [] };
  for (const path of found.map((name) => name.replace(/\.md$/, "")).sort()) {
    const [folder, name] = path.includes("/") ? [dirname(path), basename(path)] : ["", path];
    items[folder] ??= [];
    items[folder].push(
      name === "index" ? { text: "All modules", link: "/source/" } : { text: name, link: `/source/${path}` },
    );
  }
  return Object.entries(items).map(([folder, pages]) => ({
    text: folder ? `src/${folder}` : "The source",
    items: pages,
  }));
}
