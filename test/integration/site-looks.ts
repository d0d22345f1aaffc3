// What shows in a browser that the scripts of a generated site run, for each generator.

import type { Page } from "playwright-core";
import { type Generator, rareWord } from "./site-sources.ts";

interface Look {
  /** Returns the result of the page's scripts, for a reader who prefers dark mode. */
  alive(page: Page): Promise<unknown>;
  wanted: unknown;
  /** Goes to the page with the rare word, as a result of the search if the site has one. */
  find(page: Page): Promise<void>;
  /** A text on the site's error page. */
  missing: string;
}

export const looks: Record<Generator, Look> = {
  vitepress: {
    alive: (page) =>
      page.evaluate(`(async () => {
        const end = performance.now() + 60_000;
        while (!document.querySelector("#app").__vue_app__ && performance.now() < end) await new Promise(requestAnimationFrame);
        return document.querySelector("#app").__vue_app__ ? document.documentElement.className : "not hydrated";
      })()`),
    wanted: "dark",
    async find(page) {
      await page.locator("#local-search button").first().click();
      await page.locator("#localsearch-input").fill(rareWord);
      await page.locator(".VPLocalSearchBox .result").first().click();
    },
    missing: "PAGE NOT FOUND",
  },
  material: {
    alive: (page) => page.locator("html.js body").getAttribute("data-md-color-scheme"),
    wanted: "slate",
    async find(page) {
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
    async find(page) {
      await page.locator(".sidebar-search").fill(rareWord);
      await page.keyboard.press("Enter");
      await page.locator("#search-results li a").first().click();
    },
    missing: "Page not found",
  },
  docusaurus: {
    alive: (page) => page.locator("html[data-has-hydrated=true]").getAttribute("data-theme"),
    wanted: "dark",
    // The preset has no search without a service.
    async find(page) {
      await page.getByRole("link", { name: "to be installed" }).click();
    },
    missing: "Page Not Found",
  },
};
