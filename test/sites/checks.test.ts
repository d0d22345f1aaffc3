// Tests the checks of projects in doctor and `project validate`.

import { beforeEach, describe, expect, test } from "bun:test";
import { UnknownStateError } from "../../src/host/host.ts";
import { bootstrap, prepared, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const projectsPath = "/etc/edox-ops/projects.json";
const link = "/etc/nginx/sites-enabled/edox-ops-demo";
const site = "/etc/nginx/sites-available/edox-ops-demo";
let host: FakeHost;
/** The status code of the fake nginx for each request. */
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
  await bootstrap(host);
});

const serveDemo = prepared("project add demo --domain demo.test", "project init demo", "project enable demo");
async function live(): Promise<void> {
  await serveDemo(host);
  host.put("/var/www/docs/demo/index.html", "home", { mode: 0o644, uid: 0, gid: 33 });
}

const line = async (name: string): Promise<string> =>
  (await typed("doctor", host)).out.split("\n").find((each) => each.includes(` ${name}: `)) ?? "";

test("doctor: a host without projects has one line for them, and a host with projects one line for each", async () => {
  expect(await line("projects:managed")).toBe(
    "[OK] projects:managed: not configured (optional; run edox-ops project publish)",
  );
  await live();
  expect(await line("projects:managed")).toBe("");
  expect(await line("project:demo")).toBe("[OK] project:demo: matches its record");
  expect(await line("nginx:orphan")).toBe("[OK] nginx:orphan: 1 site has its project");
  expect(await typed("project validate demo", host)).toMatchObject({
    exit: 0,
    out: "Project demo validation passed.\n",
  });
});

