// Sessions of deploy keys in this process: what they do, what they refuse, and what they leave.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { projectLockPath } from "../../src/sites/deploy/releases.ts";
import { eventsOf } from "../cli/typed.ts";
import { tarOf } from "../sites/archives.ts";
import { KeysHost } from "./keys-host.ts";

const page = (content: string) => tarOf([{ name: "index.html", content }]);
const live = "/var/www/docs/demo/index.html";

let keys: KeysHost;
beforeEach(async () => {
  keys = await KeysHost.up();
});
afterEach(() => keys[Symbol.dispose]());

const published = (): string => keys.site.disk.text(live);

describe("session: deploy", () => {
  const formats = { "plain tar": page("new"), gzip: gzipSync(page("new")), zstd: zstdCompressSync(page("new")) };
  for (const [format, archive] of Object.entries(formats)) {
    test(`${format} is deployed, with events on stdout and text on stderr`, async () => {
      const { exit, out, err } = await keys.session({ request: "deploy", stdin: [archive] });
      expect([exit, published()]).toEqual([0, "new"]);
      const events = eventsOf(out);
      expect(events.map(({ event }) => event)).toEqual([
        ...["waiting", "waiting", "started", "progress", "progress", "finished", "summary"],
      ] as never);
      expect(events.at(-1)).toMatchObject({ command: "project deploy", outcome: "changed", deploy: { changed: 1 } });
      expect(err).toEndWith("Deployed project demo from stdin.\n");
    });
  }

  test("rollback and status work on the key's own project", async () => {
    await keys.session({ request: "deploy", stdin: [page("new")] });
    expect(await keys.session({ request: "rollback" })).toMatchObject({ exit: 0, read: false });
    expect(published()).toBe("home");
    const { exit, out, err } = await keys.session({ request: "status" });
    expect([exit, eventsOf(out)]).toMatchObject([0, [{ event: "summary", projects: [{ slug: "demo" }] }]]);
    expect(err).toStartWith("slug: demo\n");
  });

  test("a preview is deployed, listed and removed, also with a key for previews only", async () => {
    keys.edit((key) => Object.assign(key, { previews_only: true }));
    const made = await keys.session({
      request: "deploy --preview fix-7 --expires 3d --branch fix/7",
      stdin: [page("new")],
    });
    expect([made.exit, made.err]).toMatchObject([0, expect.stringContaining("fix-7")]);
    const listed = await keys.session({ request: "preview list" });
    expect([listed.exit, eventsOf(listed.out)]).toMatchObject([
      ...[0, [{ event: "summary", previews: [{ name: "fix-7", branch: "fix/7", key: "demo/ci" }] }]],
    ]);
    expect(await keys.session({ request: "preview remove fix-7" })).toMatchObject({ exit: 0, read: false });
    expect(await keys.session({ request: "preview remove fix-7" })).toMatchObject({ exit: 1 });
    expect(published()).toBe("home");
  });

  test("a preview can be built from any branch of git, and nothing of its name is run", async () => {
    const names = [
      "fix/#7",
      "für-später",
      "_draft",
      "it's",
      "a$(id)b`id`",
      "a;id",
      'a"b',
      "a|b&c>d<e",
      "{x,y}!%1",
      "x=y",
    ];
    for (const name of names) {
      expect([name, Bun.spawnSync(["git", "check-ref-format", "--branch", name]).exitCode]).toEqual([name, 0]);
      const request = `deploy --preview fix-7 --branch ${name}`;
      expect([name, (await keys.session({ request, stdin: [page("new")] })).exit]).toEqual([name, 0]);
      const { out, err } = await keys.session({ request: "preview list" });
      expect(eventsOf(out)).toMatchObject([{ previews: [{ branch: name }] }]);
      expect(err).toContain(`\t${name}\t`);
    }
    for (const name of [
      "-x",
      "a..b",
      "a~1",
      "a^",
      "a:b",
      "a?",
      "a*",
      "a[b",
      "a\\b",
      "a.lock",
      "a\u202eb",
      "a\u001bb",
    ]) {
      const request = `deploy --preview fix-7 --branch ${name}`;
      expect([name, (await keys.session({ request, stdin: [page("evil")] })).exit]).toEqual([name, 2]);
    }
  });

  test("a version is deployed with its alias, listed and rolled back", async () => {
    for (const body of ["1.4", "1.4.1"]) {
      const made = await keys.session({ request: "deploy --as 1.4 --alias latest --default", stdin: [page(body)] });
      expect([made.exit, made.err]).toMatchObject([0, expect.stringContaining("1.4")]);
    }
    expect(await keys.session({ request: "rollback --as 1.4" })).toMatchObject({ exit: 0, read: false });
    const listed = await keys.session({ request: "versions" });
    expect([listed.exit, eventsOf(listed.out)]).toMatchObject([
      0,
      [{ event: "summary", command: "project versions list" }],
    ]);
    expect(listed.out).toContain('"1.4"');
    expect(published()).toBe("home");
  });

  test("the log has a line for each session, also a refused one, and no line break of a client", async () => {
    await keys.session({ request: "deploy", stdin: [page("new")] });
    await keys.session({ request: "id\n[2026] SESSION key='other/ci'\u001b[2J'" });
    await keys.session({ id: "other/nobody", request: "deploy", connection: "evil\n 1 2 3" });
    const [, fingerprint] = /fingerprint=(SHA256:\S{43}) /.exec(keys.log()[0] ?? "") ?? [];
    const key = `key='demo/ci' fingerprint=${fingerprint} project=demo`;
    expect(keys.log().map((line) => line.replace(/^\[[\d-]+T[\d:]+Z\] /, ""))).toEqual([
      `SESSION ${key} address=192.0.2.7 request='deploy' outcome=done exit=0`,
      `SESSION ${key} address=192.0.2.7 request='id [2026] SESSION key=\\u0027other/ci\\u0027\\u0027' outcome=usage exit=2`,
      "SESSION key='other/nobody' fingerprint=- project=- address=- request='deploy' outcome=permission-denied exit=2",
    ]);
    expect(keys.site.fake.stat("/var/log/edox-ops/deploy-keys.log")).toMatchObject({ mode: 0o640, uid: 0 });
  });
});

