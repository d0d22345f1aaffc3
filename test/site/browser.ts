// Starts the browser of the tests, and makes sure that it shows pages.

import { type Browser, chromium, type LaunchOptions } from "playwright-core";

/** Without it, a processor that imitates a graphics card has a fifth of the work. */
const plain = "--disable-gpu";
/** On a busy machine, the first page takes some seconds. */
const paintLimitMs = 30_000;
const attempts = 3;

/**
 * Starts Chromium. On a busy machine, a new one may never paint a page, and then each script that waits for a frame
 * waits forever: another one is started. Throws after three of them.
 */
export async function launched(options: LaunchOptions): Promise<Browser> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const browser = await chromium.launch({ ...options, args: [plain, ...(options.args ?? [])] });
    if (await paints(browser)) return browser;
    console.error(`Chromium painted nothing within ${paintLimitMs / 1000} s, attempt ${attempt} of ${attempts}`);
    await browser.close();
  }
  throw new Error(`Chromium was started ${attempts} times, and painted no page: ${options.executablePath}`);
}

async function paints(browser: Browser): Promise<boolean> {
  const page = await browser.newPage();
  const painted = page.evaluate("new Promise((painted) => requestAnimationFrame(() => painted(true)))");
  const result = await Promise.race([painted.catch(() => false), Bun.sleep(paintLimitMs).then(() => false)]);
  if (result === true) await page.close();
  return result === true;
}
