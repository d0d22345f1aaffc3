// What doctor and `project validate` say of projects.

import { beforeEach, describe, expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const projectsPath = "/etc/edox-ops/projects.json";
const link = "/etc/nginx/sites-enabled/edox-ops-demo";
const site = "/etc/nginx/sites-available/edox-ops-demo";
let host: FakeHost;
/** What nginx answers for each site that it is asked for. */
let answer = "200";

beforeEach(async () => {
  host = fakeDebian();
  answer = "200";
  host.taught.push((argv) => {
    if (argv[0] !== "curl") return undefined;
    return ok(
      argv
        .filter((word) => word.startsWith("http"))
        .map((url) => `${url} ${answer}\n`)
        .join(""),
    );
  });
  await typed("bootstrap --yes", host);
});

async function live(): Promise<void> {
  for (const line of ["add demo --domain demo.test", "init demo", "enable demo"]) await typed(`project ${line}`, host);
  host.put("/var/www/docs/demo/index.html", "home", { mode: 0o644, uid: 0, gid: 33 });
}

const line = async (name: string): Promise<string> =>
  (await typed("doctor", host)).out.split("\n").find((each) => each.includes(` ${name}: `)) ?? "";

test("a host without projects has one line for them, and one with them a line each", async () => {
  expect(await line("projects:managed")).toBe(
    "[OK] projects:managed: not configured (optional; run edox-ops project publish)",
  );
  await live();
  expect(await line("projects:managed")).toBe("");
  expect(await line("project:demo")).toBe("[OK] project:demo: as its record says");
  expect(await line("nginx:orphan")).toBe("[OK] nginx:orphan: 1 sites have their projects");
  expect(await typed("project validate demo", host)).toMatchObject({
    exit: 0,
    out: "Project demo validation passed.\n",
  });
});

describe("what is wrong with a project is told, with what to type", () => {
  const record = (change: object) => (h: FakeHost) => {
    const all = JSON.parse(h.text(projectsPath) ?? "");
    h.put(projectsPath, JSON.stringify({ demo: { ...all.demo, ...change } }), { mode: 0o600 });
  };
  const cases: [string, (h: FakeHost) => void, string][] = [
    [
      "no tree",
      (h) =>
        [...h.nodes.keys()].filter((path) => path.startsWith("/var/www/docs/demo")).map((path) => h.nodes.delete(path)),
      "/var/www/docs/demo is missing (run: edox-ops project init demo)",
    ],
    ["no source", record({ source_path: "/srv/none" }), "the source /srv/none is missing"],
    ["no group", record({ owner_group: "gone" }), "there is no group gone (run: groupadd --system gone)"],
    [
      "a page that others write",
      (h) => h.put("/var/www/docs/demo/index.html", "x", { mode: 0o666, gid: 33 }),
      "or others may write it",
    ],
    ["no link", (h) => h.remove(link), `${link} is missing (run: edox-ops project enable demo)`],
    ["no site", (h) => h.remove(site), `${site} is missing`],
    [
      "a site that somebody edited",
      (h) => h.put(site, "server { listen 80; }"),
      `${site} differs from what the record says (drift)`,
    ],
    [
      "a link though it is disabled",
      record({ enabled: false }),
      "though the project is disabled (run: edox-ops project disable demo)",
    ],
    ["no certificate", record({ tls: true }), "there is no certificate for demo.test"],
    [
      "the name elsewhere",
      (h) => h.put("/etc/nginx/conf.d/x.conf", "server {\n server_name demo.test; }"),
      "/etc/nginx/conf.d/x.conf:1 has the name demo.test too",
    ],
    [
      "no page",
      () => {
        answer = "403";
      },
      "http://demo.test/ answers 403 on this host",
    ],
    [
      "no answer",
      () => {
        answer = "000";
      },
      "http://demo.test/ does not answer on this host",
    ],
  ];
  for (const [name, spoil, said] of cases) {
    test(name, async () => {
      await live();
      spoil(host);
      const { exit, out } = await typed("project validate demo", host);
      expect([exit, out]).toEqual([1, expect.stringContaining(`FAIL: `)]);
      expect(out).toContain(said);
      expect(await line("project:demo")).toStartWith("[FAIL] project:demo: ");
    });
  }

  test("what a killed deploy left is a warning", async () => {
    await live();
    host.dir("/var/www/docs/demo.staging");
    host.dir("/var/www/docs/.edox-ops-backups/demo/.stage-1-20260101T000000Z");
    host.locks.set("/run/edox-ops-project-demo.lock", { pid: 7, command: "edox-ops project deploy demo", sinceMs: 0 });
    expect((await typed("project validate demo", host)).out).not.toContain("a deploy was killed");
    host.locks.clear();
    const { exit, out } = await typed("project validate demo", host);
    expect(exit).toBe(0);
    expect(out).toContain("WARN: /var/www/docs/demo.staging was left by a deploy that was killed");
    expect(out).toContain(
      "WARN: a deploy was killed: the next one settles what it left (run: edox-ops project backups prune demo)",
    );
  });
});

test("records that cannot be used are one failing line, and end nothing else", async () => {
  host.put(projectsPath, "{", { mode: 0o600 });
  expect(await line("projects:managed")).toStartWith(`[FAIL] projects:managed: ${projectsPath} is no JSON`);
  expect(await line("host:disk")).toStartWith("[OK]");
});

test("a site of ours without its project is told, also where there is no project at all", async () => {
  host.link("/etc/nginx/sites-enabled/edox-ops-a", "/etc/nginx/sites-available/edox-ops-a");
  expect(await line("nginx:orphan")).toBe(
    `[FAIL] nginx:orphan: edox-ops-a is enabled, and ${projectsPath} has no such project (run: rm /etc/nginx/sites-enabled/edox-ops-a)`,
  );
});

test("a site that serves the backups is told", async () => {
  expect(await line("deploy-backups:web-exposure")).toStartWith("[OK]");
  host.put("/etc/nginx/snippets/r", "root /var/www/docs/.edox-ops-backups;");
  host.put("/etc/nginx/sites-enabled/x", "server { include /etc/nginx/snippets/r; }");
  expect(await line("deploy-backups:web-exposure")).toStartWith("[FAIL]");
  for (const root of [
    "/var/www/docs/.edox-ops-backups/demo",
    "/var/www/docs/.edox-ops-backups/",
    "/var/www/docs",
    "/var/www/",
  ]) {
    host.put("/etc/nginx/sites-enabled/x", `server { root ${root}; }`);
    expect(await line("deploy-backups:web-exposure")).toStartWith(
      "[FAIL] deploy-backups:web-exposure: /etc/nginx/sites-enabled/x:1 serves",
    );
  }
  host.put("/etc/nginx/sites-enabled/x", "server { root /var/www/docs/demo; }");
  expect(await line("deploy-backups:web-exposure")).toStartWith("[OK]");
});
