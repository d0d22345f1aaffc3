// Tests sites of real generators on a real host, in a browser.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Browser, chromium, type Page } from "playwright-core";
import { hasHashedName } from "../../src/nginx/hashed-names.ts";
import { issue } from "../sites/certificates.ts";
import { must } from "./run.ts";
import { type Generator, generatedSites, generators, rareWord } from "./sites.ts";
import { TestHost } from "./test-host.ts";

interface Look {
  /** Returns the result of the page's scripts, for a reader who prefers dark mode. */
  alive(page: Page): Promise<unknown>;
  wanted: unknown;
  /** Types the word into the search and follows its first result. */
  search(page: Page): Promise<void>;
  /** A text on the site's error page. */
  missing: string;
}

const looks: Record<Generator, Look> = {
  vitepress: {
    alive: (page) =>
      page.evaluate(`(async () => {
        const end = performance.now() + 15_000;
        while (!document.querySelector("#app").__vue_app__ && performance.now() < end) await new Promise(requestAnimationFrame);
        return document.querySelector("#app").__vue_app__ ? document.documentElement.className : "not hydrated";
      })()`),
    wanted: "dark",
    async search(page) {
      await page.locator("#local-search button").first().click();
      await page.locator("#localsearch-input").fill(rareWord);
      await page.locator(".VPLocalSearchBox .result").first().click();
    },
    missing: "PAGE NOT FOUND",
  },
  material: {
    alive: (page) => page.locator("html.js body").getAttribute("data-md-color-scheme"),
    wanted: "slate",
    async search(page) {
      const field = page.locator("[data-md-component=search-query]");
      await field.click();
      await field.pressSequentially(rareWord);
      await page.locator(".md-search-result__link").first().click();
    },
    missing: "404 - Not found",
  },
  sphinx: {
    alive: (page) => page.locator("html:not(.no-js) body").getAttribute("data-theme"),
    wanted: "auto",
    async search(page) {
      await page.locator(".sidebar-search").fill(rareWord);
      await page.keyboard.press("Enter");
      await page.locator("#search-results li a").first().click();
    },
    missing: "Page not found",
  },
};

const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const dates = { from: day(-1), to: day(89) };
const root = issue({ subject: "Root", ...dates, isAuthority: true });

/** Imports the root into the trust store of a new home directory, as the person at a desktop does. */
function homeThatTrusts(certificate: string): string {
  const home = mkdtempSync(`${tmpdir()}/edox-ops-browser-`);
  const store = `${home}/.pki/nssdb`;
  mkdirSync(store, { recursive: true });
  writeFileSync(`${home}/root.pem`, certificate);
  must(["certutil", "-d", `sql:${store}`, "-N", "--empty-password"]);
  must(["certutil", "-d", `sql:${store}`, "-A", "-t", "C,,", "-n", "root", "-i", `${home}/root.pem`]);
  return home;
}

describe("generated sites in a browser", () => {
  let host: TestHost;
  let browser: Browser;
  let home = "";

  beforeAll(async () => {
    const sites = generatedSites();
    host = await TestHost.bare();
    expect(host.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    for (const name of generators) {
      must(["cp", "-r", `${sites}/${name}`, `${host.root}/srv/${name}`]);
      const publish = ["publish", name, "--domain", `${name}.test`, "--source", `/srv/${name}`];
      expect(host.run(["edox-ops", "project", ...publish])).toMatchObject({ code: 0, stderr: "" });
    }
    home = homeThatTrusts(root.certificate);
    browser = await chromium.launch({
      env: { ...process.env, HOME: home },
      // On this machine's network, each host that starts or stops would abort the requests of the browser.
      executablePath: host.onItsNetwork("/usr/bin/chromium"),
      // A request to another host fails and is recorded.
      args: [`--host-resolver-rules=MAP *.test ${host.address}, MAP * ~NOTFOUND`, "--no-proxy-server"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    host?.down();
    if (home !== "") rmSync(home, { recursive: true });
  });

  /** Returns a page of a new reader, with all errors that it reports. */
  async function open(
    name: Generator,
  ): Promise<{ page: Page; problems: string[]; cached: string[]; [Symbol.asyncDispose](): Promise<void> }> {
    const context = await browser.newContext({ baseURL: `http://${name}.test`, colorScheme: "dark" });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    const problems: string[] = [];
    const cached: string[] = [];
    page.on("console", (message) => {
      const { url } = message.location();
      if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()} ${url}`);
    });
    page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
    page.on("requestfailed", (request) => problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
    page.on("response", (response) => {
      if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
      if (response.headers()["cache-control"]?.includes("immutable")) cached.push(new URL(response.url()).pathname);
    });
    return { page, problems, cached, [Symbol.asyncDispose]: () => context.close() };
  }

  for (const name of generators) {
    const { alive, wanted, search, missing } = looks[name];

    test(`${name}: scripts run, the search leads to another page, and there are no errors`, async () => {
      await using opened = await open(name);
      const { page, problems, cached } = opened;
      await page.goto("/", { waitUntil: "networkidle" });
      await page.locator("h1", { hasText: "Home" }).first().waitFor();
      expect(await alive(page)).toEqual(wanted);
      await search(page);
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
      await looks[name].search(page);
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
