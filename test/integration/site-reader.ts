// A reader's browser on the network of a test host, with all problems that its pages report.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Browser, Page } from "playwright-core";
import { launched } from "../site/browser.ts";
import { must } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** A page of a new reader. */
export interface Opened extends AsyncDisposable {
  page: Page;
  /** Errors and warnings of the console, failed requests and responses of 400 and above. */
  problems: string[];
  /** The paths that a browser never requests again. */
  cached: string[];
}

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

export class SiteReader implements AsyncDisposable {
  private constructor(
    private readonly browser: Browser,
    private readonly home: string,
  ) {}

  /** Starts a browser that finds each name in `.test` at the host and trusts this certificate of a root. */
  static async start(host: TestHost, certificate: string): Promise<SiteReader> {
    const home = homeThatTrusts(certificate);
    const browser = await launched({
      env: { ...process.env, HOME: home },
      // On this machine's network, each host that starts or stops would abort the requests of the browser.
      executablePath: host.onItsNetwork("/usr/bin/chromium"),
      // A request to another host fails and is recorded.
      args: [`--host-resolver-rules=MAP *.test ${host.address}, MAP * ~NOTFOUND`, "--no-proxy-server"],
    });
    return new SiteReader(browser, home);
  }

  async open(domain: string): Promise<Opened> {
    const context = await this.browser.newContext({ baseURL: `http://${domain}`, colorScheme: "dark" });
    context.setDefaultTimeout(60_000);
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    rmSync(this.home, { recursive: true });
  }
}
