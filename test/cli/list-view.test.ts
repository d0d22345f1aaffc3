// What read-only commands print at a terminal.

import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { root } from "../../src/cli/cli.ts";
import { commandSpecOf } from "../../src/cli/command-spec.ts";
import { allCommands } from "../../src/report/command-spec.ts";
import { documentSchema } from "../../src/report/schema.ts";
import { certbotHost } from "../certs/fake-certbot.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { fakeGitLab } from "../runner/fake-gitlab.ts";
import { preparedRunner } from "../runner/prepared-runner.ts";
import { SiteHost } from "../sites/site-host.ts";
import { atTerminal, bootstrap, typed, variables } from "./typed.ts";

const sites: SiteHost[] = [];
afterEach(() => {
  for (const site of sites.splice(0)) site[Symbol.dispose]();
  for (const name of Object.keys(variables)) delete variables[name];
});

/** Returns a host with a live, a disabled, an empty and an invalid project. */
async function hosted(): Promise<SiteHost> {
  const site = await SiteHost.bootstrapped();
  sites.push(site);
  site.disk.write("/srv/first/index.html", "x".repeat(2000));
  for (const line of [
    "publish docs --domain docs.example.org --source /srv/first",
    "publish handbook --domain handbook.example.org --source /srv/first",
    "disable handbook",
    "add later --domain later.example.org",
    "add broken --domain broken.example.org",
  ]) {
    expect(await site.type(`project ${line}`)).toMatchObject({ exit: 0, err: "" });
  }
  const records = JSON.parse(site.fake.text("/etc/edox-ops/projects.json") ?? "");
  records.broken.branch = "..";
  site.fake.put("/etc/edox-ops/projects.json", JSON.stringify(records));
  return site;
}

const atWidth = (site: SiteHost, width: number, line: string) => atTerminal(width, () => site.type(line));

describe("project list at a terminal", () => {
  test("lists the URL, status, age and size of each project, and how an invalid record is fixed", async () => {
    const site = await hosted();
    const { exit, out, err } = await atWidth(site, 80, "project list");
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    expect(out).toMatchSnapshot("80 columns");
    expect((await atWidth(site, 40, "project list")).out).toMatchSnapshot("40 columns");
  });

  test("a site is offline where nginx does not run, and doctor is named", async () => {
    const site = await hosted();
    site.fake.remove("/run/systemd/units/invocation:nginx.service");
    const { out } = await atWidth(site, 80, "project list");
    expect(out).toMatch(/^docs .* offline +just now +2\.0 KiB$/m);
    expect(out).toMatch(/^handbook .* disabled /m);
    expect(out).toEndWith("▲ nginx does not run, and serves no site → edox-ops doctor\n");
    expect((await atWidth(site, 80, "project show docs")).out).toMatch(/^STATUS +offline$/m);
  });

  test("whether nginx runs is read once for all projects", async () => {
    const site = await hosted();
    const { host } = site;
    const { readLink } = host;
    const read: string[] = [];
    host.readLink = (path) => {
      read.push(path);
      return readLink.call(host, path);
    };
    expect((await atWidth(site, 80, "project list")).out).toMatch(/^docs .* live /m);
    expect(read.filter((path) => path.endsWith("nginx.service"))).toHaveLength(1);
  });

  for (const dir of ["sites-available", "sites-enabled"]) {
    test(`a site without its file in ${dir} is live until nginx restarts, and doctor is named`, async () => {
      const site = await hosted();
      site.fake.remove(`/etc/nginx/${dir}/edox-ops-docs`);
      const { out } = await atWidth(site, 80, "project list");
      expect(out).toMatch(/^docs .* live /m);
      expect(out).toEndWith(
        "▲ the nginx site of docs is missing: it goes offline when nginx restarts\n  → edox-ops doctor\n",
      );
    });
  }

  test("a pipe gets the lines that scripts read", async () => {
    const site = await hosted();
    expect((await site.type("project list")).out).toMatchSnapshot("piped");
  });

  test("without a project, the command that publishes one is shown", async () => {
    const site = await SiteHost.bootstrapped();
    sites.push(site);
    expect((await atWidth(site, 80, "project list")).out).toBe(
      "No projects yet.\n→ edox-ops project publish SLUG --domain docs.example.org --source DIRECTORY\n",
    );
    variables.LANG = "C";
    expect((await atWidth(site, 80, "project list")).out).toContain("-> edox-ops project publish");
  });

  test("a tree that this user may not read stops no other row, and root is named", async () => {
    const site = await hosted();
    const { entry } = site.trees;
    Object.assign(site.trees, {
      entry(path: string) {
        if (path === "/var/www/docs/docs")
          throw Object.assign(new Error("EACCES: permission denied, lstat"), { code: "EACCES" });
        return entry(path);
      },
    });
    Object.assign(site.host, { uid: 1000 });
    const { exit, out } = await atWidth(site, 80, "project list");
    expect(exit).toBe(0);
    expect(out).toMatch(/^docs +http:\/\/docs.example.org\/ +enabled +\? +\?$/m);
    expect(out).toMatch(/^handbook .* disabled +just now +2\.0 KiB$/m);
    expect(out).toContain("▲ docs: permission denied");
    expect(out).toEndWith("Root can read all of them. → sudo edox-ops project list\n");
  });

  test("a tree that another program made has no time of a deploy", async () => {
    const site = await hosted();
    site.disk.write("/var/www/docs/later/index.html", "by hand");
    expect((await atWidth(site, 80, "project list")).out).toMatch(/^later .* disabled +\? +7 bytes$/m);
  });

  test("a large tree is measured for a second at most, and its size is a lower limit then", async () => {
    const site = await hosted();
    const dir = `${site.disk.root}/var/www/docs/docs`;
    chmodSync(dir, 0o755);
    for (let i = 0; i < 600; i++) writeFileSync(`${dir}/page-${i}.html`, "page");
    let now = Date.now();
    site.host.now = () => (now += 300);
    expect((await atWidth(site, 80, "project list")).out).toMatch(/^docs .* > \d.*$/m);
  });
});

