// Tests the built site in a browser: every page, in light and dark mode, on a desktop and on a phone.
//
// Usage: bun test/site/smoke.ts [URL]. The default is DOCS_SITE_URL, or else the output of docs:build. An empty URL
// means that the project has not set DOCS_PRODUCTION_URL, so there is nothing to test yet.

import { existsSync, statSync } from "node:fs";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { isSiteUrl, sitePath } from "../../build/site-address.ts";
import { launched } from "./browser.ts";

/** The size of a small current phone, in CSS pixels. */
const phone = { width: 360, height: 740 };
const desk = { width: 1440, height: 900 };
/** Four hosts beside the browser delay a page by up to half a minute. */
const limitMs = 60_000;
const workers = 2;
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/** The rules that depend on colours. All others have the same result in dark mode. */
const colourRules = ["color-contrast", "link-in-text-block"];
/** The pages of the reference share their layout, which is tested once. */
const reference = "source/";

/** What readers type, and the beginning of the address of the guide that they need. */
const searches = [
  ["certificate", "https"],
  ["backup", "guides/backup"],
  ["change domain", "guides/change-domain"],
  ["prepare-ci-host", "runner", "commands"],
  ["statistics", "guides/access-logs"],
  ["remove everything", "guides/remove-everything"],
  ["nginx:config", "troubleshooting"],
  ["ports", "install"],
  ["exit codes", "commands"],
  ["csp", "sites"],
  ["log", "guides/access-logs", "troubleshooting"],
  ["disk full", "troubleshooting", "survives"],
  ["verify a release", "install"],
  ["gitlab ci", "guides/deploy-from-ci"],
  ["preview", "previews", "guides/deploy-from-ci"],
  ["wildcard", "previews"],
  ["redirects", "redirects"],
  ["deploy key", "deploy-keys"],
  ["version selector", "versions"],
  ["password", "sites", "previews"],
  ["vanish", "sites"],
  ["firewall", "hardening"],
  ["locked out", "hardening"],
  ["fail2ban", "hardening"],
  ["harden", "hardening"],
  ["alert", "alerts"],
  ["metrics", "alerts"],
  ["restic", "guides/backup"],
  ["new host", "guides/backup"],
] as const;

export interface Smoked {
  /** The addresses of all pages, relative to that of the site. */
  pages: string[];
  /** One line per failure. */
  failures: string[];
}

/**
 * Follows the links of the site from its front page and tests each page once, except for those that `passedOver`
 * excludes. `url` ends with a slash. What was not tested after `allMs` is a failure.
 */
export async function smoke(
  browser: Browser,
  url: string,
  passedOver: (path: string) => boolean = () => false,
  allMs = 60 * 60_000,
): Promise<Smoked> {
  const pages = new Set([""]);
  const failures: string[] = [];
  const waiting = [""];
  let busy = 0;
  const context = await browser.newContext({ viewport: desk });
  context.setDefaultTimeout(limitMs);
  // Everything that waits for the browser ends with its context.
  const late = setTimeout(() => {
    failures.push(`not all pages were read within ${allMs / 60_000} minutes: ${waiting.length} were left`);
    waiting.splice(0);
    void context.close();
  }, allMs);
  await Promise.all([search(context, url, failures), ...Array.from({ length: workers }, worker)]);
  clearTimeout(late);
  await context.close();
  return { pages: [...pages].sort(), failures };

  async function worker(): Promise<void> {
    const reader = await open(context, url, failures);
    for (;;) {
      const path = waiting.shift();
      if (path === undefined && busy === 0) return;
      if (path === undefined) await Bun.sleep(20);
      else await visit(path, reader);
    }
  }

  async function visit(path: string, reader: Reader): Promise<void> {
    busy += 1;
    try {
      for (const found of await look(reader, url, path, failures)) {
        if (pages.has(found) || passedOver(found)) continue;
        pages.add(found);
        waiting.push(found);
      }
    } catch (error) {
      failures.push(`/${path}: ${firstLine(error)}`);
    } finally {
      busy -= 1;
    }
  }
}