describe("session: a refused request is explained:", () => {
  for (const [request, reason] of [
    ["deploy --preview Fix/7", "'Fix/7' for --preview: a preview has lower-case letters, digits and -"],
    ["preview remove Fix/7", "'Fix/7': a preview has lower-case letters, digits and -"],
    ["deploy --preview a --expires tomorrow", "'tomorrow' for --expires: for example 12h, 14d"],
    ["deploy --as 1/4", "'1/4' for --as: a version has letters, digits"],
    ["deploy --preview a --branch /x", "'/x' for --branch: a branch is a valid git branch name"],
    ["deploy --source=public", "'--source' of deploy: there are --preview, --expires, --branch, --as"],
    ["status --json", "'--json' of status: it has none"],
  ] as const) {
    test(`${request}: with what it may be`, async () => {
      const { exit, err } = await keys.session({ request });
      expect([exit, err]).toEqual([2, expect.stringContaining(reason)]);
    });
  }
});

test("session: a hint is what the client can type", async () => {
  const files = (...names: string[]) => tarOf(["index.html", ...names].map((name) => ({ name, content: "/old" })));
  const below = tarOf([{ name: "public/index.html", content: "new" }]);
  for (const [request, stdin, hint] of [
    ["deploy", [below], "hint: tar -C public -c .\n"],
    ["deploy", [], "hint: tar -C DIRECTORY -c .\n"],
    ["deploy", [files(".env", "a b/.env")], "hint: tar -C DIRECTORY --exclude=./.env '--exclude=./a b/.env' -c .\n"],
    ["deploy", [files("_redirects")], "hint: tar -C DIRECTORY --exclude=./_redirects -c .\n"],
    ["preview remove nope", [], "hint: ssh edox-deploy@HOST preview list\n"],
    ["rollback --as 1.4", [], "hint: ssh edox-deploy@HOST versions\n"],
  ] as const) {
    const { exit, err } = await keys.session({ request, stdin: [...stdin] });
    expect([request, exit, err]).toEqual([request, 1, expect.stringContaining(hint)]);
    expect(published()).toBe("home");
  }
});

