// Tests previews on a host with real trees: their deploys, addresses, expiry, limits and removal.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lchownSync } from "node:fs";
import { asked, atTerminal, typedWords } from "../cli/typed.ts";
import { SiteHost } from "./site-host.ts";

const dir = "/var/www/docs/.edox-ops-previews/demo";
const tree = (name: string): string => `${dir}/-/${name}`;
const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
const day = 24 * 3_600_000;

let site: SiteHost;
beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  site.disk.write("/srv/site/about.html", "about");
  site.disk.write("/srv/new/index.html", "changed");
  site.disk.write("/srv/new/about.html", "about");
  expect(await site.type("project publish demo /srv/site --domain demo.test")).toMatchObject({ exit: 0, err: "" });
});
afterEach(() => site[Symbol.dispose]());

/** Gives the DNS a wildcard record for the previews. */
function addWildcard(address = "203.0.113.7"): void {
  site.host.resolve = async (name) => {
    const addresses = /^[a-z0-9-]+\.preview\.demo\.test$/.test(name) ? [address] : [];
    return { addresses, failure: addresses.length > 0 ? null : "no-record" };
  };
}

const text = (): string => site.fake.text(sitePath) ?? "";
const metadata = (name: string) => JSON.parse(site.disk.text(`${dir}/${name}.json`));
const record = () => JSON.parse(site.fake.text("/etc/edox-ops/projects.json") ?? "").demo;
const reloads = (): number => site.fake.ran.filter((each) => each === "systemctl reload-or-restart nginx").length;

async function deploy(name: string, flags = "") {
  return site.type(`project deploy demo /srv/new --preview ${name} ${flags}`);
}

async function document(line: string) {
  return JSON.parse((await site.type(`${line} --json`)).out);
}

/** Changes the metadata of a preview, as time does. */
function expire(name: string, ms = -1000): void {
  const expires = new Date(Date.now() + ms).toISOString();
  site.disk.write(`${dir}/${name}.json`, JSON.stringify({ ...metadata(name), expires }));
}

describe("previews in a directory of another user", () => {
  /** As a member of www-data leaves it on a host of the Python version, before the first preview. */
  function plant(link: string, to: string): void {
    site.disk.write("/srv/precious/fix/kept", "kept");
    site.disk.write("/srv/precious/.removing-fix/kept", "kept");
    site.disk.write("/srv/precious/-/fix/kept", "kept");
    site.disk.write(link, `-> ${to}`);
    for (const path of new Set([dir, link])) lchownSync(site.disk.root + path, 33, 33);
  }
  const precious = () => site.disk.list("/srv/precious").map((name) => [name, site.disk.list(`/srv/precious/${name}`)]);
  const untouched = [
    ["-", ["fix"]],
    [".removing-fix", ["kept"]],
    ["fix", ["kept"]],
  ];

  test("a link in the place of their trees leads no removal out of them", async () => {
    plant(`${dir}/-`, "../../../../../srv/precious");
    await site.type("project previews remove demo fix --yes");
    await site.type("project previews prune demo");
    await deploy("fix");
    await site.type("project previews remove demo fix --yes");
    expect(precious()).toEqual(untouched);
  });

  test("a link in the place of their directory leads no removal out of it", async () => {
    plant(dir, "../../../../srv/precious");
    for (const line of ["remove demo fix --yes", "prune demo"]) {
      await site.type(`project previews ${line}`);
      expect(precious()).toEqual(untouched);
    }
    expect((await deploy("fix")).err).toContain(`${dir} is not a directory: move it away`);
    expect(precious()).toEqual(untouched);
  });
});

