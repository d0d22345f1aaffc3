// Tests sites of real generators, which the printed jobs of GitLab build and deploy, on a real host, in a browser.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { hasHashedName } from "../../src/nginx/hashed-names.ts";
import { issue } from "../sites/certificates.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { previewTests } from "./generated-previews.ts";
import { versionTests } from "./generated-versions.ts";
import { events } from "./gitlab-project.ts";
import { SiteProject } from "./published.ts";
import { looks } from "./site-looks.ts";
import { type Opened, SiteReader } from "./site-reader.ts";
import { type Generator, generators, rareWord, type Site } from "./site-sources.ts";
import { generatedSites } from "./sites.ts";
import type { TestHost } from "./test-host.ts";

const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const dates = { from: day(-1), to: day(89) };
const root = issue({ subject: "Root", ...dates, isAuthority: true });

describe("generated sites in a browser", () => {
  let host: TestHost;
  let reader: SiteReader;
  let sites = "";
  const projects = new Map<Site, SiteProject>();

  beforeAll(async () => {
    sites = await generatedSites();
    host = await bootstrapped();
    for (const name of generators) {
      const project = new SiteProject(host, name);
      projects.set(name, project);
      await project.deploy("deploy", events.default, { built: `${sites}/${name}` });
      expect(host.run(["edox-ops", "project", "enable", name])).toMatchObject({ code: 0, stderr: "" });
    }
    reader = await SiteReader.start(host, root.certificate);
  });
  afterAll(async () => {
    await reader?.[Symbol.asyncDispose]();
    for (const project of projects.values()) project[Symbol.dispose]();
    host?.down();
  });

  const open = (name: Generator): Promise<Opened> => reader.open(`${name}.test`);

  for (const name of generators) {
    const { alive, wanted, find, missing } = looks[name];

    test(`${name}: scripts run, the search or a link leads to another page, and there are no errors`, async () => {
      await using opened = await open(name);
      const { page, problems, cached } = opened;
      await page.goto("/", { waitUntil: "networkidle" });
      await page.locator("h1", { hasText: "Home" }).first().waitFor();
      expect(await alive(page)).toEqual(wanted);
      await find(page);
      await page.waitForURL(/\/guide\/install/);
      // The term is checked outside the search results.
      await page.locator("main, [role=main]").getByText(`First the ${rareWord}`).first().waitFor();
      await page.waitForLoadState("networkidle");
      expect(problems).toEqual([]);
      // Sphinx writes no hash into a name.
      expect(cached.length > 0).toBe(name !== "sphinx");
      expect(cached.filter((path) => !hasHashedName(path.slice(1)))).toEqual([]);
    });

    test(`${name}: an address without .html works, and a missing page is answered with the site's own error page`, async () => {
      await using opened = await open(name);
      const { page, problems } = opened;
      const answer = await page.goto("/guide/install", { waitUntil: "networkidle" });
      expect(answer?.status()).toBe(200);
      expect(await alive(page)).toEqual(wanted);
      await page.locator("h1", { hasText: "Install" }).first().waitFor();
      expect(problems).toEqual([]);
      expect((await page.goto("/missing", { waitUntil: "networkidle" }))?.status()).toBe(404);
      await page.getByText(missing).first().waitFor();
      // The only errors are those of the missing page itself.
      expect(problems.toSorted()).toEqual([
        `404: http://${name}.test/missing`,
        `console: Failed to load resource: the server responded with a status of 404 (Not Found) http://${name}.test/missing`,
      ]);
    });
  }

  test("generated sites: the printed jobs deploy no directory in which a generator keeps its own state", () => {
    const live = generators.map((name) => `/var/www/docs/${name}`);
    expect(host.run(["find", ...live, "-mindepth", "1", "-type", "d", "-name", ".*"])).toMatchObject({
      code: 0,
      stdout: "",
    });
  });

  previewTests(() => ({ host, reader, sites, projects }));
  versionTests(() => ({ host, reader, sites, projects }));

  for (const name of generators) {
    test(`${name}: over HTTPS, with a root that the browser trusts, scripts run without mixed content or an error`, async () => {
      const { certificate, key } = issue({ subject: name, names: `DNS:${name}.test`, ...dates, by: root });
      const live = `${host.root}/etc/letsencrypt/live/${name}.test`;
      mkdirSync(live, { recursive: true });
      writeFileSync(`${live}/fullchain.pem`, certificate);
      writeFileSync(`${live}/privkey.pem`, key);
      expect(host.run(["edox-ops", "project", "update", name, "--tls"])).toMatchObject({ code: 0, stderr: "" });
      await using opened = await open(name);
      const { page, problems } = opened;
      const answer = await page.goto("/", { waitUntil: "networkidle" });
      expect([answer?.url(), answer?.status()]).toEqual([`https://${name}.test/`, 200]);
      expect(await answer?.securityDetails()).toMatchObject({ protocol: "TLS 1.3", issuer: "Root" });
      const entry = 'performance.getEntriesByType("navigation")[0].nextHopProtocol';
      expect(await page.evaluate(`[isSecureContext, ${entry}]`)).toEqual([true, "h2"]);
      expect(await looks[name].alive(page)).toEqual(looks[name].wanted);
      await looks[name].find(page);
      await page.waitForURL(/^https:.*\/guide\/install/);
      await page.waitForLoadState("networkidle");
      expect(problems).toEqual([]);
    });
  }

  test("generated sites: the strict policy causes errors on the same site, so the tests above would detect them", async () => {
    expect(host.run(["edox-ops", "project", "update", "vitepress", "--csp", "strict"]).code).toBe(0);
    await using opened = await open("vitepress");
    await opened.page.goto("/", { waitUntil: "networkidle" });
    expect(opened.problems.join("\n")).toContain("violates the following Content Security Policy directive");
  });
});