test("session: a message names no flag that a client does not have", async () => {
  const own = ["preview", "expires", "branch", "as", "alias", "default", "strict-urls"].map((flag) => `--${flag}`);
  const pages = (dir: string) =>
    tarOf([
      { name: "index.html", content: "home" },
      ...Array.from({ length: 8 }, (_, i) => ({ name: `${dir}/${i}.html`, content: `${i}` })),
    ]);
  const two = tarOf(["a/index.html", "b/index.html"].map((name) => ({ name, content: "new" })));
  const secret = tarOf(["index.html", ".env"].map((name) => ({ name, content: "new" })));
  for (const [request, stdin, exit, message] of [
    ["rollback", [], 1, "demo has no backup"],
    ["deploy", [tarOf([])], 1, "stdin is empty"],
    ["deploy", [two], 1, "stdin has no index.html"],
    ["deploy", [secret], 1, "look like secrets by name, 1 file: .env"],
    ["deploy", [pages("a")], 0, "Deployed project demo"],
    ["deploy --strict-urls", [pages("b")], 1, "vanish without a redirect"],
    ["deploy", [pages("b")], 0, "and 3 more"],
  ] as const) {
    const { exit: found, err } = await keys.session({ request, stdin: [...stdin] });
    expect([request, found, err]).toEqual([request, exit, expect.stringContaining(message)]);
    // A hint is a command of the client's own machine.
    const flags = (err.replace(/^hint: tar .*$/m, "").match(/--[a-z-]+/g) ?? []).filter((flag) => !own.includes(flag));
    expect([err, flags]).toEqual([err, []]);
  }
});