describe("preview deploy", () => {
  test("deploy: a preview that fails does not say where previews are served", async () => {
    expect(await site.type("project deploy demo /srv/missing --preview fix-7")).toMatchObject({ exit: 1, out: "" });
  });

  test("without a wildcard record, previews have paths of the site: the first says so and why, later ones do not", async () => {
    const first = await deploy("fix-7");
    expect(first.exit).toBe(0);
    expect(first.out).toContain(
      "Previews of demo are served at demo.test/-/NAME/: the DNS has no record for *.preview.demo.test.\n",
    );
    expect(first.out).toContain(", http://demo.test/-/fix-7/\n");
    expect(first.out).toEndWith("Deployed preview fix-7 of project demo from /srv/new.\n");
    expect(first.err).toStartWith("warning: links that begin with / lead out of a preview");
    expect(record().previews).toBe("path");
    const [before, count] = [text(), reloads()];
    const second = await deploy("fix-8");
    expect([second.exit, second.err]).toEqual([0, ""]);
    expect(second.out).not.toContain("are served at");
    expect([text(), reloads()]).toEqual([before, count]);
    expect(site.disk.text("/var/www/docs/demo/index.html")).toBe("home");
    expect(site.disk.text(`${tree("fix-7")}/index.html`)).toBe("changed");
  });

  test("with a wildcard record, each preview has a host name, and one server answers for all of them", async () => {
    addWildcard();
    const { exit, out, err } = await deploy("fix-7");
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toContain("Previews of demo are served at NAME.preview.demo.test/: the DNS has a record for");
    expect(out).toContain(", http://fix-7.preview.demo.test/\n");
    expect(record().previews).toBe("host");
    expect(text()).toContain(String.raw`server_name ~^(?<edox_ops_preview>[a-z0-9-]+)\.preview\.demo\.test$;`);
    expect(text()).toContain(`    root ${dir}/-/$edox_ops_preview;\n`);
    const count = reloads();
    expect((await document("project deploy demo /srv/site --preview fix-8")).deploy.url).toBe(
      "http://fix-8.preview.demo.test/",
    );
    expect(reloads()).toBe(count);
  });

  test("a wildcard record that leads to another host counts as none, except behind a proxy", async () => {
    site.fake.put("/proc/net/fib_trie", "  |-- 198.51.100.4\n     /32 host LOCAL\n");
    addWildcard();
    expect((await deploy("fix-7 --dry-run")).out).toContain("leads to 203.0.113.7, which is not this host");
    addWildcard("198.51.100.4");
    expect((await deploy("fix-7 --dry-run")).out).toContain("NAME.preview.demo.test/");
    addWildcard();
    await site.type("project update demo --real-ip-from 10.0.0.1");
    expect((await deploy("fix-7 --dry-run")).out).toContain("NAME.preview.demo.test/");
  });

  test("unchanged files are those of the live release, then of the preview, and no backup and no cache is kept", async () => {
    const inode = (path: string): number => site.disk.stat(path).ino;
    await deploy("fix-7");
    expect(inode(`${tree("fix-7")}/about.html`)).toBe(inode("/var/www/docs/demo/about.html"));
    const page = inode(`${tree("fix-7")}/index.html`);
    site.disk.write("/srv/new/about.html", "another");
    await deploy("fix-7");
    expect(inode(`${tree("fix-7")}/index.html`)).toBe(page);
    expect(site.disk.list("/var/www/docs/.edox-ops-backups/demo/previews/fix-7")).toEqual([".last-stamp"]);
    expect(site.disk.text("/var/www/docs/demo/about.html")).toBe("about");
  });

  test("it expires in 14 days or after --expires, and each deploy renews that, also one that changes nothing", async () => {
    const inDays = (name: string): number => (Date.parse(metadata(name).expires) - Date.now()) / day;
    await deploy("fix-7", "--branch feature/x");
    expect(inDays("fix-7")).toBeCloseTo(14, 2);
    expect(metadata("fix-7")).toMatchObject({ branch: "feature/x", key: null });
    const { created } = metadata("fix-7");
    expect((await deploy("fix-7", "--expires 12h")).exit).toBe(0);
    expect(inDays("fix-7")).toBeCloseTo(0.5, 2);
    expect(metadata("fix-7").created).toBe(created);
    await deploy("fix-7", "--expires never");
    expect(metadata("fix-7").expires).toBeNull();
    expect((await site.type("project previews prune")).out).toBe("No expired previews.\n");
    expect(site.disk.stat(`${dir}/fix-7.json`).mode & 0o777).toBe(0o600);
  });

  test("a probe that fails leaves no preview, and of an existing one the tree and the expiry of before", async () => {
    site.answer = { code: 22, stdout: "", stderr: "curl: (22) The requested URL returned error: 500\n" };
    const before = site.fake.text("/etc/edox-ops/projects.json");
    expect(await deploy("fix-7")).toMatchObject({ exit: 1 });
    expect([site.fake.text("/etc/edox-ops/projects.json"), text()]).toEqual([
      before,
      expect.not.stringContaining("/-/"),
    ]);
    expect((await document("project previews list demo")).previews).toEqual([]);
    site.answer = null;
    await deploy("fix-7");
    const old = metadata("fix-7");
    site.disk.write("/srv/new/index.html", "again");
    site.answer = { code: 22, stdout: "", stderr: "curl: (22) The requested URL returned error: 500\n" };
    expect((await deploy("fix-7", "--expires 1h")).exit).toBe(1);
    expect(metadata("fix-7")).toEqual(old);
    expect(site.disk.text(`${tree("fix-7")}/index.html`)).toBe("changed");
  });

  test("the metadata is there before the tree, and a deploy that was killed in between is pruned", async () => {
    await deploy("other");
    const { move } = site.trees;
    const { remove } = site.host;
    const kill = () => {
      throw new Error("killed");
    };
    site.trees.move = (from, to) => {
      if (!to.endsWith("/fix-7")) return move(from, to);
      site.host.remove = kill;
      return kill();
    };
    expect((await deploy("fix-7")).exit).toBe(1);
    expect(metadata("fix-7").expires).toBeString();
    site.trees.move = move;
    site.host.remove = remove;
    expect((await site.type("project previews prune")).out).toBe("Removed preview fix-7 of demo.\n");
    expect(site.disk.list(dir)).toEqual(["-", "other.json"]);
  });

  test("a dry run changes nothing and lists the timer, the site and the files", async () => {
    const before = site.snapshot();
    const { exit, out } = await deploy("fix-7", "--dry-run");
    expect(exit).toBe(0);
    expect(out).toContain("previews.timer");
    expect(out).toContain("project.previews");
    expect(out).toContain(`Would replace ${tree("fix-7")} by /srv/new: 0 added, 1 changed, 0 removed, of 2 files\n`);
    expect(site.snapshot()).toEqual(before);
  });

  test("a program that others could replace later is not run by a timer: nothing is deployed", async () => {
    const before = site.snapshot();
    const { exit, err } = await site.type("project deploy demo /srv/new --preview fix-7", "/tmp/edox-ops");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("systemd cannot run /tmp/edox-ops after a boot: expired previews would stay"),
    ]);
    expect(err).toContain("install -m 0755 /tmp/edox-ops /usr/local/bin/edox-ops");
    expect(Object.keys(site.snapshot())).toEqual(Object.keys(before));
  });

  test("wrong flags are usage errors", async () => {
    for (const [words, reason] of [
      ["--preview Fix", "invalid --preview 'Fix': a preview has lower-case letters"],
      ["--preview a/b", "invalid --preview 'a/b'"],
      ["--preview -x", "--preview needs a value"],
      [`--preview ${"a".repeat(64)}`, "at most 63 characters"],
      ["--preview x --expires soon", "invalid duration 'soon' for --expires"],
      ["--preview x --expires 366d", "at most 365d"],
      ["--preview x --expires 0d", "invalid duration '0d'"],
      ["--preview x --keep 3", "a preview has no backups"],
      ["--preview x --branch a..b", "invalid --branch 'a..b'"],
      ["--expires 3d", "--expires needs --preview NAME"],
    ]) {
      const { exit, err } = await site.type(`project deploy demo /srv/new ${words}`);
      expect([words, exit, err]).toEqual([words, 2, expect.stringContaining(`${reason}`)]);
    }
  });

  test("more than 500 previews are refused, and the error names the oldest", async () => {
    await deploy("oldest");
    for (let i = 1; i < 500; i++) site.disk.write(`${tree(`p${i}`)}/index.html`, "x");
    site.disk.time(tree("p7"), Date.now() / 1000 + 60);
    const { exit, err } = await deploy("one-more");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("demo has 500 previews, which is the maximum: the oldest is oldest\n"),
    ]);
    expect((await deploy("oldest")).exit).toBe(0);
  });

  test("a preview of a disabled project is deployed and offline, and its address is online with the site again", async () => {
    await deploy("fix-7");
    await site.type("project disable demo --yes");
    expect((await deploy("fix-7")).out).toContain(
      "demo is disabled: its previews are served after edox-ops project enable demo.\n",
    );
    const { deploy: done } = await document("project deploy demo /srv/site --preview fix-7");
    expect(done.url).toBeNull();
    expect((await document("project previews list demo")).previews[0].url).toBeNull();
    await site.type("project enable demo");
    expect((await document("project previews list demo")).previews[0].url).toBe("http://demo.test/-/fix-7/");
  });
});

