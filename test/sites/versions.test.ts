// Versions of a site: their trees, aliases and backups, the list of versions, and what a killed command leaves.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chownSync, existsSync, readlinkSync, statSync } from "node:fs";
import { byNewest } from "../../src/sites/versions/order.ts";
import { pendingRename } from "../../src/sites/versions/trees.ts";
import { atTerminal } from "../cli/typed.ts";
import { SiteHost } from "./site-host.ts";

const versions = "/var/www/docs/.edox-ops-versions/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo/versions";
const vhost = "/etc/nginx/sites-available/edox-ops-demo";

let site: SiteHost;

beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  for (const name of ["1.4", "1.5"]) {
    site.disk.write(`/srv/${name}/index.html`, `version ${name}`);
    site.disk.write(`/srv/${name}/shared.html`, "the same");
  }
  await run("project publish demo /srv/site --domain demo.test");
});
afterEach(() => site[Symbol.dispose]());

/** Types a command that succeeds. Returns what it prints, warnings included. */
async function run(line: string): Promise<string> {
  const { exit, out, err } = await site.type(line);
  expect([line, exit, err.replaceAll(/^warning: .*\n/gm, "")]).toEqual([line, 0, ""]);
  return out + err;
}

const refusal = async (line: string): Promise<string> => {
  const before = site.snapshot();
  const { exit, err } = await site.type(line);
  expect([line, exit === 0, site.snapshot()]).toEqual([line, false, before]);
  return err;
};

/** Returns the state of the host without times, logs, caches and the copies of replaced files. */
function state(): Record<string, string> {
  const kept = Object.entries(site.snapshot()).filter(
    ([path]) => !/\.log$|\/\.(last-stamp|digests)$|\/replaced/.test(path),
  );
  return Object.fromEntries(kept.map(([path, text]) => [path, text.replace(/ \d{13}[.\d]* /, " ")]));
}

const deploy = (name: string, flags = ""): Promise<string> =>
  run(`project deploy demo /srv/${name} --as ${name} ${flags}`);
const linkAt = (alias: string): string => readlinkSync(`${site.disk.root}${versions}/${alias}`);
const listed = () => JSON.parse(site.disk.text(`${versions}/versions.json`));
const record = () => JSON.parse(site.fake.text("/etc/edox-ops/projects.json") ?? "").demo;
const inode = (path: string): number => statSync(site.disk.root + path).ino;

describe("versions: the order is that of mike", () => {
  // Printed by mike 2.1.3 with verspec 0.1.0.
  const newestFirst =
    "x1 main latest preview dev 123456789 12345678 2024.1 10 9 3.0 2.0.1 2.0 2.0-rc.2 1.10 1.4.00.1 1.4.post1 1.4-1 1.4 " +
    "1.4-preview2 1.4pre 1.4-beta 1.4.0a 1.4_x 1.4dev 1.2 1.1 1.0 0.1 v3.1 v3";

  test("for releases, release candidates, and names without a number", () => {
    const names = newestFirst.split(" ");
    expect(names.toSorted().sort(byNewest)).toEqual(names);
    expect(names.toReversed().sort(byNewest)).toEqual(names);
  });
});