describe("session: refused before stdin is read, with exit code 2:", () => {
  const requests: Record<string, string | undefined> = {
    "no request, as for a shell": undefined,
    "an empty request": "",
    "blanks only": "   ",
    sftp: "/usr/lib/openssh/sftp-server",
    "scp to the host": "scp -t /etc",
    "scp from the host": "scp -f /etc/shadow",
    rsync: "rsync --server -logDtpre.iLsfxC . /etc",
    git: "git-upload-pack 'demo'",
    "another project": "deploy other",
    "a project after a flag": "deploy --project other",
    "a command of the program": "project list",
    "a path as the source": "deploy /etc",
    "a flag of the program": "deploy --include .env",
    "a flag that the program reads from a file": "deploy --bundle /etc/shadow",
    "a dry run": "deploy --dry-run",
    "a second command": "deploy; id",
    "a substitution": "deploy --preview $(id)",
    backticks: "deploy --preview `id`",
    "a pipe": "deploy | sh",
    "a redirection": "deploy > /etc/passwd",
    "a newline": "deploy\nid",
    "a quote": "deploy --preview 'a'",
    "a NUL": "deploy\0id",
    "a tab": "deploy\t--default",
    "a glob": "deploy --preview *",
    "a value that is a flag": "deploy --preview --default",
    "a preview that climbs": "deploy --preview ../other",
    "a version that climbs": "deploy --as 1..2",
    "a version with a slash": "deploy --as a/b",
    "a preview and a version": "deploy --preview a --as 1",
    "an alias without a version": "deploy --alias latest",
    "a flag twice": "deploy --preview a --preview b",
    "a value of a flag without one": "deploy --default=1",
    "a missing value": "deploy --preview",
    "a name of the runtime": "constructor",
    "a flag of the runtime": "deploy --constructor x",
    "a word of the session": "deploy-session",
    "another letter case": "DEPLOY",
    "a long request": `deploy --branch ${"a".repeat(5000)}`,
    "a character that looks like a blank": "deploy\u00a0--default",
    "a reverse mark": "deploy \u202egnp.exe",
  };
  test("every request", async () => {
    const before = keys.state();
    for (const [name, request] of Object.entries(requests)) {
      const { exit, read, out, err } = await keys.session({ request, stdin: [page("evil")] });
      expect([name, exit, read]).toEqual([name, 2, false]);
      expect([name, eventsOf(out)]).toMatchObject([name, [{ event: "summary", outcome: "refused", exit: 2 }]]);
      expect([name, err]).toEqual([name, expect.stringMatching(/^error: [^\n]{1,320}\n$/)]);
    }
    expect(keys.state()).toEqual(before);
  });

  const ids = ["demo/other", "demo", "", "../demo/ci", "constructor", "demo/ci\n", "DEMO/ci", "demo/ci other/ci"];
  for (const id of ids) {
    test(`the key ${JSON.stringify(id)}, which is not recorded`, async () => {
      const before = keys.state();
      expect(await keys.session({ id, request: "deploy", stdin: [page("evil")] })).toMatchObject({
        exit: 2,
        read: false,
      });
      expect(keys.state()).toEqual(before);
    });
  }

  test("a user other than root, who types the hidden word", async () => {
    const user = Object.assign(Object.create(keys.host), keys.host, { uid: 1000 });
    const { typed } = await import("../cli/typed.ts");
    expect(await typed("deploy-session", user)).toMatchObject({ exit: 2, err: expect.stringContaining("run by sshd") });
    expect(await typed("deploy-session now", keys.host)).toMatchObject({ exit: 2 });
  });

  test("an expired key, and a key for previews that asks for the live site", async () => {
    const before = keys.state();
    keys.edit((key) => Object.assign(key, { expires: "2026-01-01T00:00:00Z" }));
    const expired = await keys.session({ request: "deploy", stdin: [page("evil")] });
    expect(expired).toMatchObject({
      exit: 2,
      read: false,
      err: expect.stringContaining("expired on 2026-01-01 00:00 UTC"),
    });
    keys.edit((key) => Object.assign(key, { expires: undefined, previews_only: true }));
    for (const request of ["deploy", "rollback", "deploy --as 1.0", "rollback --as 1.0"]) {
      expect(await keys.session({ request })).toMatchObject({
        exit: 2,
        read: false,
        err: expect.stringContaining("only previews"),
      });
    }
    expect(await keys.session({ request: "status" })).toMatchObject({ exit: 0 });
    expect(published()).toBe(before[live]?.split(" ").at(-1) as string);
  });

  test("with a damaged record, no key is accepted", async () => {
    keys.site.fake.put("/etc/edox-ops/deploy-keys.json", "{", { mode: 0o600 });
    expect(await keys.session({ request: "deploy", stdin: [page("evil")] })).toMatchObject({ exit: 1, read: false });
    expect(published()).toBe("home");
  });
});

describe("session: limits of the key", () => {
  test("the number of deploys an hour: exit code 75, and each key has its own count", async () => {
    keys.edit((key) => Object.assign(key, { rate: 2 }));
    for (const body of ["1", "2"])
      expect(await keys.session({ request: "deploy", stdin: [page(body)] })).toMatchObject({ exit: 0 });
    const third = await keys.session({ request: "deploy", stdin: [page("3")] });
    expect(third).toMatchObject({ exit: 75, read: false, err: expect.stringContaining("limit of 2 deploys an hour") });
    expect(await keys.session({ request: "rollback" })).toMatchObject({ exit: 75 });
    expect(await keys.session({ request: "status" })).toMatchObject({ exit: 0 });
    await keys.add("other --generate");
    expect(await keys.session({ id: "other/ci", request: "deploy", stdin: [page("other")] })).toMatchObject({
      exit: 0,
    });
    const later = Date.now() + 3_700_000;
    Object.assign(keys.host, { now: () => later });
    expect(await keys.session({ request: "deploy", stdin: [page("4")] })).toMatchObject({ exit: 0 });
    expect(published()).toBe("4");
  });

  test("the size and the number of files: a tar beyond them is refused, and nothing is left", async () => {
    keys.edit((key) => Object.assign(key, { max_size: 1000, max_files: 3 }));
    const before = keys.state();
    const large = await keys.session({ request: "deploy", stdin: [page("x".repeat(1001))] });
    expect(large).toMatchObject({ exit: 1, err: expect.stringContaining("limit reached") });
    const many = tarOf(Array.from({ length: 4 }, (_, i) => ({ name: `${i}.html`, content: "x" })));
    expect(await keys.session({ request: "deploy", stdin: [many] })).toMatchObject({ exit: 1 });
    expect(keys.state()).toEqual(before);
  });

  test("an endless tar ends at the limit, and nothing is left", async () => {
    keys.edit((key) => Object.assign(key, { max_size: 10 * 2 ** 20 }));
    const before = keys.state();
    let sent = 0;
    const endless = (function* () {
      yield tarOf([{ name: "index.html", content: "x", size: 8 * 2 ** 30 - 1 }]).subarray(0, 512);
      for (; ; sent += 2 ** 16) yield Buffer.alloc(2 ** 16, "x");
    })();
    const { exit, err } = await keys.session({ request: "deploy", stdin: endless });
    expect([exit, err]).toEqual([1, expect.stringContaining("limit reached")]);
    expect(sent).toBeLessThan(12 * 2 ** 20);
    expect(keys.state()).toEqual(before);
  });

  test("a slow tar, which always makes progress, ends at the limit of the upload", async () => {
    keys.edit((key) => Object.assign(key, { max_seconds: 1 }));
    const before = keys.state();
    const slow = (async function* () {
      for (const byte of page("new")) {
        yield Buffer.from([byte]);
        await Bun.sleep(20);
      }
    })();
    const { exit, err } = await keys.session({ request: "deploy", stdin: slow });
    expect([exit, err]).toEqual([1, expect.stringContaining("took longer than 1 s")]);
    expect(keys.state()).toEqual(before);
  });
});