describe("preview names and modes", () => {
  test("previews with paths are below the aliases too, and host names are below the domain only", async () => {
    expect((await site.type("project update demo --alias www.demo.test --previews path")).exit).toBe(0);
    const serverNames = (): string[] => [...text().matchAll(/server_name (.+);/g)].map(([, names = ""]) => names);
    expect(serverNames()).toEqual(["demo.test www.demo.test"]);
    expect(text()).toContain("if ($uri ~ ^(/-/[a-z0-9-]+)(?:/|$)) {");
    expect((await site.type("project update demo --previews host")).exit).toBe(0);
    const hosts = String.raw`~^(?<edox_ops_preview>[a-z0-9-]+)\.preview\.demo\.test$`;
    expect(serverNames()).toEqual(["demo.test www.demo.test", hosts]);
    const page = (await Bun.file(`${import.meta.dir}/../../docs/previews.md`).text()).replace(/\s+/g, " ");
    expect(page).toContain("Previews with paths are also below the aliases of the site");
    expect(page).toContain("Host names of previews are below the domain only.");
  });

  test("update --previews selects the mode, and off restores record and site byte for byte", async () => {
    const before = [site.fake.text("/etc/edox-ops/projects.json"), text()];
    for (const [mode, marker] of [
      ["host", "$edox_ops_preview;"],
      ["path", "$edox_ops_prefix/404.html"],
    ]) {
      expect((await site.type(`project update demo --previews ${mode}`)).exit).toBe(0);
      expect(text()).toContain(`${marker}`);
      expect((await site.type(`project update demo --previews ${mode} --check`)).exit).toBe(0);
    }
    expect((await site.type("project update demo --previews off")).exit).toBe(0);
    expect([site.fake.text("/etc/edox-ops/projects.json"), text()]).toEqual(before);
    const { exit, err } = await site.type("project update demo --previews both");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("invalid --previews 'both': previews are served by host or path"),
    ]);
  });

  test("another project cannot have a name among the host names of previews, nor previews such a name", async () => {
    await site.type("project update demo --previews host");
    const { exit, err } = await site.type("project add other --domain Fix-7.preview.demo.test");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("domain Fix-7.preview.demo.test is among the names of previews of project demo"),
    ]);
    expect((await site.type("project add other --domain preview.demo.test")).exit).toBe(0);
    expect((await site.type("project update other --alias a.b.preview.demo.test")).err).toContain("is among the names");
    await site.type("project update demo --previews path");
    expect((await site.type("project update other --alias a.preview.demo.test")).exit).toBe(0);
    expect((await site.type("project update demo --previews host")).err).toContain(
      "previews would have names such as a.preview.demo.test of project other",
    );
  });

  test("a preview is refused if its host name is a name of its own site", async () => {
    await site.type("project update demo --previews host --alias www.preview.demo.test");
    const { exit, err } = await deploy("www");
    expect([exit, err]).toEqual([1, expect.stringContaining("www.preview.demo.test is a name of project demo")]);
  });

  test("a change of the domain moves the addresses of the previews", async () => {
    addWildcard();
    await deploy("fix-7");
    await site.type("project update demo --domain moved.test --yes");
    const [preview] = (await document("project previews list demo")).previews;
    expect(preview.url).toBe("http://fix-7.preview.moved.test/");
    expect(text()).toContain(String.raw`\.preview\.moved\.test$;`);
  });

  test("a foreign wildcard that hides the previews is named", async () => {
    addWildcard();
    site.fake.put("/etc/nginx/conf.d/other.conf", "server {\n    listen 80;\n    server_name *.demo.test;\n}\n");
    site.answer = { code: 22, stdout: "", stderr: "curl: (22) The requested URL returned error: 404\n" };
    const { exit, err } = await deploy("fix-7");
    expect(exit).toBe(1);
    expect(err).toContain("other.conf:1 has the name *.demo.test, which includes fix-7.preview.demo.test");
    site.fake.nodes.delete("/etc/nginx/conf.d/other.conf");
    expect((await deploy("fix-7")).err).toContain("--resolve fix-7.preview.demo.test:80:127.0.0.1");
  });

  test("update --previews off asks at a terminal if there are previews", async () => {
    await deploy("fix-7");
    asked.length = 0;
    const words = "project update demo --previews off".split(" ");
    await typedWords(words, site.host, false, undefined, undefined, site.trees);
    expect(asked).toEqual(["Take the previews of demo offline? [y/N] "]);
    expect(record().previews).toBe("path");
  });

  test("a password for previews is asked for by their addresses only, in both modes", async () => {
    for (const mode of ["path", "host"]) {
      await site.type(`project update demo --previews ${mode} --password previews`);
      expect(await deploy("fix-7", "--no-probe")).toMatchObject({ exit: 0 });
      expect((await deploy("fix-7")).exit).toBe(0);
      expect((await site.type("project deploy demo /srv/site")).exit).toBe(0);
    }
    expect(text().match(/auth_basic [^;]+;/g)).toEqual([
      'auth_basic "site demo";',
      "auth_basic off;",
      "auth_basic off;",
    ]);
  });

  test("with HTTPS, previews with host names stay on HTTP, and those with paths follow the site", async () => {
    await site.type("project update demo --previews host");
    const names = text().match(/server_name .*;/g);
    expect(names).toHaveLength(2);
    expect(text().split("server {").at(-1)).not.toContain("ssl");
  });
});

