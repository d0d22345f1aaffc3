// Commands that are killed before one of their changes, or fail there on a full disk. The same command again completes
// them. doctor names commands that settle the rest.

import { describe, expect, test } from "bun:test";
import { generateKey } from "../../src/deploy-keys/generate.ts";
import { soak } from "../integration/rounds.ts";
import { KilledSite } from "./killed-site.ts";

const sources = {
  "one/index.html": "one",
  "one/_redirects": "/a /one\n",
  "two/index.html": "two",
  "two/_redirects": "/a /two\n/b /two\n",
  "plain/index.html": "plain",
  "ci.pub": `${(await generateKey("second")).line}\n`,
};

const publish = "project publish demo --domain demo.test --source /srv/one";
const plain = "project publish demo --domain demo.test --source /srv/plain";
const full = [
  publish,
  "project deploy demo /srv/two",
  "project deploy demo /srv/one --as 1.4 --alias latest --default",
  "project deploy demo /srv/two --as 1.4",
  "project deploy demo /srv/one --preview fix-7",
  "project key add demo --generate",
  "project update demo --password previews",
];

/** What a command that has already done its work answers. */
const done = /is not registered|has no preview fix-7|has no version 1\.4|has no deploy key|Nothing to restore/;

const cases: [line: string, setup: readonly string[]][] = [
  ["project deploy demo /srv/two", [publish]],
  ["project deploy demo /srv/plain", [publish]],
  ["project deploy demo /srv/one", [plain]],
  ["project publish demo /srv/plain --csp strict", [publish]],
  ["project restore demo --yes", [publish, "project deploy demo /srv/plain"]],
  ["project rollback demo --yes", [plain, "project deploy demo /srv/one"]],
  ["project deploy demo /srv/two --preview fix-7", [publish]],
  ["project deploy demo /srv/one --preview fix-8", full],
  ["project previews remove demo fix-7 --yes", full],
  ["project deploy demo /srv/two --as 1.4 --alias latest --default --title LTS", [publish]],
  ["project deploy demo /srv/two --as 1.5 --alias latest --default", full],
  ["project versions alias demo next 1.4", full],
  ["project versions rename demo 1.4 1.4.0", [...full, "project versions default demo 1.4"]],
  ["project versions remove demo 1.4 --yes", [...full, "project versions default demo none"]],
  ["project key add demo --key /srv/ci.pub --name second", full],
  ["project key remove demo ci", [...full, "project key add demo --generate --name second"]],
  ["project update demo --password site", full],
  ["project update demo --password none", full],
  ["project update demo --domain other.test", full],
  ["project update demo --previews host", full],
  ["project update demo --root-path /var/www/docs/other", [...full, "project disable demo"]],
  ["project disable demo", full],
  ["project enable demo", [...full, "project disable demo"]],
  ["project remove demo", full],
  ["project remove demo --delete-files --yes", full],
];

/** A removal that is killed at its end leaves them empty. */
const emptyDirs = /\/\.edox-ops-previews\/demo(\/-)?$/;

/** Returns the paths whose state differs. */
function difference(a: Record<string, string>, b: Record<string, string>): string[] {
  return Object.keys({ ...a, ...b }).filter((path) => a[path] !== b[path] && !emptyDirs.test(path));
}

/** One of so many changes of a command is tried, another one in each case; all in the soak. */
const stride = soak ? 1 : 7;
const first = (line: string): number => cases.findIndex(([each]) => each === line) % stride;

describe.each(cases)("killed: %s", (line, setup) => {
  test("the same command completes it, and so do the commands that doctor names", async () => {
    using host = await KilledSite.up(sources, setup);
    const before = await host.findings();
    expect(await host.type(line)).toMatchObject({ exit: 0 });
    const [wanted, after] = [host.state(), await host.findings()];
    const known = [...before, ...after].map(({ detail }) => detail);
    for (let n = first(line); ; n += stride) {
      host.reset();
      const { at } = await host.interrupt(line, n, "killed");
      if (at === null) break;
      const { exit, err } = await host.type(line);
      expect([n, at, exit === 0 || done.test(err), err]).toEqual([n, at, true, err]);
      // The timer of previews runs it every hour.
      if (/previews remove|--delete-files/.test(line)) await host.type("project previews prune");
      expect([n, at, difference(host.state(), wanted), await host.findings()]).toEqual([n, at, [], after]);

      // doctor does not know that a project was to be removed.
      if (line.startsWith("project remove")) continue;
      host.reset();
      await host.interrupt(line, n, "killed");
      await host.type("doctor --fix --yes");
      for (let tries = 0; ; tries++) {
        const found = (await host.findings()).filter(({ detail }) => !known.includes(detail));
        if (found.length === 0) break;
        expect([n, at, tries < 3 ? [] : found]).toEqual([n, at, []]);
        for (const { hint } of found) await host.type((hint ?? []).join(" ").replace(/^(sudo )?edox-ops /, ""));
      }
    }
  }, 60_000);
});

/** A removal or a renaming that cannot go on is reported, and the same command completes it. */
const undone = cases.filter(([line]) => !/ (remove|rename) /.test(line));

describe.each(undone)("on a full disk: %s", (line, setup) => {
  test("it succeeds, or leaves the host without a new finding", async () => {
    using host = await KilledSite.up(sources, setup);
    const before = await host.findings();
    expect(await host.type(line)).toMatchObject({ exit: 0 });
    const after = await host.findings();
    for (let n = first(line); ; n += stride) {
      host.reset();
      const { at, exit } = await host.interrupt(line, n, "full");
      if (at === null) break;
      expect([n, at, await host.findings()]).toEqual([n, at, exit === 0 ? after : before]);
    }
  }, 60_000);
});
