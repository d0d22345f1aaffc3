// Configures the site. It loads nothing from other hosts.

import { copyFileSync } from "node:fs";
import type { MarkdownOptions } from "vitepress";
import { defineConfig } from "vitepress";
import { isForContributors, nav, sidebar } from "./navigation.ts";
import { tables } from "./tables.ts";

const docs = new URL("..", import.meta.url).pathname;
/** The address of the site: production and previews have different ones. */
const site = process.env.DOCS_SITE_URL ? new URL(`${process.env.DOCS_SITE_URL.replace(/\/+$/, "")}/`) : undefined;
/** Published beside the pages, for programs. */
const schema = "edox-ops.schema.json";

const markdown: MarkdownOptions = {
  // The default themes miss the contrast that WCAG AA requires.
  theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  config(md) {
    // Pages in the root of the repository are included here, and other pages link to them. Their links work in both.
    md.core.ruler.push("links", ({ tokens }) => {
      for (const token of tokens.flatMap(({ children }) => children ?? [])) {
        const href = token.attrGet("href");
        if (href !== null) token.attrSet("href", onSite(href));
        if (token.type === "code_inline" && token.content.length < 24) token.attrJoin("class", "short");
      }
    });
    tables(md);
  },
};

export default defineConfig({
  title: "edox-ops",
  description: "Publishes documentation sites on your own Debian host, with one executable",
  lang: "en",
  base: site?.pathname ?? "/",
  // The server of a preview adds no .html.
  cleanUrls: process.env.DOCS_CLEAN_URLS !== "false",
  ignoreDeadLinks: false,
  srcExclude: ["node_modules/**"],
  // The colours follow the system until the reader chooses.
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
        // A reader searches for a task, and would find the pages for contributors first. Their sidebar lists them.
        _render: (text, env, md) => (isForContributors(env.relativePath) ? "" : md.render(text, env)),
      },
    },
    outline: [2, 3],
    nav,
    sidebar: sidebar(),
  },
});

/** Returns the address on the site that a link within the repository leads to. */
function onSite(href: string): string {
  return href
    .replace(/^(\.\.\/)?(CONTRIBUTING|SECURITY)\.md/, (_, _up, name) => `./${name.toLowerCase()}.md`)
    .replace(/^docs\//, "./");
}
