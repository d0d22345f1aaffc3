// The questions that commands ask at a terminal. changing-commands.test.ts has which command asks.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { SiteHost } from "../sites/site-host.ts";
import { asked, meanwhile, typedWords, variables } from "./typed.ts";

let site: SiteHost;
beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  site.disk.write("/srv/one/index.html", "one");
  site.disk.write("/srv/one/assets/app.4f283b18.js", "script");
  site.disk.write("/srv/two/index.html", "two");
  for (const source of ["one", "two"]) {
    const publish = `project publish docs --domain docs.test --alias www.docs.test --source /srv/${source}`;
    expect(await site.type(publish)).toMatchObject({ exit: 0, err: "" });
  }
});
afterEach(() => {
  site[Symbol.dispose]();
  meanwhile.act = null;
  for (const name of Object.keys(variables)) delete variables[name];
});

/** Types the line at a terminal, and returns the question to which the answer is no. */
async function questionOf(line: string): Promise<string | undefined> {
  asked.length = 0;
  variables.COLUMNS ??= "200";
  const before = site.snapshot();
  const { exit, out, err } = await typedWords(line.split(" "), site.host, false, undefined, undefined, site.trees);
  if (asked.length === 0) return undefined;
  expect([exit, err]).toEqual([1, ""]);
  expect(out).toEndWith(" [y/N] Nothing was changed.\n");
  expect(site.snapshot()).toEqual(before);
  return asked[0]?.replace(" [y/N] ", "").replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/, "TIME");
}

function edit(change: Record<string, unknown>): void {
  const records = JSON.parse(site.fake.text("/etc/edox-ops/projects.json") ?? "");
  Object.assign(records.docs, change);
  site.fake.put("/etc/edox-ops/projects.json", JSON.stringify(records));
}