describe("project deploy --as", () => {
  test("serves a version beside the site, and lists it for selectors", async () => {
    const out = await deploy("1.4", "--alias latest,stable --default");
    expect(out).toContain("http://demo.test/1.4/\nDeployed version 1.4 of project demo from /srv/1.4.\n");
    expect(site.disk.text(`${versions}/1.4/index.html`)).toBe("version 1.4");
    expect(site.disk.text("/var/www/docs/demo/index.html")).toBe("home");
    expect([linkAt("latest"), linkAt("stable"), record().default_version]).toEqual(["1.4", "1.4", "latest"]);
    expect(listed()).toEqual([
      { version: "1.4", title: "1.4", aliases: ["latest", "stable"], name: "1.4", url: "/1.4/", preferred: true },
    ]);
    expect(site.fake.text(vhost)).toContain("return 302 /latest/$is_args$args;");
  });

  test("again changes nothing, and keeps the title", async () => {
    await deploy("1.4", "--alias latest --title LTS");
    const before = state();
    await deploy("1.4", "--alias latest");
    expect(state()).toEqual(before);
    expect(listed()[0].title).toBe("LTS");
  });

  test("moves an alias from another version and reports it, without a reload", async () => {
    await deploy("1.4", "--alias latest --default");
    const reloads = site.fake.ran.filter((each) => each.includes("nginx")).length;
    expect(await deploy("1.5", "--alias latest")).toContain("warning: the alias latest moves from 1.4 to 1.5\n");
    expect(linkAt("latest")).toBe("1.5");
    expect(listed().map(({ version, aliases, preferred }: never) => [version, aliases, preferred])).toEqual([
      ["1.5", ["latest"], true],
      ["1.4", [], undefined],
    ]);
    expect(site.fake.ran.filter((each) => each.includes("nginx")).length).toBe(reloads);
  });

  test("shares unchanged files with the default version, else with the newest, else with the site", async () => {
    await run("project deploy demo /srv/1.4");
    await deploy("1.4");
    expect(inode(`${versions}/1.4/shared.html`)).toBe(inode("/var/www/docs/demo/shared.html"));
    site.disk.write("/srv/1.4/shared.html", "changed in 1.4");
    await deploy("1.4", "--default");
    site.disk.write("/srv/9.0/index.html", "9");
    site.disk.write("/srv/9.0/shared.html", "the same");
    await deploy("9.0");
    site.disk.write("/srv/1.5/shared.html", "changed in 1.4");
    await deploy("1.5");
    expect(inode(`${versions}/1.5/shared.html`)).toBe(inode(`${versions}/1.4/shared.html`));
  });

  test("gives two versions different times, so that an alias that moves has another ETag", async () => {
    await deploy("1.4");
    await deploy("1.5");
    const times = ["1.4", "1.5"].map((name) => statSync(`${site.disk.root}${versions}/${name}/index.html`).mtimeMs);
    expect(times[0]).toBeLessThan(times[1] as number);
  });

  test("that fails its probe leaves the aliases, the list, the record and the site as they were", async () => {
    await deploy("1.4", "--alias latest");
    site.answer = { code: 0, stdout: "HTTP/1.1 500 Oops\r\n\r\n", stderr: "" };
    const before = state();
    const { exit } = await site.type("project deploy demo /srv/1.5 --as 1.5 --alias latest --default --title New");
    expect([exit, state()]).toEqual([1, before]);
  });

  test("is probed by its page, also where a rule in its own tree would answer in its place", async () => {
    site.disk.write("/srv/1.4/_redirects", "/ /x 302!\n");
    site.answer = { code: 0, stdout: "HTTP/1.1 404 Not Found\r\n\r\n", stderr: "" };
    expect(await site.type("project deploy demo /srv/1.4 --as 1.4")).toMatchObject({ exit: 1 });
  });

  test("says that it takes over an address of the site, and that its source has a list of versions", async () => {
    site.disk.write("/srv/1.4/versions.json", "[]");
    site.disk.write("/srv/site/1.4/page.html", "old");
    await run("project deploy demo /srv/site");
    const out = await deploy("1.4");
    expect(out).toContain("warning: the version is served at /1.4/ in place of /var/www/docs/demo/1.4\n");
    expect(out).toContain("warning: the source has a versions.json: a tree of several versions, as mike makes it");
  });

  test("a tree that mike made is deployed as an ordinary source", async () => {
    site.disk.write("/srv/mike/index.html", "redirect");
    site.disk.write("/srv/mike/versions.json", "[]");
    site.disk.write("/srv/mike/1.4/index.html", "1.4");
    site.disk.write("/srv/mike/latest", "-> 1.4");
    await run("project deploy demo /srv/mike");
    expect(site.disk.text("/var/www/docs/demo/latest/index.html")).toBe("1.4");
    expect(existsSync(site.disk.root + versions)).toBe(false);
    expect(site.fake.text(vhost)).not.toContain("edox_ops_tree");
    await run("project deploy demo /srv/mike/1.4 --as 1.4 --alias latest --default");
    site.disk.write("/srv/empty/.keep", "");
    site.disk.remove("/srv/empty/.keep");
    await run("project deploy demo /srv/empty --allow-empty");
    expect([site.disk.list("/var/www/docs/demo"), linkAt("latest")]).toEqual([[], "1.4"]);
  });

  test("a name has one meaning: an alias is no version, a version is no alias", async () => {
    await deploy("1.4", "--alias latest");
    expect(await refusal("project deploy demo /srv/1.5 --as latest")).toContain("latest is an alias of 1.4");
    expect(await refusal("project deploy demo /srv/1.5 --as 1.5 --alias 1.4")).toContain("1.4 is a version of demo");
    expect(await refusal("project deploy demo /srv/1.5 --as 1.5 --alias 1.5")).toContain("the version itself");
    for (const name of ["..", "1..4", ".x", "a/b", "versions.json", "404.html", "none", "x".repeat(65)]) {
      expect(await refusal(`project deploy demo /srv/1.5 --as ${name}`)).toContain(`invalid --as '${name}'`);
    }
    for (const flag of ["--alias x", "--default", "--title x"]) {
      expect(await refusal(`project deploy demo /srv/1.5 ${flag}`)).toContain("needs --as VERSION");
    }
  });

  test.each(["missing", "empty"])(
    "check-links of a site of versions alone asks for the source of one: its own tree is %s",
    async (own) => {
      site.disk.write("/srv/1.5/index.html", '<a href="/1.5/shared.html">a</a><a href="gone.html">b</a>');
      for (const name of ["1.4", "1.5"]) await run(`project deploy demo /srv/${name} --as ${name}`);
      site.disk.remove("/var/www/docs/demo");
      if (own === "empty") {
        site.disk.write("/var/www/docs/demo/x", "");
        site.disk.remove("/var/www/docs/demo/x");
      }
      const check = "project check-links demo";
      expect(await refusal(check)).toBe(
        `error: demo has versions only: pass the source of one\nhint: edox-ops ${check} --source DIRECTORY\n`,
      );
      const { exit, out } = await site.type(`${check} --source /srv/1.5`);
      expect([exit, out]).toEqual([1, "index.html\tgone.html\tnot found\n1 of 2 links on 2 pages is broken.\n"]);
    },
  );

  test.each([
    "deploy demo /srv/1.5 --as a/b",
    "deploy demo /srv/1.5 --as 1.5 --alias a/b",
    "rollback demo --as a/b --yes",
    "backups demo --as a/b",
    "versions alias demo a/b latest",
    "versions default demo a/b",
    "versions remove demo a/b --yes",
    "deploy demo /srv/1.5 --preview a/b",
    "previews remove demo a/b --yes",
  ])("an invalid name is a usage fault, with exit code 2: %s", async (line) => {
    const { exit, err } = await site.type(`project ${line}`);
    expect([exit, err]).toEqual([2, expect.stringMatching(/^error: invalid .*'a\/b'/)]);
  });

  test("reports vanished addresses of a version that is replaced, and none of a new one or of a default version", async () => {
    site.disk.write("/srv/1.4/old.html", "old");
    await run("project deploy demo /srv/1.4");
    await deploy("1.4", "--alias latest --default");
    expect(await deploy("1.5", "--strict-urls")).not.toContain("vanish");
    expect(await run("project deploy demo /srv/site --strict-urls")).not.toContain("vanish");
    site.disk.remove("/srv/1.4/old.html");
    expect(await deploy("1.4")).toContain("1 address of the live site vanishes without a redirect: /1.4/old\n");
    site.disk.write("/srv/site/own.html", "own");
    await run("project deploy demo /srv/site");
    site.disk.remove("/srv/site/own.html");
    expect(await run("project deploy demo /srv/site")).toContain("vanishes without a redirect: /own\n");
  });

  test("a site may consist of versions alone", async () => {
    await run("project add other --domain other.test");
    await run("project init other");
    await run("project enable other");
    const without = await run("project deploy other /srv/1.4 --as 1.4");
    expect(without).toContain("warning: http://other.test/ has no page: make a version the default with --default\n");
    await run("project deploy other /srv/1.5 --as 1.5 --default");
    site.fake.taught.unshift((argv) =>
      argv.includes("--parallel") ? { code: 0, stdout: "http://other.test/ 302\n", stderr: "" } : undefined,
    );
    expect(await run("project validate other")).toBe("Project other validation passed.\n");
  });
});