test("project check-links at a terminal: a row for each broken link, and the sentence about all", async () => {
  const site = await hosted();
  const page = (...hrefs: string[]) => hrefs.map((href) => `<a href="${href}">x</a>`).join("");
  site.disk.write("/srv/linked/index.html", page("guide/install", "Guide/install"));
  site.disk.write("/srv/linked/guide/install.html", page("setup.html", "/#requirements", "/"));
  const line = "project check-links docs /srv/linked";
  expect(await atWidth(site, 80, line)).toMatchSnapshot("80 columns");
  expect(await atWidth(site, 40, line)).toMatchSnapshot("40 columns");
  site.disk.write("/srv/good/index.html", page("/"));
  const good = await atWidth(site, 80, "project check-links docs /srv/good");
  expect(good).toEqual({ exit: 0, out: "✔ No broken links: 1 link on 1 page.\n", err: "" });
});

describe("project backups, assets and show at a terminal", () => {
  async function releases(): Promise<SiteHost> {
    const site = await hosted();
    site.disk.write("/srv/second/index.html", "second");
    site.disk.write("/srv/first/assets/app.4f283b18.js", "script");
    for (const source of ["first", "second"]) {
      expect((await site.type(`project deploy docs --source /srv/${source}`)).exit).toBe(0);
    }
    return site;
  }

  test("backups list shows times, ages and sizes, marks the newest, and its command restores that one", async () => {
    const site = await releases();
    expect((await site.type("project rollback docs --yes")).exit).toBe(0);
    const { exit, out } = await atWidth(site, 80, "project backups docs");
    expect(exit).toBe(0);
    const stamps = out.replace(/\d{8}T\d{6}Z/g, "STAMP").replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "2026-11-29 06:40");
    expect(stamps).toMatchSnapshot("80 columns");
    expect(
      Math.max(...(await atWidth(site, 40, "project backups docs")).out.split("\n").map((line) => line.length)),
    ).toBe("→ edox-ops project restore docs --backup 20261129T064000Z".length);
    const next = /→ edox-ops (.+)/.exec(out)?.[1] ?? "";
    expect((await site.type(`${next} --yes`)).exit).toBe(0);
  });

  test("backups list of a backup that cannot be read has no size for it, lists the others and fails", async () => {
    const site = await releases();
    const { walk } = site.trees;
    let isFirst = true;
    Object.assign(site.trees, {
      walk(dir: string) {
        if (isFirst) {
          isFirst = false;
          throw Object.assign(new Error("EIO: i/o error, scandir"), { code: "EIO" });
        }
        return walk(dir);
      },
    });
    const { exit, out, err } = await atWidth(site, 80, "project backups docs");
    expect([exit, err]).toEqual([1, expect.stringMatching(/^warning: .*i\/o error/i)]);
    expect(out).toMatch(/^\S+Z .* just now +\?$/m);
    expect(out).toMatch(/^\S+Z .* just now +2\.0 KiB +newest$/m);
  });

  test("backups list of a project without one shows the command that makes one", async () => {
    const site = await hosted();
    expect((await atWidth(site, 80, "project backups docs")).out).toBe(
      "No backups of docs yet: a deploy that replaces a release makes one.\n" +
        "→ edox-ops project deploy docs --source DIRECTORY\n",
    );
  });

  test("assets list shows sizes and the command that removes the files", async () => {
    const site = await releases();
    const { out } = await atWidth(site, 80, "project assets docs");
    expect(out).toBe(
      "PATH                    SIZE\nassets/app.4f283b18.js  6 bytes\n\n" +
        "1 file, 6 bytes. Remove them: → edox-ops project assets prune docs\n",
    );
    expect((await site.type("project assets docs")).out).toBe("assets/app.4f283b18.js\t6\n");
  });

  test("show lists the record and the live release, and a pipe gets the contract's lines", async () => {
    const site = await hosted();
    expect((await atWidth(site, 80, "project show docs")).out).toMatchSnapshot("80 columns");
    expect((await site.type("project show docs")).out).toStartWith("slug: docs\ndomain: docs.example.org\n");
  });
});