describe("project validate and doctor: a fault of a project is reported with a hint", () => {
  const record = (change: object) => (h: FakeHost) => {
    const all = JSON.parse(h.text(projectsPath) ?? "");
    h.put(projectsPath, JSON.stringify({ demo: { ...all.demo, ...change } }), { mode: 0o600 });
  };
  const cases: [string, (h: FakeHost) => void, string][] = [
    [
      "a missing tree",
      (h) =>
        [...h.nodes.keys()].filter((path) => path.startsWith("/var/www/docs/demo")).map((path) => h.nodes.delete(path)),
      "/var/www/docs/demo is missing (run: edox-ops project deploy demo --source DIRECTORY)",
    ],
    ["a missing source", record({ source_path: "/srv/none" }), "the source /srv/none is missing"],
    [
      "a source that is part of the system",
      record({ source_path: "/srv/../etc/ssl" }),
      "the source /srv/../etc/ssl is not published: it is part of the system, or has /etc in it",
    ],
    ["a missing group", record({ owner_group: "gone" }), "group gone does not exist (run: groupadd --system gone)"],
    [
      "a page that others can change",
      (h) => h.put("/var/www/docs/demo/index.html", "x", { mode: 0o666, gid: 33 }),
      "or others may write it",
    ],
    ["a missing link", (h) => h.remove(link), `${link} is missing (run: edox-ops project enable demo)`],
    ["a missing site", (h) => h.remove(site), `${site} is missing`],
    [
      "a link of a disabled project",
      record({ enabled: false }),
      "though the project is disabled (run: edox-ops project disable demo)",
    ],
    ["a missing certificate", record({ tls: true }), "there is no certificate for demo.test"],
    [
      "a foreign server with its name",
      (h) => h.put("/etc/nginx/conf.d/x.conf", "server {\n server_name demo.test; }"),
      "/etc/nginx/conf.d/x.conf:1 has the name demo.test too",
    ],
    [
      "a foreign server with its name in capitals and all names below it",
      (h) => h.put("/etc/nginx/conf.d/x.conf", "server {\n listen [::]:80; server_name .Demo.Test; }"),
      "/etc/nginx/conf.d/x.conf:1 has the name demo.test too",
    ],
    [
      "a refused page",
      () => {
        answer = "403";
      },
      "http://demo.test/ answers 403 on this host",
    ],
    [
      "a site that does not respond",
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
      const { exit, out, err } = await typed("project validate demo", host);
      expect([exit, out, err]).toEqual([1, "", expect.stringMatching(/^FAIL: /m)]);
      expect(err).toContain(said);
      expect(await line("project:demo")).toStartWith("[FAIL] project:demo: ");
    });
  }

  test("project validate: a site that only differs is drift, which is a warning, and validation passes", async () => {
    await live();
    host.put(site, "server { listen 80; server_name demo.test; }");
    expect(await typed("project validate demo", host)).toEqual({
      exit: 0,
      out: "Project demo validation passed.\n",
      err: `WARN: ${site} differs from its record (drift) (run: edox-ops project enable demo)\n`,
    });
    expect(await line("project:demo")).toStartWith(`[WARN] project:demo: ${site} differs`);
  });

  test("project validate: a tree without index.html warns if it answers 403 or 404, and fails for other statuses", async () => {
    await live();
    host.remove("/var/www/docs/demo/index.html");
    host.put("/var/www/docs/demo/guide/index.html", "guide", { mode: 0o644, uid: 0, gid: 33 });
    for (const [given, exit] of [
      ["403", 0],
      ["404", 0],
      ["500", 1],
      ["000", 1],
    ] as const) {
      answer = given;
      expect([given, (await typed("project validate demo", host)).exit]).toEqual([given, exit]);
    }
  });

  test("project validate: a served tree without any file fails, and one before its first deploy warns", async () => {
    await live();
    host.remove("/var/www/docs/demo/index.html");
    host.dir("/var/www/docs/demo/.well-known");
    answer = "403";
    const deploy = "(run: edox-ops project deploy demo --source DIRECTORY)";
    expect(await typed("project validate demo", host)).toEqual({
      exit: 1,
      out: "",
      err: [
        `FAIL: /var/www/docs/demo has nothing to serve ${deploy}`,
        "WARN: http://demo.test/ answers 403: it has no index.html (follows from what is above)",
        "",
      ].join("\n"),
    });
    expect(await line("project:demo")).toStartWith("[FAIL] project:demo: /var/www/docs/demo has nothing to serve");
    await typed("project disable demo", host);
    expect(await typed("project validate demo", host)).toEqual({
      exit: 0,
      out: "Project demo validation passed.\n",
      err: `WARN: /var/www/docs/demo has nothing to serve ${deploy}\n`,
    });
    host.put("/var/www/docs/demo/guide/index.html", "guide");
    expect((await typed("project validate demo", host)).err).toBe(
      `WARN: /var/www/docs/demo has no index.html (run: ls -la /var/www/docs/demo)\n`,
    );
  });

  test("project validate and doctor: a configuration that nginx refuses comes first, and unreachable sites follow from it", async () => {
    await live();
    await host.sleep(1000);
    host.put("/etc/nginx/conf.d/theirs.conf", "bogus;\n");
    host.remove("/run/systemd/units/invocation:nginx.service");
    answer = "000";
    const fault = 'unknown directive "bogus" in /etc/nginx/conf.d/theirs.conf:1';
    expect((await typed("project validate demo", host)).err.split("\n")).toEqual([
      `FAIL: nginx refuses its configuration: ${fault} (run: sed -n 1p /etc/nginx/conf.d/theirs.conf)`,
      "FAIL: nginx is not active (follows from what is above)",
      "FAIL: http://demo.test/ does not answer on this host (follows from what is above)",
      "",
    ]);
    const { out } = await typed("doctor", host);
    expect(out.match(/^\[FAIL\].*$/gm)).toEqual([
      `[FAIL] nginx:config: ${fault} (run: sed -n 1p /etc/nginx/conf.d/theirs.conf)`,
      "[FAIL] nginx:active: nginx is not active (follows from nginx:config)",
      "[FAIL] project:demo: http://demo.test/ does not answer on this host (follows from nginx:config)",
    ]);
    expect(out).toMatch(/\[FAIL\] nginx:config.*\n\[FAIL\] nginx:active.*\n\[FAIL\] project:demo/);
  });

  test("project validate: a vhost that nginx refuses is named with the command that writes it again", async () => {
    await live();
    await host.sleep(1000);
    host.put(site, "bogus;\n");
    expect((await typed("project validate demo", host)).err.split("\n")[0]).toBe(
      `FAIL: nginx refuses its configuration: unknown directive "bogus" in ${link}:1 (run: edox-ops project render-nginx demo)`,
    );
    const drift = `${site} differs from its record (drift) (run: edox-ops project enable demo)`;
    expect(await line("project:demo")).toBe(`[WARN] project:demo: ${drift}`);
    expect((await typed("project enable demo", host)).exit).toBe(0);
    expect((await typed("project validate demo", host)).exit).toBe(0);
  });

  test("project validate: the remains of a killed deploy are a warning", async () => {
    await live();
    host.dir("/var/www/docs/demo.staging");
    host.dir("/var/www/docs/.edox-ops-backups/demo/.stage-1-20260101T000000Z");
    host.locks.set("/run/edox-ops/project-demo.lock", { pid: 7, command: "edox-ops project deploy demo", sinceMs: 0 });
    expect((await typed("project validate demo", host)).err).not.toContain("a deploy was killed");
    host.locks.clear();
    const { exit, out, err } = await typed("project validate demo", host);
    expect([exit, out]).toEqual([0, "Project demo validation passed.\n"]);
    expect(err).toContain("WARN: /var/www/docs/demo.staging was left by an interrupted deploy");
    expect(err).toContain(
      "WARN: a deploy was interrupted: the next one cleans up (run: edox-ops project backups prune demo --keep 1000)",
    );
  });
});