describe("previews list, remove and prune", () => {
  test("list shows address, age, expiry, both sizes, branch and key, and show counts them", async () => {
    await deploy("fix-7", "--branch feature/x");
    const [preview] = (await document("project previews list demo")).previews;
    expect(preview).toMatchObject({
      ...{ project: "demo", name: "fix-7", url: "http://demo.test/-/fix-7/", path: tree("fix-7") },
      ...{ bytes: 12, own_bytes: 7, branch: "feature/x", key: null },
    });
    expect((await site.type("project previews demo")).out).toBe(
      ["fix-7", preview.url, preview.created, preview.expires, 7, 12, "feature/x", "-"].join("\t").concat("\n"),
    );
    expect((await site.type("project show demo")).out).toEndWith("previews: path\npreview_count: 1\n");
    expect(await document("project show demo")).toMatchObject({ versions: [], preview_count: 1 });
  });

  test("metadata that cannot be read is a warning, and neither hides nor removes a preview", async () => {
    await deploy("bad");
    await deploy("good");
    site.disk.write(`${dir}/bad.json`, '{"expires": "soon"}');
    expire("good");
    const listed = await site.type("project previews list demo");
    expect([listed.exit, listed.out.split("\n").length]).toEqual([1, 3]);
    expect(listed.err).toContain(`warning: ${dir}/bad.json is invalid`);
    const pruned = await site.type("project previews prune");
    expect(pruned).toMatchObject({ exit: 0, out: "Removed preview good of demo.\n" });
    expect(pruned.err).toContain("bad.json is invalid");
    expect(site.disk.list(`${dir}/-`)).toEqual(["bad"]);
    expect((await site.type("project previews remove demo bad")).exit).toBe(0);
  });

  test("a project that is locked or not registered does not stop the prune of another", async () => {
    await site.type("project publish other /srv/site --domain other.test");
    for (const slug of ["demo", "other"]) await site.type(`project deploy ${slug} /srv/new --preview old`);
    expire("old");
    const other = dir.replace("demo", "other");
    site.disk.write(`${other}/old.json`, site.disk.text(`${dir}/old.json`));
    site.fake.locks.set("/run/edox-ops/project-demo.lock", { pid: 1, command: "edox-ops", sinceMs: Date.now() });
    let now = Date.now();
    site.host.now = () => now;
    site.host.sleep = async (ms) => {
      now += ms + 1000;
    };
    await site.type("project remove other --yes");
    const { exit, out, err } = await site.type("project previews prune");
    expect([exit, out]).toEqual([0, "Removed preview old of other.\n"]);
    expect(err).toContain("the previews of demo were not pruned: ");
    expect(site.disk.list(`${dir}/-`)).toEqual(["old"]);
  });

  test("what a deploy left that was killed before it recorded its preview is pruned, and not listed", async () => {
    await deploy("other");
    const working = "/var/www/docs/.edox-ops-backups/demo/previews";
    site.disk.write(`${working}/fix-7/.stage-1-20260101T000000Z/index.html`, "half");
    expect((await document("project previews list demo")).previews).toHaveLength(1);
    expect((await site.type("project previews prune")).out).toBe("Removed preview fix-7 of demo.\n");
    expect(site.disk.list(working)).toEqual(["other"]);
  });

  test("remove asks at a terminal, deletes the tree, the metadata and the working files, and knows only previews", async () => {
    await deploy("fix-7");
    const before = site.snapshot();
    asked.length = 0;
    const words = "project previews remove demo fix-7".split(" ");
    await typedWords(words, site.host, false, undefined, undefined, site.trees);
    expect([asked[0], site.snapshot()]).toEqual(["Remove preview fix-7 of demo? [y/N] ", before]);
    expect((await site.type(words.join(" "))).out).toEndWith("Removed preview fix-7 of demo.\n");
    expect(Object.keys(site.snapshot()).filter((path) => /fix-7|edox-ops-previews\//.test(path))).toEqual([]);
    expect((await site.type(words.join(" "))).err).toContain("demo has no preview fix-7\n");
    expect(site.disk.text("/var/www/docs/demo/about.html")).toBe("about");
  });

  test("a removal that was killed is completed by the next prune", async () => {
    await deploy("fix-7");
    await deploy("other");
    const { remove } = site.trees;
    site.trees.remove = (path) => {
      if (path.endsWith(".removing-fix-7") && site.trees.entry(path)) throw new Error("killed");
      remove(path);
    };
    expect((await site.type("project previews remove demo fix-7")).exit).toBe(1);
    site.trees.remove = remove;
    expect((await site.type("project previews prune")).out).toBe("Removed preview fix-7 of demo.\n");
    expect(site.disk.list(dir)).toEqual(["-", "other.json"]);
  });

  test("project remove keeps the previews and names them, and with --delete-files deletes them", async () => {
    await deploy("fix-7");
    expect((await site.type("project remove demo --delete-files --dry-run")).out).toContain(`Would delete ${dir}: `);
    expect((await site.type("project remove demo --yes")).out).toContain(`Left ${dir}\n`);
    await site.type("project publish demo /srv/site --domain demo.test");
    expect((await site.type("project remove demo --delete-files --yes")).out).toContain(`Deleted ${dir}: `);
    expect(Object.keys(site.snapshot()).filter((path) => path.startsWith(dir))).toEqual([]);
  });
});

describe("previews at a terminal", () => {
  const clock = Date.parse("2026-12-01T00:00:00Z");
  const at = (width: number, line: string) => atTerminal(width, () => site.type(line));

  test("list shows a table with the command that removes one, and without previews the command that makes one", async () => {
    const none = (await at(80, "project previews list demo")).out;
    expect(none).toContain("No previews of demo. Make one:");
    expect(none).toContain("edox-ops project deploy demo DIRECTORY --preview NAME");
    await deploy("fix-7", "--branch feature/x");
    await deploy("bad");
    for (const [name, branch] of [
      ["fix-7", "feature/x"],
      ["bad", null],
    ]) {
      const [created, expires] = [clock - 3 * day, clock + 11 * day].map((ms) => new Date(ms).toISOString());
      site.disk.write(`${dir}/${name}.json`, JSON.stringify({ created, expires, branch, key: null }));
    }
    site.disk.write(`${dir}/bad.json`, "");
    await site.type("project disable demo --yes");
    site.host.now = () => clock;
    expect((await at(100, "project previews list demo")).out).toMatchSnapshot("100 columns");
    expect((await at(40, "project previews list demo")).out).toMatchSnapshot("40 columns");
    expect((await at(80, "project show demo")).out).toMatch(/PREVIEWS +2, at http:\/\/demo\.test\/-\/NAME\/\n/);
  });

  test("a deploy ends with the address, and a second one that changes nothing says that it is up to date", async () => {
    expect((await at(80, "project deploy demo /srv/new --preview fix-7")).out).toContain(
      "preview fix-7 of demo is live: http://demo.test/-/fix-7/",
    );
    expect((await at(80, "project deploy demo /srv/new --preview fix-7")).out).toContain(
      "preview fix-7 of demo is up to date: http://demo.test/-/fix-7/",
    );
  });
});

describe("preview timer", () => {
  const units = "/etc/systemd/system";
  const timerPath = `${units}/edox-ops-previews.timer`;
  const servicePath = `${units}/edox-ops-previews.service`;
  const timerFiles = (): string[] => Object.keys(site.fake.listing(units)).filter((path) => path.includes("previews"));
  const finding = async (name: string) => {
    const { findings } = await document("doctor --all");
    return findings.find((each: { name: string }) => each.name === name);
  };

  test("it is installed with the first preview, and removed with the last one of all projects", async () => {
    expect(timerFiles()).toEqual([]);
    await deploy("fix-7");
    await deploy("fix-8");
    expect(timerFiles()).toEqual([servicePath, timerPath, `${units}/timers.target.wants/edox-ops-previews.timer`]);
    expect(site.fake.text(servicePath)).toContain("ExecStart=/usr/local/bin/edox-ops project previews prune\n");
    expect(site.fake.text(timerPath)).toContain("OnCalendar=hourly\nRandomizedDelaySec=10min\n\n[Install]");
    await site.type("project previews remove demo fix-7");
    expect(timerFiles()).toHaveLength(3);
    expire("fix-8");
    expect((await site.type("project previews prune")).exit).toBe(0);
    expect(timerFiles()).toEqual([]);
    expect(site.fake.ran.slice(-4)).toEqual([
      "systemctl stop edox-ops-previews.timer",
      "systemctl disable edox-ops-previews.timer",
      "systemctl daemon-reload",
      "systemctl reset-failed edox-ops-previews*",
    ]);
  });

  test("with an empty file, which systemd takes for masked, doctor reports it, and the last preview removes it", async () => {
    site.fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    await deploy("fix-7");
    for (const path of [servicePath, timerPath]) {
      site.fake.put(path, "");
      expect((await finding("previews:timer")).detail).toBe(`${path} differs from what edox-ops writes`);
      expect((await deploy("fix-8")).exit).toBe(0);
      expect(await finding("previews:timer")).toMatchObject({ status: "ok" });
    }
    site.fake.put(timerPath, "");
    for (const name of ["fix-7", "fix-8"]) {
      expect(await site.type(`project previews remove demo ${name}`)).toMatchObject({ exit: 0 });
    }
    expect(timerFiles()).toEqual([]);
  });

  test("uninstall removes it, because it runs the program", async () => {
    await deploy("fix-7");
    site.fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    site.fake.taught.unshift(([name, , path = ""]) => {
      if (name !== "rm") return undefined;
      site.fake.remove(path);
      return { code: 0, stdout: "", stderr: "" };
    });
    expect((await site.type("uninstall --yes")).exit).toBe(0);
    expect(timerFiles()).toEqual([]);
    expect(site.disk.list(`${dir}/-`)).toEqual(["fix-7"]);
  });

  test("goes with the files of the last project that has previews", async () => {
    await deploy("fix-7");
    expect(await site.type("project remove demo --delete-files --dry-run")).toMatchObject({ exit: 0 });
    expect(timerFiles()).toHaveLength(3);
    expect(await site.type("project remove demo --delete-files --yes")).toMatchObject({ exit: 0, err: "" });
    expect(timerFiles()).toEqual([]);
  });

  test("doctor has no check of previews without any, and reports a timer that is missing, stopped or without its program", async () => {
    expect(await finding("previews:timer")).toBeUndefined();
    site.fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    await deploy("fix-7");
    expect(await finding("previews:timer")).toMatchObject({ status: "ok" });
    site.fake.nodes.delete("/run/systemd/units/timer:edox-ops-previews.timer");
    expect(await finding("previews:timer")).toMatchObject({
      status: "warning",
      detail: "edox-ops-previews.timer is inactive",
      affects: "previews that expire (they stay online)",
    });
    site.fake.nodes.delete(timerPath);
    expect((await finding("previews:timer")).detail).toBe(`${timerPath} is missing`);
    site.fake.nodes.delete("/usr/local/bin/edox-ops");
    expect((await finding("previews:timer")).detail).toContain("runs /usr/local/bin/edox-ops, which is missing");
  });

  test("doctor reports overdue previews and unknown expiries, but not a preview that the next prune removes", async () => {
    await deploy("fix-7");
    await deploy("fix-8");
    expire("fix-7");
    expect(await finding("previews:expiry")).toMatchObject({ status: "ok", detail: "2 previews, none overdue" });
    expire("fix-7", -3 * 3_600_000);
    site.disk.write(`${dir}/fix-8.json`, "");
    expect(await finding("previews:expiry")).toMatchObject({
      status: "warning",
      detail: "expired and still there: fix-7 of demo; no known expiry: fix-8 of demo",
    });
  });
});