/** Runs a command line on a host in memory at a terminal of this width. */
const viewed = (host: FakeHost, width: number, line: string) => atTerminal(width, () => typed(line, host));

describe("runners at a terminal", () => {
  async function registered(): Promise<FakeHost> {
    const { host } = await preparedRunner();
    fakeGitLab(host, "https://gitlab.test").runners.set("glrt-0123456789", 41);
    const register = "gitlab-runner register --url https://gitlab.test --profile ci --token glrt-0123456789";
    expect(await typed(register, host)).toMatchObject({ exit: 0 });
    return host;
  }

  test("gitlab-runner list shows a table, and --json the same runners", async () => {
    const host = await registered();
    expect((await viewed(host, 80, "gitlab-runner list")).out).toBe(
      "NAME                GITLAB               EXECUTOR  OWNER\n" +
        "edox-ops CI runner  https://gitlab.test  docker    edox-ops\n",
    );
    expect((await typed("gitlab-runner list", host)).out).toBe(
      "edox-ops CI runner\thttps://gitlab.test\tdocker\tours\n",
    );
    const { runners } = v.parse(documentSchema, JSON.parse((await typed("gitlab-runner list --json", host)).out));
    expect(runners).toEqual([
      { name: "edox-ops CI runner", url: "https://gitlab.test", executor: "docker", ours: true },
    ]);
  });

  test("gitlab-runner list without a runner shows the command that registers one", async () => {
    const { host } = await preparedRunner();
    expect((await viewed(host, 80, "gitlab-runner list")).out).toBe(
      "No runners yet.\n→ edox-ops gitlab-runner register --profile ci --url https://gitlab.com --token -\n",
    );
    expect((await viewed(fakeDebian(), 80, "gitlab-runner list")).out).toBe(
      "No runners yet. → edox-ops gitlab-runner prepare-ci-host\n",
    );
    expect((await typed("gitlab-runner list", host)).out).toBe("No runners.\n");
  });

  test("gitlab-runner status shows the service and the runners, also at 40 columns", async () => {
    const version = (host: FakeHost, code: number) => {
      host.taught.unshift(([name, flag]) => {
        return name === "gitlab-runner" && flag === "--version"
          ? { code, stdout: "Version:      19.4.0\n", stderr: "" }
          : undefined;
      });
      return host;
    };
    const host = version(await registered(), 0);
    for (const width of [100, 40]) {
      expect((await viewed(host, width, "gitlab-runner status")).out).toMatchSnapshot(`${width} columns`);
    }
    const none = await viewed(version(fakeDebian(), 127), 80, "gitlab-runner status");
    expect([none.exit, none.out]).toEqual([
      1,
      "GitLab Runner is not installed. → edox-ops gitlab-runner prepare-ci-host\n",
    ]);
  });
});

