// Publishes the documentation site on a host that edox-ops set up, with the commands of its first page.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { chromium } from "playwright-core";
import { sitePath } from "../../build/site-address.ts";
import { blocksOf, textOf, top } from "../docs/markdown.ts";
import { smoke } from "../site/smoke.ts";
import { startPebble } from "./pebble.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";

let host: TestHost;
beforeAll(async () => {
  host = await TestHost.bare("bookworm");
});
afterAll(() => host?.down());

test("site: the commands of the first page work in their order on a bare host", () => {
  const blocks = blocksOf(textOf("docs/index.md"));
  for (const [i, { language, code }] of blocks.entries()) {
    if (language !== "sh") continue;
    // A bare Debian has no sudo, and root does not need it.
    const { code: exit, stdout, stderr } = host.sh(`cd /srv && sudo() { "$@"; } && set -e\n${code}`);
    expect([code, exit, stderr]).toEqual([code, 0, ""]);
    // The certificate authority of the test, which certbot uses without a flag.
    if (code.includes("edox-ops bootstrap")) startPebble(host, ["docs.example.org"]);
    const next = blocks[i + 1];
    if (next?.language === "") expect(stdout).toBe(next.code);
  }
  expect(host.sh("curl -sS https://docs.example.org/").stdout).toBe("<h1>It is served</h1>\n");
});

test("site: it is built, published and readable on that host: every written page, and one folder of the source reference", async () => {
  must(["env", "-u", "DOCS_SITE_URL", process.execPath, `${top}/build/site.ts`]);
  cpSync(sitePath, `${host.root}/srv/pages`, { recursive: true });
  const publish = ["project", "publish", "pages", "--domain", "pages.test", "--source", "/srv/pages"];
  expect(host.run(["edox-ops", ...publish])).toMatchObject({ code: 0, stderr: "" });
  const browser = await chromium.launch({
    executablePath: host.onItsNetwork("/usr/bin/chromium"),
    args: [`--host-resolver-rules=MAP *.test ${host.address}, MAP * ~NOTFOUND`, "--no-proxy-server"],
  });
  const passedOver = (path: string): boolean => /^source\/(?!engine\/)./.test(path);
  const { pages, failures } = await smoke(browser, "http://pages.test/", passedOver).finally(() => browser.close());
  expect(failures).toEqual([]);
  expect(pages).toContain("commands");
  expect(pages).toContain("source/engine/step");
});