describe("session: a hostile tar changes nothing:", () => {
  const tars: Record<string, Buffer> = {
    "a name that climbs out": tarOf([
      { name: "index.html", content: "evil" },
      { name: "../other/index.html", content: "evil" },
    ]),
    "an absolute name": tarOf([
      { name: "index.html", content: "evil" },
      { name: "/var/www/docs/other/index.html", content: "evil" },
    ]),
    "a link out and a file through it": tarOf([
      ...[
        { name: "index.html", content: "evil" },
        { name: "a", type: "2", link: "/var/www/docs/other" },
      ],
      { name: "a/index.html", content: "evil" },
    ]),
    "a link to a file of root": tarOf([{ name: "index.html", type: "2", link: "/etc/shadow" }]),
    "a hard link out": tarOf([{ name: "index.html", type: "1", link: "/etc/shadow" }]),
    "a device": tarOf([
      { name: "index.html", content: "evil" },
      { name: "sda", type: "4" },
    ]),
    "no site": tarOf([{ name: "readme.txt", content: "evil" }]),
    "no tar": Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(100)),
    nothing: Buffer.alloc(0),
    "the end only": Buffer.alloc(1024),
  };
  for (const [name, tar] of Object.entries(tars)) {
    test(name, async () => {
      const before = keys.state();
      const { exit, err } = await keys.session({ request: "deploy", stdin: [tar] });
      expect([exit, err]).toEqual([1, expect.stringMatching(/^Waiting for a tar on stdin\nerror: /)]);
      expect(keys.state()).toEqual(before);
    });
  }
});

describe("session: a broken connection leaves nothing:", () => {
  const whole = tarOf([
    { name: "index.html", content: "new" },
    { name: "a/b.html", content: "b".repeat(3000) },
  ]);
  const cuts: [string, Buffer][] = [
    ...[1, 511, 512, 700, 1024, 1536, 3000, 5000, whole.length - 1024, whole.length - 512 - 1].map(
      (at): [string, Buffer] => [`plain, cut at ${at}`, whole.subarray(0, at)],
    ),
    ...[10, 30, 60].map((at): [string, Buffer] => [`gzip, cut at ${at}`, gzipSync(whole).subarray(0, at)]),
    ...[10, 30, 60].map((at): [string, Buffer] => [`zstd, cut at ${at}`, zstdCompressSync(whole).subarray(0, at)]),
  ];
  test("an end within the tar", async () => {
    const before = keys.state();
    for (const [name, stdin] of cuts) {
      expect([name, (await keys.session({ request: "deploy", stdin: [stdin] })).exit]).toEqual([name, 1]);
    }
    expect(keys.state()).toEqual(before);
    expect(await keys.session({ request: "deploy", stdin: [whole] })).toMatchObject({ exit: 0 });
  });

  test("a stdout that nobody reads, although the tar is complete", async () => {
    const before = keys.state();
    const { exit } = await keys.session({ request: "deploy", stdin: [whole], broken: "EPIPE" });
    expect(exit).toBe(129);
    expect(keys.state()).toEqual(before);
    expect(keys.log().at(-1)).toEndWith("request='deploy' outcome=interrupted exit=129");
  });

  test("a hangup during the upload", async () => {
    const before = keys.state();
    const hangsUp = (async function* () {
      yield whole.subarray(0, 512);
      keys.site.fake.signal = { name: "SIGHUP", number: 1 };
      await Bun.sleep(150);
      yield whole.subarray(512);
    })();
    expect(await keys.session({ request: "deploy", stdin: hangsUp })).toMatchObject({ exit: 129 });
    keys.site.fake.signal = null;
    expect(keys.state()).toEqual(before);
  });
});