describe("certs status and nginx status at a terminal", () => {
  test("certs status shows a row for each certificate within 80 columns, and why a renewal is not loaded", async () => {
    const host = certbotHost([{ name: "demo.test", to: "2027-02-01" }]);
    const { exit, out } = await viewed(host, 80, "certs status");
    expect(exit).toBe(0);
    expect(out).toMatchSnapshot("80 columns");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    const bare = await viewed(fakeDebian(), 80, "certs status");
    expect(bare.out).toStartWith(
      "No certificates yet.\n→ edox-ops project publish SLUG --domain docs.example.org --source DIRECTORY --tls\n",
    );
    const { out: first } = await atWidth(await hosted(), 80, "certs status");
    expect(first).toStartWith("No certificates yet. → edox-ops project certs issue docs\n");
  });

  test("nginx status shows the service and the configuration, and --json the same facts", async () => {
    const host = await bootstrap(fakeDebian());
    expect((await viewed(host, 80, "nginx status")).out).toBe("NGINX          active\nCONFIGURATION  valid\n");
    const shown = await typed("nginx status --json", host);
    expect(v.parse(documentSchema, JSON.parse(shown.out))).toMatchObject({
      ...{ command: "nginx status", outcome: "ok", exit: 0 },
      nginx: { installed: true, active: true, config_valid: true },
    });
    host.remove("/run/systemd/units/invocation:nginx.service");
    expect((await viewed(host, 80, "nginx status")).out).toBe(
      "NGINX          not active\nCONFIGURATION  valid\n\nFind the cause and its fix: → edox-ops doctor\n",
    );
    const bare = await viewed(fakeDebian(), 80, "nginx status");
    expect([bare.exit, bare.out]).toEqual([1, "nginx is not installed. → edox-ops bootstrap\n"]);
    const { outcome, exit } = JSON.parse((await typed("nginx status --json", fakeDebian())).out);
    expect([outcome, exit]).toEqual(["failed", 1]);
  });
});

test("project validate --json: reports each fault as a finding, with the exit code of the text", async () => {
  const site = await hosted();
  const passed = await site.type("project validate handbook --json");
  expect([passed.exit, JSON.parse(passed.out)]).toMatchObject([0, { outcome: "ok", exit: 0, findings: [] }]);
  site.fake.remove("/etc/nginx/sites-enabled/edox-ops-docs");
  const { exit, out, err } = await site.type("project validate docs --json");
  const document = v.parse(documentSchema, JSON.parse(out));
  expect({ exit, err, outcome: document.outcome }).toEqual({ exit: 1, err: "", outcome: "failed" });
  expect(document.findings?.[0]).toMatchObject({ name: "project:docs", status: "error", hint: expect.any(Array) });
});

/** Prints a script for a shell. */
const printsNoResult = ["completions"];

test("every command that prints a result has --json", async () => {
  const commands = allCommands(await commandSpecOf(root, ["edox-ops"])).filter(({ words }) => words.length === 0);
  const without = commands.filter(({ flags }) => !flags.some(({ name }) => name === "--json"));
  expect(without.map(({ path }) => path.slice(1).join(" "))).toEqual(printsNoResult);
});
