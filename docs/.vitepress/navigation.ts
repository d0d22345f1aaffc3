// The navigation of the site: pages for readers in one sidebar, pages for contributors in another.

import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { DefaultTheme } from "vitepress";

const docs = new URL("..", import.meta.url).pathname;

type Page = [link: string, text: string];

export const getStarted: Page[] = [
  ["/", "Start"],
  ["/install", "Install"],
  ["/raspberry-pi", "On a Raspberry Pi"],
  ["/coming-from-python", "Coming from the Python version"],
];

export const guides: Page[] = [
  ["/sites", "Sites and deploys"],
  ["/https", "HTTPS"],
  ["/guides/deploy-from-ci", "Deploy from GitLab CI"],
  ["/previews", "Previews"],
  ["/deploy-keys", "Deploy keys"],
  ["/versions", "Versions"],
  ["/redirects", "Redirects and headers"],
  ["/guides/change-domain", "Change a domain"],
  ["/guides/several-names", "Serve a site at several names"],
  ["/guides/reverse-proxy", "Run behind a reverse proxy"],
  ["/guides/move-a-site", "Move a site"],
  ["/offline", "Work without a network"],
  ["/runner", "Set up a CI runner"],
  ["/docker-in-docker", "Docker-in-Docker"],
  ["/runner-disk", "Keep a runner's disk free"],
];

export const operate: Page[] = [
  ["/troubleshooting", "Troubleshooting"],
  ["/alerts", "Alerts"],
  ["/hardening", "Harden a host"],
  ["/guides/backup", "Back up and move a host"],
  ["/guides/access-logs", "Access logs and statistics"],
  ["/guides/remove-everything", "Remove everything"],
];

export const reference: Page[] = [
  ["/commands", "Commands"],
  ["/json", "JSON output"],
  ["/security", "Security"],
  ["/survives", "What it survives"],
  ["/bench", "How fast it is"],
];

const contribute: Page[] = [
  ["/contributing", "Contributing"],
  ["/architecture", "Architecture"],
  ["/getting-started", "Getting started on GitLab"],
  ["/pipeline", "Pipeline and runners"],
  ["/branches", "Branches"],
  ["/ssh-keys", "SSH keys"],
  ["/ci-logs", "Reading job logs"],
  ["/releases", "Releases"],
  ["/release-key", "Release key"],
];

/** `path`: relative to docs/. */
export function isForContributors(path: string): boolean {
  return path.startsWith("source/") || contribute.some(([link]) => `${link}.md` === `/${path}`);
}

export const nav: DefaultTheme.NavItem[] = [
  { text: "Get started", link: "/install", activeMatch: matching(getStarted) },
  { text: "Guides", link: "/sites", activeMatch: matching(guides) },
  { text: "Operate", link: "/troubleshooting", activeMatch: matching(operate) },
  { text: "Reference", link: "/commands", activeMatch: matching(reference) },
  { text: "Contribute", link: "/contributing", activeMatch: matching([...contribute, ["/source/", ""]]) },
];

/** Returns the sidebar of each page: the first prefix that matches counts, and `/` matches every page. */
export function sidebar(): DefaultTheme.SidebarMulti {
  const forContributors = [
    group("Contribute", contribute),
    { text: "Source", items: [{ text: "Reference of the source", link: "/source/" }] },
  ];
  return {
    ...Object.fromEntries(contribute.map(([link]) => [link, forContributors])),
    "/source/": sourcePages(),
    "/": [
      group("Get started", getStarted),
      group("Guides", guides),
      group("Operate", operate),
      group("Reference", reference),
      { text: "Contribute", link: "/contributing" },
    ],
  };
}

/** A page that another branch adds is listed as soon as its file exists. */
function group(text: string, pages: readonly Page[]): DefaultTheme.SidebarItem {
  const existing = pages.filter(([link]) => existsSync(`${docs}${link.endsWith("/") ? `${link}index` : link}.md`));
  return { text, items: existing.map(([link, text]) => ({ text, link })) };
}

function matching(pages: readonly Page[]): string {
  return `^(${pages.map(([link]) => (link === "/source/" ? link : `${link}(\\.html)?$`)).join("|")})`;
}

/** Returns the reference of the source, one group for each folder of src. The build generates its pages. */
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