describe("a site of versions whose own directory does not exist", () => {
  const root = "/var/www/docs/other";
  beforeEach(async () => {
    await run("project add other --domain other.test");
    await run("project deploy other /srv/1.4 --as 1.4 --default");
    expect(site.disk.host.stat(root)).toBeNull();
  });
  const answers = (status: number): void => {
    site.fake.taught.unshift((argv) =>
      argv.includes("--parallel") ? { code: 0, stdout: `http://other.test/ ${status}\n`, stderr: "" } : undefined,
    );
  };

  test("is enabled, updated, deployed and found valid, and no command creates the directory", async () => {
    expect(await run("project validate other")).toBe("Project other validation passed.\n");
    await run("project enable other");
    await run("project update other --alias www.other.test");
    await run("project deploy other /srv/1.5 --as 1.5 --alias latest");
    answers(302);
    expect(await run("project validate other")).toBe("Project other validation passed.\n");
    expect((await site.type("doctor --json")).out).not.toContain(`${root} is missing`);
    const list = await atTerminal(80, () => site.type("project list"));
    expect(list.out).toMatch(/^other +http:\/\/other.test\/ +live +just now +19 bytes$/m);
    expect(site.disk.host.stat(root)).toBeNull();
  });

  test("is reported without a default version, and needs its directory again with the last version gone", async () => {
    await run("project enable other");
    await run("project versions default other none");
    answers(404);
    const { err } = await site.type("project validate other");
    expect(err).toContain("it has no index.html (run: edox-ops project versions default other 1.4)");
    await run("project disable other");
    await run("project versions remove other 1.4 --yes");
    expect(await refusal("project enable other")).toStartWith(`error: ${root} is missing\n`);
  });

  test("is not moved to another directory that does not exist", async () => {
    await run("project enable other");
    expect(await refusal("project update other --root-path /var/www/docs/else")).toContain("/else is missing");
  });
});

