// What is deployed and restored, and whether nginx serves it afterwards.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { deployOrder, restoreOrder } from "../../src/projects/publish.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { project, TreeHost } from "./tree.ts";

const choices = { keep: 5, backup: true, allowEmpty: false, asks: true };
const recorded = { source: null, subdir: null, trusted: [0] };
const backups = "/var/www/docs/.edox-ops-backups/demo";
let host: FakeHost;
beforeEach(() => {
  host = fakeDebian();
});

describe("restore: a backup", () => {
  let disk: TreeHost;
  beforeEach(() => {
    disk = new TreeHost();
    for (const name of ["20260101T000000Z", "20260102T000000Z", ".stage-1-20260103T000000Z"])
      disk.write(`${backups}/${name}/index.html`, name);
  });
  afterEach(() => disk[Symbol.dispose]());
  const restored = (typed: string | null, of = project) => restoreOrder(of, typed, choices, disk.host, disk.trees);

  test("is the newest, or the one of a name or a path", async () => {
    for (const [typed, name] of [
      [null, "20260102T000000Z"],
      ["20260101T000000Z", "20260101T000000Z"],
      [`${backups}/20260101T000000Z`, "20260101T000000Z"],
    ] as const) {
      const order = await restored(typed);
      expect(order.name).toBe(`${backups}/${name}`);
      await disk.run(order);
      expect(disk.text("/var/www/docs/demo/index.html")).toBe(name);
    }
  });

  for (const name of [
    "20260103T000000Z",
    "../../other/20260101T000000Z",
    `${backups}/../x`,
    "/etc",
    "",
    ".stage-1-20260103T000000Z",
  ]) {
    test(`is not '${name}'`, async () => {
      await expect(restored(name)).rejects.toThrow(`demo has no backup ${name}`);
    });
  }

  test("is named as missing where there is none", async () => {
    await expect(restored(null, { ...project, slug: "new" })).rejects.toThrow("new has no backup");
  });
});

describe("an enabled site is asked for its new page under its name", () => {
  const probe = async (said: ReturnType<typeof ok>, more = {}) => {
    const asked: string[] = [];
    host.put("/var/www/docs/demo/index.html", "home");
    host.taught.unshift((argv) => {
      if (argv[0] === "curl") asked.push(argv.join(" "));
      return argv[0] === "curl" ? said : undefined;
    });
    using disk = new TreeHost();
    const { trees } = disk;
    const record = { ...project, enabled: true, source_path: "/srv/site", ...more };
    const ask = (await deployOrder(record, recorded, choices, host, trees)).probe;
    return [await ask?.(), asked[0]] as const;
  };

  test("over HTTP, past every proxy", async () => {
    const [why, asked] = await probe(ok("home"));
    expect(why).toBeNull();
    expect(asked).toContain("--noproxy * --max-time 5 -f --resolve demo.test:80:127.0.0.1 http://demo.test/");
  });

  test("over HTTPS where it has that", async () => {
    expect((await probe(ok("home"), { tls: true }))[1]).toContain("demo.test:443:127.0.0.1 https://demo.test/");
  });

  test("another page, or none, is told", async () => {
    expect((await probe(ok("old")))[0]).toContain(
      "nginx answers for demo.test with another page than /var/www/docs/demo/index.html",
    );
    const refused = { code: 22, stdout: "", stderr: "curl: (22) The requested URL returned error: 403\n" };
    expect((await probe(refused))[0]).toBe("http://demo.test/ does not answer: The requested URL returned error: 403");
  });

  test("and not where nobody wants it", async () => {
    using disk = new TreeHost();
    const { trees } = disk;
    const order = (more: object, asks = true) =>
      deployOrder({ ...project, source_path: "/srv/site", ...more }, recorded, { ...choices, asks }, host, trees);
    expect((await order({ enabled: false })).probe).toBeNull();
    expect((await order({ enabled: true }, false)).probe).toBeNull();
  });
});

test("what is typed of a deploy is checked before anything is looked at", async () => {
  await typed("project add demo --domain demo.test", host);
  for (const [line, said] of [
    ["deploy demo", "demo has no source path: say --source"],
    ["deploy demo --source x --keep many", "--keep 'many' is no number up to 1000"],
    ["deploy demo --source x --wait soon", "--wait 'soon' is no time: 60s, 5m"],
    ["deploy Demo --source x", "slug 'Demo' is not one"],
    ["restore demo --backup x", "restore replaces the site of demo: say --yes"],
    ["restore other --yes", "project other is not registered"],
    ["backups prune demo --keep -1", "--keep needs a value"],
  ]) {
    expect((await typed(`project ${line}`, host)).err).toContain(said as string);
  }
});
