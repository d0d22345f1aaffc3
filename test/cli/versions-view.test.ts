// What a terminal shows of the versions of a site, what a shell completes, and the question before one is deleted.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { SiteHost } from "../sites/site-host.ts";
import { answerTo, completionHost } from "./completion-host.ts";
import { asked, atTerminal, typedWords } from "./typed.ts";

let site: SiteHost;

beforeEach(async () => {
  site = await SiteHost.bootstrapped();
  site.disk.write("/srv/1.4/index.html", "version 1.4");
});
afterEach(() => site[Symbol.dispose]());

/** Types a command that succeeds at a terminal. Returns what it prints, with fixed times. */
async function shown(width: number, line: string): Promise<string> {
  const { exit, out } = await atTerminal(width, () => site.type(line));
  expect([line, exit, out]).toEqual([line, 0, out]);
  return out
    .replaceAll(/\d{8}T\d{6}Z/g, "20261129T120000Z")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "2026-11-29 12:00")
    .replaceAll(/[\d.]+ m?s$/gm, "10 ms");
}

test("versions at a terminal: deploys, the list, the settings and a rollback name the version", async () => {
  await site.type("project publish demo /srv/site --domain demo.test");
  const pages: string[] = [];
  for (const [width, line] of [
    [80, "project versions demo"],
    [80, "project deploy demo /srv/1.4 --as 1.4 --alias latest"],
    [80, "project versions demo"],
    [80, "project deploy demo /srv/site --as 1.4 --default"],
    [80, "project deploy demo /srv/1.4 --as 1.5 --alias latest --title LTS"],
    [80, "project versions demo"],
    [40, "project versions demo"],
    [80, "project show demo"],
    [80, "project backups list demo --as 1.4"],
    [80, "project backups list demo --as 1.5"],
    [80, "project versions alias demo latest 1.4"],
    [80, "project versions rename demo 1.5 2.0"],
    [80, "project rollback demo --as 1.4 --yes"],
    [80, "project versions remove demo 2.0 --dry-run"],
    [80, "project versions remove demo 2.0 --yes"],
  ] as const) {
    pages.push(`$ edox-ops ${line}\n${await shown(width, line)}`);
  }
  expect(pages.join("\n")).toMatchSnapshot();
});

test("project show --json has the versions as project versions has them, and the number of previews", async () => {
  await site.type("project publish demo /srv/site --domain demo.test");
  await site.type("project deploy demo /srv/1.4 --as 1.4 --alias latest --default");
  const [shown, listed] = await Promise.all(
    ["show", "versions"].map(async (word) => JSON.parse((await site.type(`project ${word} demo --json`)).out)),
  );
  expect(shown).toMatchObject({ projects: [{ slug: "demo", default_version: "latest" }], preview_count: 0 });
  expect(shown.versions).toEqual(listed.versions);
  expect(listed.versions).toMatchObject([{ version: "1.4", aliases: ["latest"], is_default: true }]);
});

test("versions remove asks with the sizes of what it deletes, and for an alias with its name", async () => {
  await site.type("project publish demo /srv/site --domain demo.test");
  await site.type("project deploy demo /srv/1.4 --as 1.4 --alias latest");
  const question = async (name: string) => {
    asked.length = 0;
    const words = ["project", "versions", "remove", "demo", name];
    await typedWords(words, site.host, false, undefined, undefined, site.trees);
    return asked[0];
  };
  expect(await question("1.4")).toBe(
    "This deletes permanently:\n  /var/www/docs/.edox-ops-versions/demo/1.4: 1 file, 11 bytes\n" +
      "  /var/www/docs/.edox-ops-backups/demo/versions/1.4: 1 file, 56 bytes\nRemove version 1.4 of demo? [y/N] ",
  );
  expect(await question("latest")).toBe("Remove the alias latest of demo? [y/N] ");
});

test("completion: the versions and aliases of the typed project are offered, newest first", async () => {
  const host = completionHost();
  const dir = "/var/www/docs/.edox-ops-versions/docs";
  for (const name of ["1.4", "1.10"]) host.dir(`${dir}/${name}`);
  host.link(`${dir}/latest`, "1.10");
  host.put(`${dir}/.titles.json`, '{"1.4":"LTS"}');
  const offered = async (line: string) => (await answerTo(line.split(" "), host)).out.split("\n").slice(1, -1);
  const all = ["1.10\t", "1.4\tLTS", "latest\talias of 1.10"];
  for (const line of [
    "project deploy docs public --as ",
    "project rollback docs --as ",
    "project backups list docs --as ",
    "project versions remove docs ",
    "project versions default docs ",
    "project versions alias docs latest ",
  ]) {
    expect([line, await offered(line)]).toEqual([line, all]);
  }
  expect(await offered("project versions remove wiki ")).not.toContain("1.4\tLTS");
  expect(await offered("project deploy --as ")).toEqual([]);
});