test("a directory of versions that another user planted becomes root's, and its rename has no effect", async () => {
  site.disk.write(`${versions}/1.4/index.html`, "planted");
  site.disk.write(`${versions}/.renaming`, "1.4 1.3\n");
  chownSync(site.disk.root + versions, 33, 33);
  expect(await deploy("1.5")).not.toContain("interrupted renaming");
  expect(site.disk.list(versions)).toEqual(["1.4", "1.5", "versions.json"]);
  expect(site.disk.stat(versions).uid).toBe(0);
});

describe("backups of a version", () => {
  beforeEach(async () => {
    await deploy("1.4", "--alias latest");
    site.disk.write("/srv/1.4/index.html", "version 1.4, second");
    await deploy("1.4");
  });

  test("are its own: listed, restored and pruned with --as", async () => {
    const { backups: all } = JSON.parse(await run("project backups list demo --as 1.4 --json"));
    expect(all.map(({ path }: { path: string }) => path)).toEqual([`${backups}/1.4/${all[0].name}`]);
    expect(await run("project backups list demo")).toBe("No deploy backups for this project.\n");
    const out = await run("project rollback demo --as 1.4 --yes");
    expect(out).toContain(`Restored project demo 1.4 from ${backups}/1.4/${all[0].name}.`);
    expect(site.disk.text(`${versions}/latest/index.html`)).toBe("version 1.4");
    expect(site.disk.text("/var/www/docs/demo/index.html")).toBe("home");
    const undo = JSON.parse(await run("project backups list demo --as 1.4 --json")).backups.at(-1).name;
    await run(`project restore demo --as 1.4 --backup ${undo} --yes`);
    expect(site.disk.text(`${versions}/1.4/index.html`)).toBe("version 1.4, second");
    await run("project backups prune demo --as 1.4 --keep 0 --yes");
    expect(JSON.parse(await run("project backups list demo --as 1.4 --json")).backups).toEqual([]);
  });

  test("are not those of an alias, or of a version that does not exist", async () => {
    expect(await refusal("project rollback demo --as latest --yes")).toContain(
      "latest is an alias: its version is 1.4",
    );
    expect(await refusal("project rollback demo --as 2.0 --yes")).toContain("demo has no version 2.0");
    expect(await refusal("project backups list demo --as 2.0")).toContain("demo has no version 2.0");
  });

  test("are cleaned up after a killed deploy, also that of a version which was never live", async () => {
    site.disk.write(`${backups}/1.6/.stage/index.html`, "part");
    const { out, err: problems } = await site.type("project validate demo");
    const found = out + problems;
    expect(found).toContain("a deploy was interrupted: the next one cleans up");
    expect(found).toContain("edox-ops project backups prune demo --as 1.6 --keep 1000");
    await run("project backups prune demo --as 1.6 --keep 1000");
    expect(site.disk.list(`${backups}/1.6`)).toEqual([]);
    expect(await refusal("project restore demo --as 1.4 --backup x --yes")).toContain("backups list demo --as 1.4");
  });

  test("follow a renamed version, as its aliases, its title and the default do", async () => {
    await run("project versions default demo 1.4");
    await deploy("1.4", "--title LTS");
    await run("project versions rename demo 1.4 1.4.0");
    expect([linkAt("latest"), record().default_version]).toEqual(["1.4.0", "1.4.0"]);
    expect(listed()).toMatchObject([{ version: "1.4.0", title: "LTS", aliases: ["latest"], preferred: true }]);
    expect(pendingRename(site.host, "demo")).toBeNull();
    await run("project rollback demo --as 1.4.0 --yes");
    expect(site.disk.text(`${versions}/latest/index.html`)).toBe("version 1.4");
    expect(await refusal("project versions rename demo 1.4 1.6")).toContain("demo has no version 1.4");
  });
});

