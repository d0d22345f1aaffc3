// Tests the version selectors of two themes: Material with mike, and pydata-sphinx-theme.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { events, tagged } from "./gitlab-project.ts";
import { type Published, SiteProject } from "./published.ts";
import { looks } from "./site-looks.ts";
import { versioned, versions } from "./site-sources.ts";

interface Selector {
  /** The address of guide/install in a link of the theme, below that of a version. */
  install: string;
  fresh: string;
  /** The text of the closed selector. */
  shown(page: Page): Promise<string | null>;
  choose(page: Page, version: string): Promise<void>;
  /** What the theme requests to find out whether the other version has the same page. */
  asksFor: string;
}

const selectors: Record<(typeof versioned)[number], Selector> = {
  mike: {
    install: "guide/install/",
    fresh: "new/",
    shown: (page) => page.locator(".md-version__current").textContent(),
    async choose(page, version) {
      await page.locator(".md-version__current").focus();
      await page.locator(".md-version__link", { hasText: version }).click();
    },
    asksFor: "sitemap.xml",
  },
  pydata: {
    install: "guide/install.html",
    fresh: "new.html",
    shown: (page) => page.locator(".version-switcher__button").first().textContent(),
    async choose(page, version) {
      await page.locator(".version-switcher__button").first().click();
      await page.locator(".version-switcher__menu a", { hasText: version }).first().click();
    },
    asksFor: "new.html",
  },
};

export function versionTests(published: () => Published): void {
  for (const name of versioned) {
    const { install, fresh, shown, choose, asksFor } = selectors[name];
    const address = (path: string): string => `http://${name}.test/${path}`;

    test(`${name}: two tags become versions, and the selector of the theme leads from one to the other`, async () => {
      const { host, reader, sites, projects } = published();
      const project = new SiteProject(host, name);
      projects.set(name, project);
      for (const version of versions)
        await project.deploy("version", tagged(version), { built: `${sites}/${name}/${version}` });
      expect(host.run(["edox-ops", "project", "enable", name])).toMatchObject({ code: 0, stderr: "" });

      await using opened = await reader.open(`${name}.test`);
      const { page, problems } = opened;
      await page.goto("/", { waitUntil: "networkidle" });
      expect(page.url()).toBe(address("latest/"));
      expect(await shown(page)).toContain("1.5");
      // The same page of the other version.
      await page.goto(`/1.4/${install}`, { waitUntil: "networkidle" });
      await choose(page, "1.5");
      await page.waitForURL(address(`1.5/${install}`));
      await page.waitForLoadState("networkidle");
      expect(await shown(page)).toContain("1.5");
      // pydata looks for the page first, and follows its link before that request is complete.
      expect(problems.filter((each) => each !== `failed: ${address(`1.5/${install}`)} net::ERR_ABORTED`)).toEqual([]);
    });

    test(`${name}: from a page that the other version has not, the selector leads to its front page`, async () => {
      await using opened = await published().reader.open(`${name}.test`);
      const { page, problems } = opened;
      const requests: string[] = [];
      await page.goto(`/1.5/${fresh}`, { waitUntil: "networkidle" });
      page.on("request", (request) => requests.push(request.url()));
      await choose(page, "1.4");
      await page.waitForURL(address("1.4/"));
      await page.locator("h1", { hasText: "Home" }).first().waitFor();
      await page.waitForLoadState("networkidle");
      expect(await shown(page)).toContain("1.4");
      expect(requests).toContain(address(`1.4/${asksFor}`));
      // pydata requests the page itself, and the browser reports that it is missing.
      expect(problems.filter((each) => !each.includes(address(`1.4/${fresh}`)))).toEqual([]);
    });
  }

  test("vitepress: a tag becomes the default version, and works at the address to which / leads", async () => {
    const { host, reader, sites, projects } = published();
    await projects.get("vitepress")?.deploy("version", tagged("1.4"), { built: `${sites}/vitepress-1.4` });
    const { alive, wanted, find } = looks.vitepress;
    await using opened = await reader.open("vitepress.test");
    const { page, problems } = opened;
    await page.goto("/", { waitUntil: "networkidle" });
    expect(await alive(page)).toEqual(wanted);
    await page.locator("h1", { hasText: "Home" }).first().waitFor();
    await find(page);
    await page.waitForURL("http://vitepress.test/1.4/guide/install**");
    await page.waitForLoadState("networkidle");
    expect(problems).toEqual([]);
    const remove =
      "edox-ops project versions default vitepress none && edox-ops project versions remove vitepress 1.4 --yes";
    expect(host.sh(remove)).toMatchObject({ code: 0 });
  });

  test("mike: versions.json has the versions, titles, aliases and order of the file that mike writes", () => {
    const { host, sites } = published();
    const index = host.sh("curl -sSf --resolve mike.test:80:127.0.0.1 http://mike.test/versions.json");
    const found: Record<string, unknown>[] = JSON.parse(index.stdout);
    const mikes = JSON.parse(readFileSync(`${sites}/branch/versions.json`, "utf8"));
    expect(found.map(({ version, title, aliases }) => ({ version, title, aliases }))).toEqual(mikes);
  });

  test("mike: the branch that mike commits is deployed unchanged as a whole site, with its alias as a symlink", async () => {
    const { host, reader, sites, projects } = published();
    const project = new SiteProject(host, "branch");
    projects.set("branch", project);
    await project.deploy("deploy", events.default, { built: `${sites}/branch` });
    expect(host.run(["edox-ops", "project", "enable", "branch"])).toMatchObject({ code: 0, stderr: "" });
    await using opened = await reader.open("branch.test");
    const { page, problems } = opened;
    await page.goto("/", { waitUntil: "networkidle" });
    await page.waitForURL("http://branch.test/latest/");
    await selectors.mike.choose(page, "1.5");
    await page.waitForURL("http://branch.test/1.5/");
    await page.waitForLoadState("networkidle");
    // The script of the first page leads to the default version, which can abort what the page still requests.
    expect(problems.filter((each) => !each.endsWith(" net::ERR_ABORTED"))).toEqual([]);
  });
}
