// Tests in a browser that the pictures of docs/public are legible: no text leaves its box or meets another one.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Browser, chromium, type Page } from "playwright-core";

const folder = `${import.meta.dir}/../../docs/public`;
const names = [...new Bun.Glob("*.svg").scanSync(folder)].sort();

/** Returns what is wrong with the drawn picture. */
const faults = `(() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const rectangle = (element) => element.getBoundingClientRect();
  const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top - 0.5 && a.bottom <= b.bottom + 0.5;
  const card = rectangle(document.querySelector(".card"));
  const texts = all("text");
  for (const [at, text] of texts.entries()) {
    const box = text.closest("g")?.querySelector(".box") ?? document.querySelector(".card");
    if (!within(rectangle(text), rectangle(box))) faults.push(text.textContent + " leaves its box");
    for (const other of texts.slice(at + 1)) {
      if (meet(rectangle(text), rectangle(other))) faults.push(text.textContent + " meets " + other.textContent);
    }
    for (const line of all(".arrow, .head, .rule")) {
      if (meet(rectangle(text), rectangle(line)) && !line.getAttribute("d").includes("q")) faults.push(text.textContent + " meets an arrow");
    }
  }
  const boxes = all(".box");
  for (const line of all(".arrow, .head")) {
    if (boxes.some((box) => meet(rectangle(line), rectangle(box))) && !line.getAttribute("d").includes("q")) faults.push("an arrow crosses a box");
  }
  for (const [at, box] of boxes.entries()) {
    for (const other of boxes.slice(at + 1)) if (meet(rectangle(box), rectangle(other))) faults.push("two boxes meet");
  }
  return faults;
})()`;

describe("pictures in a browser", () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium" });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  });
  afterAll(() => browser?.close());

  for (const name of names.filter((each) => !each.startsWith("terminal"))) {
    test(`pictures: no text of ${name} leaves its box, and nothing overlaps`, async () => {
      await page.setContent(await Bun.file(`${folder}/${name}`).text());
      expect(await page.evaluate(faults)).toEqual([]);
    });
  }

  test("pictures: a text that leaves its box is detected", async () => {
    const text = await Bun.file(`${folder}/host.svg`).text();
    await page.setContent(text.replace(">nginx<", ">nginx, which serves all of the sites<"));
    expect(await page.evaluate(faults)).not.toEqual([]);
  });

  test("pictures: the recorded terminal stays within its frame", async () => {
    await page.setContent(await Bun.file(`${folder}/terminal.svg`).text());
    const wide = await page.evaluate(`(() => {
      const { left, right } = document.querySelector(".frame").getBoundingClientRect();
      return [...document.querySelectorAll("use")].filter((use) => {
        const line = use.getBoundingClientRect();
        return line.left < left + 8 || line.right > right - 8;
      }).length;
    })()`);
    expect(wide).toBe(0);
  });

  test("pictures: an image has the mode of the page around it, with any preference of the system", async () => {
    const source = Buffer.from(await Bun.file(`${folder}/host.svg`).text()).toString("base64");
    const corner = async (scheme: "light" | "dark", system: "light" | "dark"): Promise<string> => {
      await page.emulateMedia({ colorScheme: system });
      await page.setContent(
        `<html style="color-scheme: ${scheme}"><img src="data:image/svg+xml;base64,${source}"></html>`,
      );
      return (await page.screenshot({ clip: { x: 20, y: 14, width: 4, height: 4 } })).toString("base64");
    };
    const light = await corner("light", "light");
    const dark = await corner("dark", "dark");
    expect(dark).not.toBe(light);
    expect(await corner("light", "dark")).toBe(light);
    expect(await corner("dark", "light")).toBe(dark);
  });

  test("pictures: the recorded terminal moves, and shows its last screen at once where motion is reduced", async () => {
    const source = `data:image/svg+xml;base64,${Buffer.from(await Bun.file(`${folder}/terminal.svg`).text()).toString("base64")}`;
    /** Returns what is shown at first, and later. */
    const shown = async (args: string[]): Promise<string[]> => {
      const other = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
      try {
        const fresh = await other.newPage({ reducedMotion: null });
        await fresh.setContent(`<img src="${source}">`);
        const first = await fresh.screenshot();
        await fresh.waitForTimeout(2500);
        return [first, await fresh.screenshot()].map((image) => image.toString("base64"));
      } finally {
        await other.close();
      }
    };
    const [still, later] = await shown(["--force-prefers-reduced-motion"]);
    expect(later).toBe(still ?? "");
    const [first, second] = await shown([]);
    expect(first).not.toBe(still);
    expect(second).not.toBe(first);
  });
});