describe("project versions", () => {
  beforeEach(async () => {
    await deploy("1.4", "--alias latest --default");
    await deploy("1.5");
  });

  test("list prints them newest first, and as JSON", async () => {
    expect(await run("project versions list demo")).toBe(
      `1.5\t-\t1.5\t${versions}/1.5\n1.4\tlatest,(default)\t1.4\t${versions}/1.4\n`,
    );
    expect(JSON.parse(await run("project versions demo --json")).versions).toMatchObject([
      { version: "1.5", aliases: [], is_default: false, url: "http://demo.test/1.5/", bytes: 19 },
      { version: "1.4", aliases: ["latest"], is_default: true, path: `${versions}/1.4` },
    ]);
    await run("project add other --domain other.test");
    expect(await run("project versions other")).toBe("No versions of this project.\n");
  });

  test("alias makes and moves an alias", async () => {
    expect(await run("project versions alias demo latest 1.5")).toContain("latest leads to 1.5.");
    expect([linkAt("latest"), listed()[0].preferred]).toEqual(["1.5", true]);
    await run("project versions alias demo old 1.4");
    expect(linkAt("old")).toBe("1.4");
    expect(await refusal("project versions alias demo 1.5 1.4")).toContain("1.5 is a version of demo");
    expect(await refusal("project versions alias demo x 2.0")).toContain("demo has no version 2.0");
  });

  test("default chooses a version or an alias, or none", async () => {
    await run("project versions default demo 1.5");
    expect([record().default_version, listed()[0].preferred]).toEqual(["1.5", true]);
    expect(await refusal("project versions default demo 2.0")).toContain("demo has no version or alias 2.0");
    await run("project versions default demo none");
    expect([record().default_version, site.fake.text(vhost)]).toEqual([
      undefined,
      expect.not.stringContaining("location = / {"),
    ]);
  });

  test("remove deletes a version with its backups and aliases, but never the default", async () => {
    const own = "1.4 is the default version of demo (as latest): choose another one first";
    expect(await refusal("project versions remove demo 1.4 --yes")).toContain(own);
    expect(await refusal("project versions remove demo latest --yes")).toContain(
      "latest is the default version of demo",
    );
    expect(await refusal("project versions remove demo 1.5")).toContain("pass --yes to delete it");
    expect(await refusal("project versions remove demo 2.0 --yes")).toContain("demo has no version 2.0");
    await run("project versions alias demo next 1.5");
    expect(await run("project versions remove demo 1.5 --yes")).toContain(
      `Deleted ${versions}/1.5: 2 files, 19 bytes\n`,
    );
    expect(site.disk.list(versions)).toEqual(["1.4", "latest", "versions.json"]);
    expect(site.disk.list(backups)).toEqual([".last-stamp", "1.4"]);
    expect(listed().map(({ version }: { version: string }) => version)).toEqual(["1.4"]);
  });

  test("remove of an alias keeps its version", async () => {
    await run("project versions alias demo next 1.5");
    await run("project versions remove demo next --yes");
    expect(site.disk.list(versions)).toEqual(["1.4", "1.5", "latest", "versions.json"]);
  });

  test("remove of the last version leaves a site as it was without versions", async () => {
    await run("project versions default demo none");
    for (const name of ["1.4", "1.5"]) await run(`project versions remove demo ${name} --yes`);
    expect(existsSync(site.disk.root + versions)).toBe(false);
    expect(site.fake.text(vhost)).not.toContain("edox_ops_tree");
  });

  test("rename refuses the name of another version or of an alias", async () => {
    expect(await refusal("project versions rename demo 1.4 1.5")).toContain("demo already has a version 1.5");
    expect(await refusal("project versions rename demo 1.5 latest")).toContain("latest is an alias of 1.4");
    expect(await refusal("project versions rename demo latest 1.6")).toContain("demo has no version latest");
  });

  test("rename moves everything back if nginx refuses the new site", async () => {
    await run("project versions default demo 1.4");
    const before = state();
    site.fake.taught.unshift((argv) =>
      argv[0] === "nginx" ? { code: 1, stdout: "", stderr: "nginx: [emerg] oops in /etc/nginx/x:1\n" } : undefined,
    );
    const { exit } = await site.type("project versions rename demo 1.4 1.4.0");
    expect([exit, state()]).toEqual([1, before]);
  });

  test("project remove --delete-files deletes the versions too", async () => {
    await run("project remove demo --delete-files --yes");
    expect(existsSync(site.disk.root + versions)).toBe(false);
    expect(existsSync(site.disk.root + backups)).toBe(false);
  });

  test("noindex is a setting, and holds for all names of other versions", async () => {
    await run("project update demo --noindex-old-versions");
    expect(site.fake.text(vhost)).toContain(String.raw`if ($uri ~ "^/(?:1\.4|latest)(?:/|$)") {`);
    await run("project versions alias demo latest 1.5");
    expect(site.fake.text(vhost)).toContain(String.raw`if ($uri ~ "^/(?:1\.5|latest)(?:/|$)") {`);
    await run("project update demo --no-noindex-old-versions");
    expect(site.fake.text(vhost)).not.toContain("X-Robots-Tag");
  });
});

