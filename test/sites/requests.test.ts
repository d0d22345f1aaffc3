// Sources and backups of a deploy and a restore, and the probe of the site afterwards.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { DeployRequest } from "../../src/sites/deploy/plan.ts";
import { deployRequest, restoreRequest } from "../../src/sites/deploy/requests.ts";
import type { Project } from "../../src/sites/project.ts";
import { probeOf } from "../../src/sites/serve/served.ts";
import { theProject } from "../../src/sites/store.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { SiteHost } from "./site-host.ts";
import { project, TreeHost } from "./tree.ts";

const choices = { keep: 5, backup: true, allowEmpty: false, asks: true, again: [], dryRun: false };
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
  const restored = (typed: string | null, of = project) =>
    restoreRequest(disk.host, disk.trees, { project: of, typed, choices });

  test("is the newest one, or is selected by name or path", async () => {
    for (const [typed, name] of [
      [null, "20260102T000000Z"],
      ["20260101T000000Z", "20260101T000000Z"],
      [`${backups}/20260101T000000Z`, "20260101T000000Z"],
    ] as const) {
      const request = (await restored(typed)) as DeployRequest;
      expect(request.name).toBe(`${backups}/${name}`);
      await disk.run(request);
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

  test("is reported as missing if there is none", async () => {
    await expect(restored(null, { ...project, slug: "new" })).rejects.toThrow("new has no backup");
  });
});

/** Returns what curl prints of a response with this page. */
function answered(page: string, headers = `Content-Length: ${Buffer.byteLength(page)}`, status = "200 OK") {
  return ok(`HTTP/1.1 ${status}\r\nServer: nginx\r\n${headers}\r\n\r\n${page}`);
}

const chunked = "Transfer-Encoding: chunked";

describe("probe: the new page of an enabled site is requested by its domain,", () => {
  const probe = async (said: ReturnType<typeof ok>, more = {}, page: string | Uint8Array = "home") => {
    const asked: string[] = [];
    host.put("/var/www/docs/demo/index.html", page);
    host.taught.unshift((argv) => {
      if (argv[0] === "curl") asked.push(argv.join(" "));
      return argv[0] === "curl" ? said : undefined;
    });
    using disk = new TreeHost();
    const { trees } = disk;
    const record = { ...project, enabled: true, source_path: "/srv/site", ...more };
    const ask = (await deployRequest(host, trees, { project: record, selection: recorded, choices })).probe;
    return [(await ask?.())?.reason.replace(/: nginx is not set up$/, "") ?? null, asked[0]] as const;
  };

  test("over HTTP, bypassing every proxy", async () => {
    const [why, asked] = await probe(answered("home"));
    expect(why).toBeNull();
    expect(asked).toContain("--noproxy * --max-time 5 -f -i --resolve demo.test:80:127.0.0.1 http://demo.test/");
  });

  test("over HTTPS if the site has it", async () => {
    expect((await probe(answered("home"), { tls: true }))[1]).toContain("demo.test:443:127.0.0.1 https://demo.test/");
  });

  test("and a different or missing page is reported", async () => {
    expect((await probe(answered("old")))[0]).toBe(another);
    const refused = { code: 22, stdout: "", stderr: "curl: (22) The requested URL returned error: 403\n" };
    expect((await probe(refused))[0]).toBe("http://demo.test/ does not answer: The requested URL returned error: 403");
  });

  const another = "nginx answers for demo.test with another page than /var/www/docs/demo/index.html";
  const long = "0123456789abcdef".repeat(8192);

  test.each([
    ["an empty page", "", answered("")],
    ["a page in chunks", "home", answered("home", chunked)],
    ["a page behind early hints", "home", ok(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${answered("home").stdout}`)],
    ["a page over HTTP/2", "home", ok("HTTP/2 200 \r\ncontent-length: 4\r\n\r\nhome")],
    ["a page with a byte request mark", "\uFEFFhome", answered("\uFEFFhome")],
    ["a page that is no text", new Uint8Array([0xff, 0xfe, 0x00]), answered("\uFFFD\uFFFD\0", "Content-Length: 3")],
    ["the beginning of a long page", long, answered(long.slice(0, 70_000), `Content-Length: ${long.length}`)],
    ["a long page cut within a character", "€".repeat(30_000), answered("€".repeat(23_000), "Content-Length: 90000")],
  ])("probe: %s is the page", async (_, page, said) => {
    expect((await probe(said, {}, page))[0]).toBeNull();
  });

  test.each([
    ["an empty answer", "home", answered(""), another],
    ["a longer page with the same beginning", "home", answered("home and more", chunked), another],
    [
      "a long page of another size",
      long,
      answered(long.slice(0, 70_000), `Content-Length: ${long.length + 1}`),
      another,
    ],
    ["a long page with another beginning", long, answered(`x${long.slice(0, 70_000)}`, chunked), another],
    ["a redirect", "home", answered("home", "Location: /x", "301 Moved"), `${another}: its status is 301`],
    ["no HTTP at all", "home", ok("home"), `${another}: its status is 0`],
  ])("probe: %s is another page", async (_, page, said, why) => {
    expect((await probe(said, {}, page))[0]).toBe(why);
  });

  test("probe: a host without curl is reported as such, and not as a failing site", async () => {
    const missing = { code: 127, stdout: "", stderr: "curl is not installed" };
    expect((await probe(missing))[0]).toBe("http://demo.test/ cannot be asked: curl is not installed");
  });

  test("probe: any response counts for a site without a front page, and no response is an error", async () => {
    const unpaged = async (said: ReturnType<typeof ok>) => {
      host.taught.unshift(([program]) => (program === "curl" ? said : undefined));
      return probeOf(host, { ...project, enabled: true }, true)?.();
    };
    expect(await unpaged(answered("none", undefined, "404 Not Found"))).toBeNull();
    const refused = { code: 7, stdout: "", stderr: "curl: (7) Failed to connect\n" };
    expect(await unpaged(refused)).toMatchObject({ reason: expect.stringContaining("Failed to connect") });
    expect(await unpaged(ok("no HTTP"))).toMatchObject({ reason: expect.stringContaining("does not answer") });
  });

  test("and is not requested with --no-probe", async () => {
    using disk = new TreeHost();
    const { trees } = disk;
    const request = (more: object, asks = true) =>
      deployRequest(host, trees, {
        project: { ...project, source_path: "/srv/site", ...more },
        selection: recorded,
        choices: { ...choices, asks },
      });
    expect((await request({ enabled: false })).probe).toBeNull();
    expect((await request({ enabled: true }, false)).probe).toBeNull();
  });
});

describe("probe: a site that is not served is an error with the cause, and the hint fixes it:", () => {
  const refused = { code: 7, stdout: "", stderr: "curl: (7) Failed to connect to demo.test port 80\n" };
  const found = "http://demo.test/ does not answer: Failed to connect to demo.test port 80";
  const running = "/run/systemd/units/invocation:nginx.service";
  const link = "/etc/nginx/sites-enabled/edox-ops-demo";
  const ask = async () => probeOf(host, (await theProject(host, "demo")) as Project, true)?.();
  beforeEach(async () => {
    await typed("bootstrap --yes", host);
    await typed("project add demo --domain demo.test", host);
    await typed("project init demo", host);
    expect(await typed("project enable demo", host)).toMatchObject({ exit: 0 });
    host.taught.unshift(([program]) => (program === "curl" ? refused : undefined));
  });

  test("a stopped nginx is started", async () => {
    host.remove(running);
    const hint = ["sudo", "systemctl", "start", "nginx"];
    expect(await ask()).toEqual({ reason: `${found}: nginx is not running`, hint });
  });

  test("a stopped nginx whose port another program has is not started, and the program is shown", async () => {
    host.remove(running);
    host.put("/proc/net/tcp", "  sl\n   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n");
    host.link("/proc/77/fd/3", "socket:[4711]");
    host.put("/proc/77/comm", "apache2\n");
    expect(await ask()).toEqual({
      reason: `${found}: nginx is not running, and port 80 is taken by apache2 (pid 77), which nginx needs`,
      hint: ["sudo", "ss", "-ltnp", "sport", "=", ":80"],
      code: "conflict",
    });
  });

  test("a foreign site with the same name is named, and enable warns about it", async () => {
    host.put("/etc/nginx/sites-enabled/a-theirs", "server {\n  server_name other.test demo.test;\n}\n");
    const reason = "/etc/nginx/sites-enabled/a-theirs:1 has the name demo.test too";
    expect(await ask()).toEqual({
      reason: `${found}: ${reason}`,
      hint: ["grep", "-niF", "demo.test", "/etc/nginx/sites-enabled/a-theirs"],
      code: "conflict",
    });
    expect(await typed("project enable demo", host)).toMatchObject({
      exit: 0,
      out: expect.stringContaining(`warning: ${reason}: nginx serves only one of them\n`),
    });
    host.put("/etc/nginx/sites-enabled/a-theirs", "server {\n  listen 8080;\n  server_name demo.test;\n}\n");
    expect((await typed("project enable demo", host)).out).not.toContain("warning");
  });

  test("a masked nginx is unmasked", async () => {
    host.remove(running);
    host.link("/etc/systemd/system/nginx.service", "/dev/null");
    expect(await ask()).toEqual({
      reason: `${found}: nginx is masked`,
      hint: ["sudo", "systemctl", "unmask", "nginx"],
    });
  });

  test("a fault in a foreign file is named with its place, and the line is shown", async () => {
    host.remove(running);
    await host.sleep(1000);
    host.put("/etc/nginx/conf.d/x.conf", "bogus;\n");
    const said =
      'nginx: [emerg] unknown directive "bogus" in /etc/nginx/conf.d/x.conf:1\nnginx: configuration file /etc/nginx/nginx.conf test failed\n';
    host.taught.unshift(([program]) => (program === "nginx" ? { code: 1, stdout: "", stderr: said } : undefined));
    expect(await ask()).toEqual({
      reason: `${found}: nginx is not running, and refuses its configuration: unknown directive "bogus" in /etc/nginx/conf.d/x.conf:1`,
      hint: ["sudo", "sed", "-n", "1p", "/etc/nginx/conf.d/x.conf"],
      code: "invalid-config",
    });
  });

  test("a site whose symlink is missing or whose file was edited is enabled again", async () => {
    const hint = ["sudo", "edox-ops", "project", "enable", "demo"];
    host.remove(link);
    expect(await ask()).toEqual({ reason: `${found}: ${link} is missing`, hint });
    expect(await typed("project enable demo", host)).toMatchObject({ exit: 0 });
    const site = "/etc/nginx/sites-available/edox-ops-demo";
    host.put(site, "server {}\n");
    expect(await ask()).toEqual({ reason: `${found}: ${site} differs from its record`, hint });
  });

  test("an nginx that has not loaded its files is reloaded", async () => {
    await host.sleep(1000);
    host.setAttributes("/etc/nginx/sites-enabled", { mode: 0o755, uid: 0, gid: 0 });
    const hint = ["sudo", "systemctl", "reload", "nginx"];
    expect(await ask()).toMatchObject({ reason: expect.stringContaining("nginx has not loaded "), hint });
  });

  test("any other cause is shown by curl, over the scheme of the site", async () => {
    const hint = ["curl", "-sSIk", "--noproxy", "*", "--resolve", "demo.test:80:127.0.0.1", "http://demo.test/"];
    expect(await ask()).toEqual({ reason: found, hint });
  });

  test("project enable: a stopped nginx is started, even if the site is enabled already", async () => {
    host.remove(running);
    expect(await typed("project enable demo", host)).toMatchObject({ exit: 0 });
    expect(host.ran).toContain("systemctl reload-or-restart nginx");
    expect(host.readLink(running)).not.toBeNull();
  });
});

describe("deploy: --subdir", () => {
  for (const subdir of ["..", "../site", "/etc", "a/../..", "out", "none", "index.html", "-rf", "a\u001b[2J"]) {
    test(`'${subdir.replaceAll("\u001b", "ESC")}' is rejected: it is no directory in the source`, async () => {
      using disk = new TreeHost();
      disk.write("/srv/site/a/index.html", "a");
      disk.write("/srv/site/out", "-> ..");
      const given = { source: "/srv/site", subdir, trusted: [0] };
      await expect(deployRequest(disk.host, disk.trees, { project, selection: given, choices })).rejects.toThrow(
        "--subdir",
      );
    });
  }
});

test("deploy: the command line is validated before the host is read", async () => {
  await typed("project add demo --domain demo.test", host);
  for (const [line, said] of [
    ["deploy demo", "demo has no source path: pass --source"],
    ["deploy demo --source x --keep many", "invalid number 'many' for --keep (0 to 1000)"],
    ["deploy demo --source x --wait soon", "invalid duration 'soon' for --wait (for example 60s, 5m, 2h)"],
    ["deploy Demo --source x", "invalid slug 'Demo'"],
    ["restore demo --backup x", "restore replaces the site of demo and needs confirmation: pass --yes"],
    ["restore other --yes", "project other is not registered"],
    ["backups prune demo --keep -1", "--keep needs a value"],
  ]) {
    expect((await typed(`project ${line}`, host)).err).toContain(said as string);
  }
});

test("deploy: the hint of a missing source repeats the other flags", async () => {
  await typed("project add demo --domain demo.test", host);
  const { err } = await typed("project deploy demo --keep 3 --no-probe --subdir html", host);
  expect(err).toEndWith("hint: edox-ops project deploy demo --keep 3 --no-probe --subdir html --source DIRECTORY\n");
});

test("project publish: a privileged runner of the host causes a warning, and an unreadable config.toml does not", async () => {
  const docker = '[[runners]]\nname = "ci"\nexecutor = "docker"\n[runners.docker]\nimage = "a"\n';
  for (const [config, warns] of [
    [`${docker}privileged = true\n`, true],
    [`${docker}services_privileged = true\n`, true],
    [`${docker}services_privileged = true\nallowed_privileged_services = ["docker:dind-rootless"]\n`, false],
    [docker, false],
    ["[[runners\n", false],
  ] as const) {
    host.dir("/etc/nginx/sites-enabled");
    host.put("/etc/gitlab-runner/config.toml", config, { mode: 0o600 });
    const { err } = await typed("project publish demo --domain demo.test --source /none", host);
    expect(err.includes("warning: runner ci is privileged on the host that serves demo: ")).toBe(warns);
    expect(err).not.toContain("config.toml");
  }
});

test("backups list: --json has each backup, oldest first, and which one a restore used or left", async () => {
  using site = await SiteHost.bootstrapped();
  for (const page of ["one", "two", "three"]) {
    site.disk.write("/srv/site/index.html", page);
    expect((await site.type("project publish demo --domain demo.test --source /srv/site")).exit).toBe(0);
  }
  const list = async () => JSON.parse((await site.type("project backups list demo --json")).out);
  const before = await list();
  expect(before).toMatchObject({ command: "project backups list", outcome: "ok", exit: 0, restored_from: null });
  const [oldest, newest] = before.backups;
  expect(oldest.name < newest.name).toBe(true);
  expect(before.backups).toEqual(
    [oldest, newest].map(({ name }) => ({ name, path: `${backups}/${name}`, bytes: 3, left_by_restore: false })),
  );
  expect((await site.type("project restore demo --yes")).exit).toBe(0);
  const { backups: after, restored_from } = await list();
  expect(restored_from).toBe(newest.name);
  expect(after.map(({ left_by_restore }: { left_by_restore: boolean }) => left_by_restore)).toEqual([
    false,
    false,
    true,
  ]);
});