test("project validate: without access to the locks no killed deploy is reported", async () => {
  await live();
  host.dir("/var/www/docs/.edox-ops-backups/demo/.stage-1-20260101T000000Z");
  const lockHolders = (path: string): never => {
    throw new UnknownStateError(`${path} may only be read by root`);
  };
  const { exit, out, err } = await typed("project validate demo", { ...host, uid: 1000, lockHolders });
  expect([exit, err]).toEqual([0, ""]);
  expect(out).not.toContain("a deploy was killed");
});

test("project validate: files that only root can read are counted, and validation is not reported as passed", async () => {
  await live();
  const { stat } = host;
  const hidden = {
    ...host,
    uid: 1000,
    stat(path: string) {
      if (path.startsWith("/var/www/docs/demo")) throw new UnknownStateError(`${path} may only be read by root`);
      return stat(path);
    },
  };
  expect(await typed("project validate demo", hidden)).toEqual({
    exit: 0,
    out: "Project demo: no check failed, but 1 could not be checked (run: sudo edox-ops project validate demo).\n",
    err: "WARN: /var/www/docs/demo may only be read by root (run: sudo edox-ops project validate demo)\n",
  });
});

test("doctor: invalid JSON in the records is one failing line, and the other checks continue", async () => {
  host.put(projectsPath, "{", { mode: 0o600 });
  expect(await line("projects:managed")).toStartWith(`[FAIL] projects:managed: ${projectsPath} is not JSON`);
  expect(await line("host:disk")).toStartWith("[OK]");
});