describe("versions: a killed command", () => {
  beforeEach(async () => {
    await deploy("1.4", "--alias latest --default");
    await run("project versions default demo 1.4");
  });

  /** Ends the run at the n-th change of the trees or of the links. Returns whether it ended there. */
  async function killedAt(n: number, line: string): Promise<boolean> {
    const { move } = site.trees;
    const { makeLink, writeFile } = site.host;
    let left = n;
    const counted =
      <T extends unknown[], R>(act: (...args: T) => R) =>
      (...args: T): R => {
        if (left-- <= 0) throw new Error("killed");
        return act(...args);
      };
    Object.assign(site.trees, { move: counted(move.bind(site.trees)) });
    Object.assign(site.host, { makeLink: counted(makeLink), writeFile: counted(writeFile) });
    const { exit } = await site.type(line);
    Object.assign(site.trees, { move });
    Object.assign(site.host, { makeLink, writeFile });
    return exit !== 0;
  }

  test("rename: the next command completes it, wherever it was killed", async () => {
    for (let n = 0; ; n++) {
      const [from, to] = n % 2 === 0 ? ["1.4", "1.4.0"] : ["1.4.0", "1.4"];
      const wasKilled = await killedAt(n, `project versions rename demo ${from} ${to}`);
      await deploy("1.5", "--alias latest");
      await run("project versions remove demo latest --yes");
      const name = existsSync(`${site.disk.root}${versions}/${to}`) ? to : from;
      expect(site.disk.list(versions)).toEqual([name, "1.5", "versions.json"].sort());
      expect([record().default_version, pendingRename(site.host, "demo")]).toEqual([name as string, null]);
      expect(listed().map(({ version, preferred }: never) => [version, preferred])).toEqual([
        ["1.5", undefined],
        [name, true],
      ]);
      expect(site.disk.list(backups)).toContain(name as string);
      await run(`project versions alias demo latest ${name}`);
      if (!wasKilled) {
        expect(n).toBeGreaterThan(5);
        break;
      }
      if (name !== to) await run(`project versions rename demo ${from} ${to}`);
    }
  });

  test("alias: the next deploy or doctor --fix writes the list of versions", async () => {
    await deploy("1.5");
    expect(await killedAt(1, "project versions alias demo latest 1.5")).toBe(true);
    site.disk.remove(`${versions}/latest`);
    site.disk.write(`${versions}/latest`, "-> 1.5");
    expect((await site.type("doctor --json")).out).toContain("versions:lists");
    await run("doctor --fix --yes --json");
    expect(listed()[0]).toMatchObject({ version: "1.5", aliases: ["latest"] });
  });
});