/** Tests a page and returns the pages that it links to. */
async function look(reader: Reader, url: string, path: string, failures: string[]): Promise<string[]> {
  const { page } = reader;
  reader.path = path;
  await page.setViewportSize(desk);
  const answer = await page.goto(url + path, { waitUntil: "load" });
  if (answer?.status() !== 200) failures.push(`/${path}: the status is ${answer?.status()}`);
  await hydrated(page);
  await page.evaluate(axe.source);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(colorScheme === "dark" ? "html.dark" : "html:not(.dark)").waitFor();
    for (const found of await violations(page, path, colorScheme === "dark" ? colourRules : rules))
      failures.push(`/${path} (${colorScheme}): ${found}`);
  }
  await page.setViewportSize(phone);
  const width = await page.evaluate("document.documentElement.scrollWidth");
  if (Number(width) > phone.width) failures.push(`/${path}: ${width} px wide on a phone of ${phone.width}`);
  const links = (await page.evaluate("[...document.links].map((link) => link.href)")) as string[];
  return links
    .filter((link) => link.startsWith(url))
    .map((link) => link.slice(url.length).replace(/[#?].*$/, ""))
    .filter((found) => !/\.(?!html$)\w+$/.test(found));
}

async function violations(page: Page, path: string, runOnly: readonly string[]): Promise<string[]> {
  const inner = path.startsWith(reference) && path !== reference;
  const found = await page.evaluate(`axe.run(${inner ? '"main"' : "document"}, {
    runOnly: ${JSON.stringify(runOnly)}, resultTypes: ["violations"], elementRef: false,
  }).then(({ violations }) => violations.map(({ id, nodes }) =>
    id + ": " + nodes.length + " times, first " + nodes[0].target.join(" ") + ": " +
      (nodes[0].any[0] ?? nodes[0].all[0] ?? nodes[0].none[0]).message))`);
  return found as string[];
}

/** Tests that each query finds a page of the given prefixes first, which has the last word of the query. */
async function search(context: BrowserContext, url: string, failures: string[]): Promise<void> {
  const { page } = await open(context, url, failures);
  const box = page.locator(".VPLocalSearchBox");
  const first = box.locator(".result").first();
  for (const [i, [query, ...prefixes]] of searches.entries()) {
    try {
      if (i === 0) {
        await page.goto(url, { waitUntil: "load" });
        await hydrated(page);
        // The box stays open for all of them: it reads the index of the search each time that it opens.
        await page.locator("#local-search button").first().click();
      }
      // A box shows the results of the last query until it has others.
      await page.locator("#localsearch-input").fill("");
      await first.waitFor({ state: "detached" });
      await page.locator("#localsearch-input").fill(query);
      const found = new URL((await first.getAttribute("href")) ?? "", url).href;
      const path = found.slice(url.length);
      if (!prefixes.some((prefix) => path.startsWith(prefix))) failures.push(`the search for ${query} finds ${path}`);
      if ((await box.locator('.result[href*="/source/"]').count()) > 0)
        failures.push(`the search for ${query} finds the reference of the source`);
      const word = query.split(" ").at(-1) ?? "";
      if (!(await textOf(page, found)).includes(word)) failures.push(`/${path} does not have the word ${word}`);
      if (i < searches.length - 1) continue;
      await first.click();
      await page.waitForURL(found);
    } catch (error) {
      failures.push(`the search for ${query}: ${firstLine(error)}`);
      if (page.isClosed()) return;
    }
  }
  await page.close();
}

/** Returns the text of another page of the site in lower case. */
async function textOf(page: Page, address: string): Promise<string> {
  const text = await page.evaluate(`fetch(${JSON.stringify(address)}).then((answer) => answer.text())
    .then((html) => new DOMParser().parseFromString(html, "text/html").querySelector("main").textContent.toLowerCase())`);
  return text as string;
}

interface Reader {
  page: Page;
  /** The page that is being tested. */
  path: string;
}

/** Errors on the console and requests to other hosts are failures. */
async function open(context: BrowserContext, url: string, failures: string[]): Promise<Reader> {
  const page = await context.newPage();
  const reader = { page, path: "" };
  const fail = (what: string) => failures.push(`/${reader.path}: ${what}`);
  await page.route(
    (asked) => asked.origin !== new URL(url).origin && asked.protocol.startsWith("http"),
    (route) => {
      fail(`asks a foreign host: ${route.request().url()}`);
      return route.abort();
    },
  );
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) fail(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fail(`error: ${error.message}`));
  page.on("response", (response) => {
    if (response.status() >= 400) fail(`${response.status()}: ${response.url()}`);
  });
  return reader;
}

/** Waits until the scripts run and no colour transition is in progress. */
async function hydrated(page: Page): Promise<void> {
  // Evaluated in one call, because the site's own policy does not allow the evaluation of text that polling needs. An
  // evaluation has no limit of its own, and a page that is not painted gets no animation frame.
  await page.evaluate(`new Promise((resolve, reject) => {
    const end = performance.now() + ${limitMs};
    const look = () => {
      if (document.querySelector("#app")?.__vue_app__) resolve(true);
      else if (performance.now() < end) setTimeout(look, 20);
      else reject(new Error("its scripts did not start within ${limitMs / 1000} s"));
    };
    look();
  })`);
  await page.evaluate(`(() => {
    const still = new CSSStyleSheet();
    still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
  })()`);
}

function firstLine(error: unknown): string {
  return (error as Error).message.split("\n")[0] ?? "";
}

/** Serves the built site on loopback like GitLab Pages: addresses without .html work, and 404.html is used. */
export function served(dir: string) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname);
      const found = [path, `${path}.html`, `${path}index.html`].find((each) => {
        return statSync(`${dir}${each}`, { throwIfNoEntry: false })?.isFile() && !each.includes("/../");
      });
      if (found !== undefined) return new Response(Bun.file(`${dir}${found}`));
      return new Response(Bun.file(`${dir}/404.html`), { status: 404 });
    },
  });
}

if (import.meta.main) {
  const given = process.argv[2] || process.env.DOCS_SITE_URL;
  const desk = `(to repeat it: npm run docs:build && npm run docs:smoke${given ? ` -- ${given}` : ""})`;
  const stop = (what: string): never => {
    console.error(`error: docs:smoke: ${what} ${desk}`);
    process.exit(1);
  };
  if (process.argv[2] === "") {
    console.log("docs:smoke: skipped: DOCS_PRODUCTION_URL is not set");
    console.log("hint: set it under Settings, CI/CD, Variables to the address that Deploy, Pages shows");
    process.exit(0);
  }
  if (given && !isSiteUrl(given)) stop(`invalid address '${given}' (for example https://docs.example.org)`);
  const program = "/usr/bin/chromium";
  if (!existsSync(program)) stop("there is no Chromium, type: sudo apt-get install chromium");
  if (!given && !existsSync(`${sitePath}/index.html`)) stop("the site is not built");
  const server = given ? undefined : served(sitePath);
  const url = `${(given ?? `${server?.url}`).replace(/\/+$/, "")}/`;
  const browser = await launched({ executablePath: program });
  const { pages, failures } = await smoke(browser, url).finally(() => browser.close());
  await server?.stop(true);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  if (failures.length > 0) stop(`${failures.length} failures on ${pages.length} pages of ${url}`);
  console.log(`ok: ${pages.length} pages of ${url}`);
}