describe("question at a terminal", () => {
  test("disable names the site, and a disabled site is not asked about", async () => {
    expect(await questionOf("project disable docs")).toBe("Take docs.test, www.docs.test offline?");
    expect((await site.type("project disable docs --yes")).exit).toBe(0);
    expect(await questionOf("project disable docs")).toBeUndefined();
  });

  test("disable of a record that is not valid names the project", async () => {
    edit({ branch: ".." });
    expect(await questionOf("project disable docs")).toBe("Take docs offline?");
  });

  test("remove says what stays, and with --delete-files what is deleted and how large it is", async () => {
    expect(await questionOf("project remove docs")).toBe(
      "The files and backups of docs stay.\nRemove project docs and take docs.test, www.docs.test offline?",
    );
    const lines = (await questionOf("project remove docs --delete-files"))?.split("\n");
    expect(lines).toEqual([
      "This deletes permanently:",
      "  /var/www/docs/docs: 1 file, 3 bytes",
      expect.stringMatching(/^ {2}\/var\/www\/docs\/\.edox-ops-backups\/docs: \d files, \S+ (bytes|KiB)$/),
      "  /var/www/docs/.edox-ops-assets/docs: 0 files, 0 bytes",
      "Remove project docs with its files and backups and take docs.test, www.docs.test offline?",
    ]);
    expect((await site.type("project disable docs")).exit).toBe(0);
    expect(await questionOf("project remove docs")).toBe("The files and backups of docs stay.\nRemove project docs?");
  });

  test("restore and rollback name the live files and the age of the backup", async () => {
    for (const name of ["restore", "rollback"]) {
      expect(await questionOf(`project ${name} docs`)).toBe(
        "Replace docs (1 file) with the backup of TIME (just now)?",
      );
    }
  });

  test("restore of a backup that does not exist fails without a question", async () => {
    const line = "project restore docs --backup 20200101T000000Z".split(" ");
    asked.length = 0;
    const { exit, err } = await typedWords(line, site.host, true, undefined, undefined, site.trees);
    expect([exit, asked, err]).toEqual([1, [], expect.stringContaining("docs has no backup 20200101T000000Z")]);
  });

  test("restore takes the backup of the question, though a deploy makes another one meanwhile", async () => {
    site.disk.write("/srv/three/index.html", "three");
    asked.length = 0;
    meanwhile.act = () => site.type("project deploy docs --source /srv/three");
    const line = ["project", "restore", "docs"];
    const { exit, err } = await typedWords(line, site.host, true, undefined, undefined, site.trees);
    expect([exit, err, asked.length]).toEqual([0, "", 1]);
    expect(site.disk.text("/var/www/docs/docs/index.html")).toBe("one");
  });

  for (const [line, other] of [
    ["project disable docs", "project update docs --domain new.test --yes"],
    ["project disable docs", "project disable docs --yes"],
    ["project remove docs", "project update docs --domain new.test --yes"],
    ["project remove docs --delete-files", "project update docs --root-path /var/www/docs/new --yes"],
    ["project remove docs --delete-files", "project deploy docs --source /srv/one"],
    ["project update docs --domain docs.test --alias none", "project update docs --alias docs.example.org --yes"],
    ["project backups prune docs --keep 0", "project deploy docs --source /srv/one"],
  ] as const) {
    test(`${line}: nothing is changed if ${other} runs while the question is on the screen`, async () => {
      asked.length = 0;
      site.disk.write("/var/www/docs/new/index.html", "new");
      let before: Record<string, string> = {};
      meanwhile.act = async () => {
        expect(await site.type(other)).toMatchObject({ exit: 0, err: "" });
        before = site.snapshot();
      };
      const { exit, err } = await typedWords(line.split(" "), site.host, true, undefined, undefined, site.trees);
      expect([exit, asked.length, err]).toEqual([
        1,
        1,
        expect.stringContaining("another run changed what was confirmed"),
      ]);
      expect(err).toContain(`hint: edox-ops ${line}\n`);
      expect(site.snapshot()).toEqual(before);
    });
  }

  test("prune names the number and the size of what is deleted, and nothing to delete is not asked about", async () => {
    expect(await questionOf("project backups prune docs --keep 0")).toBe("Delete 1 backup of docs (9 bytes)?");
    expect(await questionOf("project backups prune docs --keep 5")).toBeUndefined();
    expect(await questionOf("project assets prune docs")).toBe("Delete 1 file of earlier releases of docs (6 bytes)?");
  });

  test("update asks if a name goes offline, HTTPS ends or another tree is served, and for nothing else", async () => {
    expect(await questionOf("project update docs --domain new.test")).toBe("Take docs.test offline?");
    expect(await questionOf("project update docs --alias none --root-path /var/www/docs/new")).toBe(
      "Take www.docs.test offline and serve /var/www/docs/new in place of /var/www/docs/docs?",
    );
    for (const flags of [
      "--domain DOCS.test",
      "--domain docs.test --rate-limit off",
      "--alias www.docs.test,docs.example.org",
    ]) {
      expect(await questionOf(`project update docs ${flags}`)).toBeUndefined();
    }
    edit({ tls: true, hsts: true, aliases: undefined });
    expect(await questionOf("project update docs --no-tls")).toBe(
      "Browsers that know docs.test refuse HTTP for it for up to a year (HSTS).\nServe docs.test without HTTPS?",
    );
    expect((await site.type("project disable docs")).exit).toBe(0);
    expect(await questionOf("project update docs --domain newer.test")).toBeUndefined();
  });

  test("a question is wrapped at words on a narrow terminal", async () => {
    variables.COLUMNS = "40";
    await questionOf("project remove docs");
    expect(asked[0]).toBe(
      "The files and backups of docs stay.\nRemove project docs and take docs.test,\nwww.docs.test offline? [y/N] ",
    );
  });

  test("a user who may not change the host is refused without a question", async () => {
    asked.length = 0;
    Object.assign(site.host, { uid: 1000 });
    const line = ["project", "disable", "docs"];
    const { exit, err } = await typedWords(line, site.host, true, undefined, undefined, site.trees);
    expect([exit, asked, err]).toEqual([2, [], expect.stringContaining("hint: sudo edox-ops project disable docs")]);
  });
});