test("doctor: a project with an invalid record fails under its own name, and every other is checked", async () => {
  await live();
  for (const slug of ["two", "three"]) {
    await typed(`project add ${slug} --domain ${slug}.test`, host);
    await typed(`project init ${slug}`, host);
    await typed(`project enable ${slug}`, host);
    host.put(`/var/www/docs/${slug}/index.html`, "home", { mode: 0o644, uid: 0, gid: 33 });
  }
  const all = JSON.parse(host.text(projectsPath) ?? "");
  const spoilt = { ...all, two: { ...all.two, root_path: "/etc" }, "a\n[OK] b": 7 };
  host.put(projectsPath, JSON.stringify(spoilt), { mode: 0o600 });
  expect(await line("project:demo")).toBe("[OK] project:demo: matches its record");
  expect(await line("project:three")).toBe("[OK] project:three: matches its record");
  expect(await line("project:two")).toMatch(
    /^\[FAIL\] project:two: its record is invalid: root_path is invalid: .+ \(run: edox-ops project update two --root-path \/var\/www\/docs\/two\)$/,
  );
  expect((await typed("doctor", host)).out).not.toContain("\n[OK] b");
  expect(await line("nginx:orphan")).toBe("[OK] nginx:orphan: 3 sites have their projects");
  expect((await typed("bootstrap --yes", host)).exit).toBe(0);
  expect((await typed("project disable two", host)).exit).toBe(0);
  expect(host.stat("/etc/nginx/sites-enabled/edox-ops-two")).toBeNull();
});

test("doctor: a project whose files cannot be read fails alone", async () => {
  await live();
  await typed("project add two --domain two.test", host);
  const { stat } = host;
  host.stat = (path) => {
    if (path === "/var/www/docs/two") throw new Error(`EIO: i/o error, lstat '${path}'`);
    return stat(path);
  };
  expect(await line("project:demo")).toBe("[OK] project:demo: matches its record");
  expect(await line("project:two")).toStartWith("[FAIL] project:two: /var/www/docs/two: i/o error");
});

test("doctor: a site is requested within 5 s, without root's .curlrc, a proxy or trust in its certificate", async () => {
  await live();
  const asked: string[] = [];
  host.taught.unshift((argv) => {
    if (argv[0] === "curl") asked.push(argv.join(" "));
    return undefined;
  });
  await typed("doctor", host);
  expect(asked).toEqual([expect.stringMatching(/^curl -q -sS -k --noproxy \* --max-time 5 --parallel /)]);
});

test("doctor: a thousand sites are probed by children whose command lines the kernel accepts", async () => {
  const domain = (i: number): string => `${`${i}.${"a".repeat(60)}.`.repeat(3)}test`;
  const all = Array.from({ length: 1000 }, (_, i) => {
    const record = { slug: `p${i}`, domain: domain(i), root_path: `/var/www/docs/p${i}`, source_path: null };
    return [`p${i}`, { ...record, branch: "main", owner_group: "www-data", enabled: true, tls: false }];
  });
  host.put(projectsPath, JSON.stringify(Object.fromEntries(all)), { mode: 0o600 });
  const lengths: number[] = [];
  host.taught.unshift((argv) => {
    if (argv[0] === "curl") lengths.push(argv.join(" ").length);
    return undefined;
  });
  const { out } = await typed("doctor", host);
  expect(out.match(/project:p\d+/g)).toHaveLength(1000);
  expect(out).not.toContain("does not answer");
  expect(lengths).toHaveLength(4);
  expect(Math.max(...lengths)).toBeLessThan(300_000);
});

test("nginx:orphan: a site of edox-ops without its project is reported, also on a host without any project", async () => {
  host.link("/etc/nginx/sites-enabled/edox-ops-a", "/etc/nginx/sites-available/edox-ops-a");
  expect(await line("nginx:orphan")).toBe(
    `[FAIL] nginx:orphan: edox-ops-a is enabled, and ${projectsPath} has no such project (run: rm /etc/nginx/sites-enabled/edox-ops-a)`,
  );
});

test("deploy-backups:web-exposure: a site that serves the backups is reported", async () => {
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

test("project validate: the site is requested without root's .curlrc, a proxy or a check of its issuer, within five seconds", async () => {
  await live();
  const requests: (readonly string[])[] = [];
  host.taught.unshift((argv) => {
    if (argv[0] === "curl") requests.push(argv);
    return undefined;
  });
  expect(await typed("project validate demo", host)).toMatchObject({ exit: 0 });
  expect(requests.map((argv) => argv.slice(0, 8))).toEqual([
    ["curl", "-q", "-sS", "-k", "--noproxy", "*", "--max-time", "5"],
  ]);
});