describe("session: two at once", () => {
  const lock = projectLockPath("demo");
  const holder = { pid: 7, command: "edox-ops project deploy demo", sinceMs: 0 };

  test("the second waits for the first, and gives up after ten minutes with exit code 75", async () => {
    let ahead = 0;
    const skip = async (): Promise<void> => {
      ahead += 61_000;
    };
    keys.site.fake.locks.set(lock, holder);
    Object.assign(keys.host, { now: () => Date.now() + ahead, sleep: skip });
    const { exit, read, out } = await keys.session({ request: "deploy", stdin: [page("second")] });
    expect([exit, read, ahead]).toEqual([75, false, 610_000]);
    expect(eventsOf(out).at(-1)).toMatchObject({ outcome: "busy", error: { code: "locked" } });
    Object.assign(keys.host, {
      async sleep() {
        keys.site.fake.locks.delete(lock);
      },
    });
    expect(await keys.session({ request: "deploy", stdin: [page("second")] })).toMatchObject({ exit: 0 });
    expect(published()).toBe("second");
  });

  test.each(["rollback", "preview remove fix-7"])(
    "%s: a key that is removed while its session waits is refused",
    async (request) => {
      await keys.session({ request: "deploy", stdin: [page("new")] });
      await keys.session({ request: "deploy --preview fix-7", stdin: [page("new")] });
      keys.site.fake.locks.set(lock, holder);
      const { sleep } = keys.host;
      let before = {};
      Object.assign(keys.host, {
        async sleep() {
          Object.assign(keys.host, { sleep });
          expect(await keys.site.type("project key remove demo ci")).toMatchObject({ exit: 0 });
          before = keys.state();
          keys.site.fake.locks.delete(lock);
        },
      });
      const { exit, err } = await keys.session({ request });
      expect([exit, err]).toEqual([2, expect.stringContaining("no deploy key 'demo/ci'")]);
      expect(keys.state()).toEqual(before);
    },
  );

  test("a key that is removed while its session waits is refused before stdin is read", async () => {
    keys.site.fake.locks.set(lock, holder);
    const { sleep } = keys.host;
    Object.assign(keys.host, {
      async sleep() {
        Object.assign(keys.host, { sleep });
        expect(await keys.site.type("project key remove demo ci")).toMatchObject({ exit: 0 });
        keys.site.fake.locks.delete(lock);
      },
    });
    const { exit, read, err } = await keys.session({ request: "deploy", stdin: [page("late")] });
    expect([exit, read, err]).toEqual([2, false, expect.stringContaining("no deploy key 'demo/ci'")]);
    expect(published()).toBe("home");
  });

  test("a key that is removed during the upload may end, and its next session is refused", async () => {
    const removing = (async function* () {
      yield page("last").subarray(0, 512);
      await keys.site.type("project key remove demo ci");
      yield page("last").subarray(512);
    })();
    expect(await keys.session({ request: "deploy", stdin: removing })).toMatchObject({ exit: 0 });
    expect(await keys.session({ request: "deploy", stdin: [page("more")] })).toMatchObject({ exit: 2, read: false });
    expect(published()).toBe("last");
  });
});
