// What a person sees at a terminal after a publication, a deploy and a restore.

import { afterAll, afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import * as time from "../../src/text/time.ts";
import { addAuthority } from "../certs/fake-authority.ts";
import { SiteHost } from "../sites/site-host.ts";
import { atTerminal } from "./typed.ts";

let site: SiteHost;
// The width of a duration decides where a line breaks.
const durations = spyOn(time, "durationText");
afterAll(() => durations.mockRestore());
beforeEach(async () => {
  durations.mockReturnValue("0.3 s");
  site = await SiteHost.bootstrapped();
  site.disk.write("/srv/site/index.html", "home");
  site.disk.write("/srv/site/about.html", "about");
  site.disk.write("/srv/new/index.html", "new");
});
afterEach(() => site[Symbol.dispose]());

/** Types a line at a terminal. The names of backups differ from run to run. */
async function shown(columns: number, line: string) {
  const { out, ...rest } = await atTerminal(columns, () => site.type(line));
  return { ...rest, out: out.replace(/\d{8}T\d{6}(?:\.\d+)?Z/g, "20261129T064000Z") };
}

const publish = "project publish docs --domain docs.example.org --source";

/** Gives the host this public address. */
function addressed(address: string): void {
  site.fake.put("/proc/net/fib_trie", `Local:\n  |-- ${address}\n     /32 host LOCAL\n`);
}

for (const columns of [80, 40]) {
  describe(`at a terminal of ${columns} columns`, () => {
    test("publish: one line with the address, and what is missing with its command", async () => {
      addressed("203.0.113.7");
      expect(await shown(columns, `${publish} /srv/site`)).toMatchSnapshot();
    });

    test("publish --tls: the steps of the certificate, and the address", async () => {
      addressed("203.0.113.7");
      addAuthority(site.fake, ["docs.example.org"], site.host.now());
      expect(await shown(columns, `${publish} /srv/site --tls`)).toMatchSnapshot();
    });

    test("publish, deploy, restore: what changed, and the release before", async () => {
      site.fake.records.set("docs.example.org", ["203.0.113.7"]);
      addressed("203.0.113.7");
      await site.type(`${publish} /srv/site`);
      expect(await shown(columns, `${publish} /srv/site`)).toMatchSnapshot();
      expect(await shown(columns, "project deploy docs --source /srv/new --dry-run")).toMatchSnapshot();
      expect(await shown(columns, "project deploy docs --source /srv/new")).toMatchSnapshot();
      expect(await shown(columns, "project restore docs --dry-run")).toMatchSnapshot();
      expect(await shown(columns, "project restore docs --yes")).toMatchSnapshot();
    });

    test("deploy: addresses that vanish are warned of, and refused with --strict-urls", async () => {
      site.disk.write("/srv/site/guide/install.html", "install");
      await site.type(`${publish} /srv/site`);
      site.disk.write("/srv/new/setup/install.html", "install");
      const deploy = "project deploy docs --source /srv/new";
      expect(await shown(columns, `${deploy} --dry-run`)).toMatchSnapshot();
      expect(await shown(columns, `${deploy} --strict-urls`)).toMatchSnapshot();
    });

    test("publish --dry-run: the plan ends with its summary", async () => {
      expect(await shown(columns, `${publish} /srv/site --dry-run`)).toMatchSnapshot();
      await site.type(`${publish} /srv/site`);
      expect(await shown(columns, `${publish} /srv/site --dry-run`)).toMatchSnapshot();
    });

    test("deploy: a disabled project is named, with the command that enables it", async () => {
      await site.type("project add docs --domain docs.example.org");
      expect(await shown(columns, "project deploy docs --source /srv/site")).toMatchSnapshot();
    });
  });
}

test("publish: the DNS is not asked by a dry run, in a pipe, behind a proxy, and for a private name", async () => {
  const asked: string[] = [];
  site.host.resolve = async (name) => {
    asked.push(name);
    return { addresses: [], failure: "no-record" };
  };
  await site.type(`${publish} /srv/site`);
  await shown(80, `${publish} /srv/site --dry-run`);
  await shown(80, `${publish} /srv/site --real-ip-from 10.0.0.0/8`);
  const { out } = await shown(80, "project publish local --domain docs.test --source /srv/site");
  expect(out).toBe("✔ local is live: http://docs.test/  2 files, 9 bytes, 0.3 s\n");
  expect(asked).toEqual([]);
});

test("publish: a name that leads elsewhere is named with both addresses, and a DNS without an answer is not", async () => {
  addressed("203.0.113.7");
  site.fake.records.set("docs.example.org", ["198.51.100.1"]);
  expect((await shown(200, `${publish} /srv/site`)).out).toContain(
    "– DNS: docs.example.org does not point here yet: it leads to 198.51.100.1, and this host is 203.0.113.7\n",
  );
  site.host.resolve = async () => ({ addresses: [], failure: "no-answer" });
  expect((await shown(200, `${publish} /srv/site`)).out).not.toContain("DNS");
});

test("deploy: each command after an arrow succeeds as printed", async () => {
  const commandsIn = (out: string): string[] => [...out.matchAll(/→ edox-ops (.+)/g)].map(([, words = ""]) => words);
  await site.type("project add docs --domain docs.test");
  site.disk.write("/srv/site/app.0123abcd.js", "old");
  const first = await shown(80, "project deploy docs --source /srv/site");
  expect(commandsIn(first.out)).toEqual(["project enable docs"]);
  expect(await site.type("project enable docs")).toMatchObject({ exit: 0, err: "" });
  const { out } = await shown(80, "project deploy docs --source /srv/new");
  expect(commandsIn(out)).toEqual(["project rollback docs --yes", "project assets list docs"]);
  expect((await site.type("project assets list docs")).out).toContain("app.0123abcd.js");
  const live = () => site.disk.text("/var/www/docs/docs/index.html");
  const restored = await atTerminal(80, () => site.type("project restore docs --yes"));
  expect([restored.exit, live()]).toEqual([0, "home"]);
  // A restore is undone by its own command, which names the release.
  const [undo = ""] = commandsIn(restored.out);
  expect(undo).toMatch(/^project restore docs --backup \S+ --yes$/);
  expect(await site.type(undo)).toMatchObject({ exit: 0, err: "" });
  expect(live()).toBe("new");
});

test("publish: the command for HTTPS repeats the source, which stdin cannot", async () => {
  const { publishWithTls } = await import("../../src/cli/project/release-closing.ts");
  const project = { slug: "docs" } as never;
  const words = (line: string) => publishWithTls(line.split(" "), project)?.join(" ");
  expect(words("sudo edox-ops project deploy docs --source public")).toBe(
    "sudo edox-ops project publish docs --source public --tls",
  );
  expect(words("sudo edox-ops project deploy docs --source -")).toBe("sudo edox-ops project certs issue docs --yes");
  expect(words("sudo edox-ops project restore docs --yes")).toBeUndefined();
});

test("publish: at a terminal an interruption ends with the command that continues, and a pipe gets the error", async () => {
  await site.type(`${publish} /srv/site`);
  const moved = "project publish docs --domain moved.test --source /srv/new";
  site.fake.taught.unshift((argv) => {
    if (argv[0] === "nginx") site.fake.signal = { name: "SIGINT", number: 2 };
    return undefined;
  });
  const { exit, out, err } = await shown(80, moved);
  expect([exit, out]).toEqual([130, ""]);
  expect(err).toEndWith(
    "▲ Stopped: interrupted by SIGINT; the previous files were restored; the previous\n  site was restored.\n" +
      `  Continue with: edox-ops ${moved}\n`,
  );
  site.fake.signal = null;
  expect((await site.type(moved)).err).toMatch(/^error: interrupted by SIGINT; .*\nhint: edox-ops project publish /);
});
