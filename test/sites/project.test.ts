// The commands of records and sites, on a host in memory.

import { beforeEach, describe, expect, test } from "bun:test";
import { bootstrap, prepared, typed, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const projectsPath = "/etc/edox-ops/projects.json";
const vhostPath = "/etc/nginx/sites-available/edox-ops-demo";
const linkPath = "/etc/nginx/sites-enabled/edox-ops-demo";
let host: FakeHost;
beforeEach(async () => {
  host = await bootstrap(fakeDebian());
});

const exit = async (line: string): Promise<number> => (await typed(line, host)).exit;

const serveDemo = prepared("project add demo --domain demo.test", "project init demo", "project enable demo");
const live = () => serveDemo(host);

test("project: the life cycle from add to remove", async () => {
  expect((await typed("project list", host)).out).toBe("No managed projects.\n");
  await live();
  expect(host.text(vhostPath)).toContain("server_name demo.test;");
  expect(host.readLink(linkPath)).toBe(vhostPath);
  expect((await typed("project list", host)).out).toBe("demo\tdemo.test\t/var/www/docs/demo\tenabled\n");
  expect((await typed("project show demo", host)).out).toMatchSnapshot();
  expect((await typed("project update demo --domain new.test", host)).out).toEndWith("Updated project demo.\n");
  expect(host.text(vhostPath)).toContain("server_name new.test;");
  expect((await typed("project disable demo", host)).out).toEndWith("Disabled project site for demo.\n");
  expect(host.stat(linkPath)).toBeNull();
  expect(host.stat(vhostPath)).not.toBeNull();
  expect((await typed("project remove demo", host)).out).toEndWith(
    "Removed project demo from managed state.\nLeft /var/www/docs/demo\nLeft the access log; to delete it: sudo rm /var/log/nginx/edox-ops-demo.access.log*\n",
  );
  expect(host.stat(vhostPath)).toBeNull();
  expect(host.text(projectsPath)).toBe("{}\n");
  expect(host.stat("/var/www/docs/demo")?.type).toBe("directory");
});

test("project update: without an option it writes the site as recorded and reloads nginx", async () => {
  await live();
  const site = host.text(vhostPath);
  host.put(vhostPath, "server { listen 80; }");
  host.ran.length = 0;
  const { exit, out } = await typed("project update demo", host);
  expect([exit, out]).toEqual([0, expect.stringMatching(/^Updated project demo\.$/m)]);
  expect(host.text(vhostPath)).toBe(site);
  expect(host.ran).toContain("systemctl reload-or-restart nginx");
  expect((await typed("project update other", host)).exit).toBe(1);
});

describe("project: a privileged runner of the host causes a warning that names ci-rootless, and no error:", () => {
  for (const [line, wanted] of [
    ["add other --domain other.test", "other"],
    ["enable demo", "demo"],
  ] as const) {
    test(line, async () => {
      await live();
      const docker = '[[runners]]\nname = "ci"\nexecutor = "docker"\n[runners.docker]\nimage = "a"\n';
      const warnings = async (config: string, more = "") => {
        host.put("/etc/gitlab-runner/config.toml", config, { mode: 0o600 });
        const said = await typed(`project ${line}${more}`, host);
        expect(said.exit).toBe(0);
        return (said.out + said.err).split("\n").filter((each) => each.startsWith("warning: "));
      };
      for (const config of [docker, "[[runners\n"]) expect(await warnings(config, " --dry-run")).toEqual([]);
      const expected = `warning: runner ci is privileged on the host that serves ${wanted}: `;
      for (const more of [" --dry-run", ""]) {
        const found = await warnings(`${docker}privileged = true\n`, more);
        expect(found).toEqual([expect.stringContaining("use --profile ci-rootless")]);
        expect(found[0]).toStartWith(expected);
      }
    });
  }
});

test("render-nginx: a dry run prints the site and writes nothing, and --check prints a plan", async () => {
  await typed("project add demo --domain demo.test", host);
  const { out: site } = await typed("project render-nginx demo --stdout", host);
  expect(site).toContain("server_name demo.test;");
  expect(await typed("project render-nginx demo --dry-run", host)).toEqual({ exit: 0, out: site, err: "" });
  expect(await typed("project render-nginx demo --dry-run --check", host)).toMatchObject({ exit: 3 });
  expect(host.stat(vhostPath)).toBeNull();
  expect((await typed("project render-nginx demo", host)).out).toEndWith(`Rendered nginx config to ${vhostPath}\n`);
});

test("project remove: reports the remaining files, and deletes them only after confirmation", async () => {
  await live();
  expect(await typed("project remove demo --delete-files", host)).toMatchObject({
    exit: 2,
    err: "error: deleting the files and backups of demo needs confirmation: pass --yes to delete them\nhint: edox-ops project remove demo --delete-files --dry-run\n",
  });
  expect(host.text(projectsPath)).toContain("demo.test");
  expect((await typed("project remove demo --keep-nginx", host)).out).toEndWith(
    "Removed project demo from managed state.\nLeft /var/www/docs/demo\nLeft the access log; to delete it: sudo rm /var/log/nginx/edox-ops-demo.access.log*\n",
  );
  expect(host.stat(vhostPath)).not.toBeNull();
});

test("project nginx status: prints lines that scripts can parse", async () => {
  expect(await typed("nginx status", host)).toMatchObject({
    exit: 0,
    out: "installed: True\nactive: True\nconfig_valid: True\nconfig_check: \n",
  });
  host.taught.unshift((argv) =>
    argv[0] === "nginx" ? { code: 1, stdout: "", stderr: "[emerg] a\nfailed\n" } : undefined,
  );
  expect(await typed("nginx status", host)).toMatchObject({
    exit: 1,
    out: "installed: True\nactive: True\nconfig_valid: False\nconfig_check: [emerg] a; failed\n",
  });
  expect(await typed("nginx status", fakeDebian())).toMatchObject({ exit: 1 });
});

test("project: a repeated command changes nothing, except that a second add is rejected", async () => {
  await live();
  const before = host.listing("/etc");
  const { length } = host.ran;
  for (const line of ["init demo", "enable demo", "update demo --domain demo.test", "render-nginx demo"]) {
    expect([line, await exit(`project ${line}`)]).toEqual([line, 0]);
    expect([line, await exit(`project ${line} --check`)]).toEqual([line, 0]);
  }
  expect(await typed("project add demo --domain x.test", host)).toMatchObject({
    exit: 1,
    err: "error: project demo already exists\nhint: edox-ops project show demo\n",
  });
  expect(host.listing("/etc")).toEqual(before);
  expect(host.ran.length).toBe(length);
});

test("project: a dry run of each command prints its changes and applies none", async () => {
  await live();
  const before = host.listing();
  for (const line of [
    "update demo --domain new.test",
    "disable demo",
    "remove demo",
    "add other --domain other.test",
  ]) {
    const { exit, out } = await typed(`project ${line} --check --diff`, host);
    expect(exit).toBe(3);
    expect(out).toContain("+++ /etc/edox-ops/projects.json");
  }
  expect(host.listing()).toEqual(before);
});

test("project: a rejected change leaves record, site and symlink unchanged", async () => {
  await live();
  const before = host.listing("/etc/edox-ops");
  const site = host.text(vhostPath);
  host.taught.unshift((argv) =>
    argv[0] === "nginx" ? { code: 1, stdout: "", stderr: "nginx: [emerg] no\n" } : undefined,
  );
  for (const line of ["update demo --domain new.test", "update demo --csp strict"]) {
    const { exit, err } = await typed(`project ${line}`, host);
    expect([exit, err]).toEqual([1, expect.stringContaining("the previous files were restored")]);
  }
  expect(host.text(vhostPath)).toBe(site);
  expect(Object.keys(host.listing("/etc/edox-ops"))).toEqual(Object.keys(before));
  expect(host.text(projectsPath)).toContain("demo.test");
});

test("project update: a full disk leaves record and site unchanged, whichever write failed", async () => {
  await live();
  const before = host.listing("/etc");
  for (const path of [projectsPath, vhostPath]) {
    host.broken.add(path);
    const { exit, err } = await typed("project update demo --domain new.test", host);
    host.broken.delete(path);
    expect([exit, err]).toEqual([1, expect.stringContaining("no space left")]);
    for (const kept of [projectsPath, vhostPath]) expect(host.listing("/etc")[kept]).toBe(before[kept] as string);
  }
});

test("project: disable and remove succeed despite a broken foreign file, and report the pending reload", async () => {
  await live();
  host.taught.unshift((argv) =>
    argv[0] === "nginx" || argv[1] === "reload-or-restart"
      ? { code: 1, stdout: "", stderr: "[emerg] theirs\n" }
      : undefined,
  );
  const { exit, out } = await typed("project disable demo", host);
  expect(out).toContain("warning: nginx keeps its loaded configuration until the one on disk is valid");
  expect(exit).toBe(0);
  expect(host.stat(linkPath)).toBeNull();
  expect((await typed("project remove demo", host)).exit).toBe(0);
});

describe("project: an enabled site must be servable:", () => {
  const cases: [string, (host: FakeHost) => void, string][] = [
    ["enable demo", () => {}, "/var/www/docs/demo is missing\nhint: edox-ops project deploy demo --source DIRECTORY"],
    ["enable other", () => {}, "project other is not registered\nhint: edox-ops project list"],
    ["add twin --domain DEMO.test", () => {}, "domain DEMO.test is already used by project demo"],
    [
      "add twin --domain t.test --root-path /var/www/docs/demo",
      () => {},
      "root path /var/www/docs/demo is already used by project demo",
    ],
    [
      "add twin --domain t.test --owner-group nobody",
      () => {},
      "group nobody does not exist\nhint: groupadd --system nobody",
    ],
    [
      "update demo --tls",
      (host) => {
        host.dir("/var/www/docs/demo");
        host.put(projectsPath, (host.text(projectsPath) ?? "").replace('"enabled": false', '"enabled": true'));
      },
      "there is no certificate for demo.test",
    ],
  ];
  for (const [line, prepare, said] of cases) {
    test(`${line}: ${said.split("\n")[0]}`, async () => {
      await exit("project add demo --domain demo.test");
      prepare(host);
      const before = host.listing("/etc");
      const { exit: code, err } = await typed(`project ${line}`, host);
      expect([code, err]).toEqual([1, expect.stringContaining(said)]);
      expect(host.listing("/etc")).toEqual(before);
    });
  }

  test("project: a missing nginx setup is named", async () => {
    host = fakeDebian();
    host.dir("/var/www");
    for (const line of ["add demo --domain demo.test", "init demo"]) expect(await exit(`project ${line}`)).toBe(0);
    expect((await typed("project enable demo", host)).err).toContain("hint: edox-ops bootstrap --yes");
  });
});

test("project: every command reports missing root permissions, with the command to run", async () => {
  await live();
  const otherUser = fakeDebian({ uid: 1000 });
  for (const [path, node] of host.nodes) otherUser.nodes.set(path, node);
  otherUser.hidden.add("/etc/edox-ops");
  for (const line of [
    "list",
    "show demo",
    "validate demo",
    "backups list demo",
    "backups prune demo",
    "remove demo",
    "enable demo",
    "deploy demo",
    "publish demo --source /srv",
  ]) {
    const { exit, err } = await typed(`project ${line}`, otherUser);
    expect([line, exit, err]).toEqual([line, 2, expect.stringContaining(`hint: sudo edox-ops project ${line}\n`)]);
  }
});

test("project update: a missing tree has the command that creates it as its hint", async () => {
  await live();
  expect((await typed("project update demo --root-path /var/www/docs/new", host)).err).toContain(
    "hint: cp -a -- /var/www/docs/demo /var/www/docs/new\n",
  );
});

describe("project: values that the file system or nginx would misinterpret are rejected:", () => {
  const cases: [string[], string][] = [
    [["--domain", "a;b.test"], "invalid --domain 'a;b.test': a domain is"],
    [["--domain", "*.test"], "invalid --domain '*.test': a domain is"],
    [["--domain", "demo.test."], "invalid --domain 'demo.test.': a domain is"],
    [["--domain", "dömo.test"], "invalid --domain 'dömo.test': a domain is"],
    [["--domain", "d.test", "--root-path", "/var/www/docs"], "a root path is below /var/www/docs"],
    [["--domain", "d.test", "--root-path", "/var/www/docs/demo//below"], "a root path is below /var/www/docs"],
    [["--domain", "d.test", "--root-path", "/etc"], "a root path is below /var/www/docs"],
    [["--domain", "d.test", "--root-path", "/var/www/docs/e; location /x { alias /etc/; } #"], "a root path is"],
    [["--domain", "d.test", "--source-path", "srv"], "a source path is absolute"],
    [["--domain", "d.test", "--source-path", "/srv/a\n/etc"], "a source path is absolute, without control characters"],
    [["--domain", "d.test\n"], "a domain is a host name"],
    [["--domain", "d.test; return 200"], "a domain is a host name"],
    [["--domain", "$host"], "a domain is a host name"],
    [["--domain", "d.test", "--root-path", "/var/www/docs/.edox-ops-backups"], "a root path is below /var/www/docs"],
    [["--domain", "d.test", "--root-path", "/var/www/docs/../../etc"], "a root path is below /var/www/docs"],
    [["--domain", "d.test", "--owner-group", "a b"], "a group has a name without blanks"],
    [["--domain", "d.test", "--owner-group", "x; y"], "a group has a name without blanks"],
    [["--domain", "d.test", "--owner-group=-g"], "a group has a name without blanks"],
    [["--domain", "d.test", "--owner-group", "a\nroot:x:0:"], "a group has a name without blanks"],
    [["--domain", "d.test", "--branch", "../x"], "a branch is a valid git branch name"],
    [["--domain", "d.test", "--branch=--upload-pack=x"], "a branch is a valid git branch name"],
    [["--domain", "d.test", "--branch", "x\ny"], "a branch is a valid git branch name"],
    [["--domain", "d.test", "--csp", "x\n} server {"], "a policy has printable ASCII characters"],
    [["--domain", "d.test", "--csp", "x\\"], "a policy has printable ASCII characters"],
    [["--domain", "d.test", "--csp", 'default-src "x"'], "a policy has printable ASCII characters"],
    [["--domain", "d.test", "--csp", "x; $request_uri"], "a policy has printable ASCII characters"],
    [["--domain", "d.test", "--source-path", "/etc"], "--source-path /etc is not published: it is part of the system"],
    [["--domain", "d.test", "--source-path", "/srv/../root/x"], "it is in the home of root: copy it to /srv/x"],
    [["--domain", "d.test", "--source-path", "/"], "it is part of the system, or has /etc in it"],
    [["--domain", ""], "invalid --domain ''"],
    [["--domain", "d.test", "--root-path", ""], "invalid --root-path ''"],
    [["--domain", "d.test", "--source-path", ""], "invalid --source-path ''"],
  ];
  for (const [words, said] of cases) {
    test(words.join(" ").replaceAll("\n", "\\n") || "nothing", async () => {
      const before = host.listing("/etc");
      const { exit, err } = await typedWords(["project", "add", "demo", ...words], host);
      expect([exit, err]).toEqual([1, expect.stringContaining(said)]);
      expect(host.listing("/etc")).toEqual(before);
    });
  }

  test("project add: a missing --domain is a usage error", async () => {
    const { exit, err } = await typed("project add demo", host);
    expect([exit, err]).toEqual([2, expect.stringContaining("--domain is missing")]);
  });

  test("project update: a source in a system directory is rejected, and nothing is changed", async () => {
    await exit("project add demo --domain demo.test");
    const before = host.text(projectsPath);
    const { exit: code, err } = await typed("project update demo --source-path /etc/ssl", host);
    expect([code, err]).toEqual([1, expect.stringContaining("--source-path /etc/ssl is not published")]);
    expect(host.text(projectsPath)).toBe(before);
  });

  test("project: every command validates the slug", async () => {
    for (const command of [
      "add",
      "update",
      "remove",
      "show",
      "init",
      "deploy",
      "restore",
      "enable",
      "disable",
      "render-nginx",
      "validate",
      "publish",
      "backups list",
    ]) {
      for (const slug of ["../../../etc/x", "UPPER", ".hidden", "a/b", ""]) {
        const { exit, err } = await typedWords(["project", ...command.split(" "), slug], host);
        expect([command, exit, err]).toEqual([command, 1, expect.stringContaining(`invalid slug '${slug}'`)]);
      }
    }
  });
});

describe("nginx: the hash table of server names", () => {
  const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
  const longest = `${"a".repeat(63)}.`.repeat(3) + "b".repeat(61);
  const set = (name: string, value: number): void =>
    host.put(
      "/etc/nginx/nginx.conf",
      `${host.text("/etc/nginx/nginx.conf")}`.replace(/}\n$/, ` ${name} ${value};\n}\n`),
    );

  test("serves a name of 253 characters, also on a host that an older edox-ops set up", async () => {
    const old = (host.text(limitsPath) ?? "").replace(/^server_names_hash_.+\n/gm, "");
    expect(old).not.toBe(host.text(limitsPath) ?? "");
    host.put(limitsPath, old);
    for (const line of [`add demo --domain ${longest}`, "init demo", "enable demo"]) {
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
    }
    expect(host.text(limitsPath)).toContain(
      "\nserver_names_hash_bucket_size 512;\nserver_names_hash_max_size 16384;\n",
    );
  });

  test("is not set twice where a foreign file sets it, before or later", async () => {
    set("server_names_hash_bucket_size", 320);
    expect((await typed("doctor", host)).out).toContain("[WARN] nginx:limits: ");
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 0, err: "" });
    expect(host.text(limitsPath)).not.toContain("bucket_size");
    expect(host.text(limitsPath)).toContain("server_names_hash_max_size 16384;");
    for (const line of [`add demo --domain ${longest}`, "init demo", "enable demo"]) {
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
    }
    host.put("/etc/nginx/conf.d/theirs.conf", "server_names_hash_max_size 1024;\n");
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 0, err: "" });
    expect(host.text(limitsPath)).not.toContain("server_names_hash");
  });

  test("is reported with its place if it is too small for a name, before anything is changed", async () => {
    set("server_names_hash_bucket_size", 64);
    const name = (length: number): string => `${"a".repeat(length - 5)}.test`;
    await typed("bootstrap --yes", host);
    for (const line of [`add demo --domain ${name(46)}`, "init demo", "enable demo"]) {
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
    }
    const before = host.listing("/etc");
    const { exit, err } = await typed(`project update demo --domain ${name(47)}`, host);
    expect([exit, err]).toEqual([
      1,
      `error: ${name(47)} is too long for nginx: /etc/nginx/nginx.conf:4 sets server_names_hash_bucket_size to 64; remove that, or set 512\nhint: sed -n 4p /etc/nginx/nginx.conf\n`,
    ]);
    expect(host.listing("/etc")).toEqual(before);
  });

  test("ignores a setting of another block", async () => {
    host.put(
      "/etc/nginx/nginx.conf",
      `stream { server_names_hash_bucket_size 64; }\n${host.text("/etc/nginx/nginx.conf")}`,
    );
    await typed("bootstrap --yes", host);
    expect(host.text(limitsPath)).toContain("server_names_hash_bucket_size 512;");
  });
});

describe("nginx: the content types of sites", () => {
  const typesPath = "/etc/nginx/edox-ops-types.conf";

  for (const line of ["update demo --branch next", "enable demo", "render-nginx demo"]) {
    test(`project ${line}: a host that an older edox-ops set up gets the file that its site includes`, async () => {
      await live();
      host.remove(typesPath);
      host.put(vhostPath, `${host.text(vhostPath)}`.replace(/^.*edox-ops-types.*\n/m, ""));
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
      expect(host.text(vhostPath)).toContain(`    include ${typesPath};\n`);
      expect(host.text(typesPath)).toContain("    text/javascript js mjs cjs;\n");
    });
  }

  test("bootstrap: a foreign file is kept before it is replaced", async () => {
    host.put(typesPath, "types { }\n");
    expect((await typed("doctor", host)).out).toContain("[WARN] nginx:content-types: ");
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 0, err: "" });
    const [name = ""] = (host.list("/etc/edox-ops/replaced") ?? []).filter((each) => each.includes("types"));
    expect(host.text(`/etc/edox-ops/replaced/${name}`)).toBe("types { }\n");
  });
});

test("project: a site is rendered for the installed nginx", async () => {
  await exit("project add demo --domain demo.test --tls");
  const dir = "/etc/letsencrypt/live/demo.test";
  for (const name of ["fullchain", "privkey"]) host.put(`${dir}/${name}.pem`, "x");
  expect((await typed("project render-nginx demo --stdout", host)).out).toMatchSnapshot();
  host.put("/var/lib/dpkg/status", (host.text("/var/lib/dpkg/status") ?? "").replace("1.22.1-9", "1.26.3-3"));
  expect((await typed("project render-nginx demo --stdout", host)).out).toContain(
    "listen 443 ssl;\n    listen [::]:443 ssl;\n    http2 on;",
  );
  host.put("/proc/net/if_inet6", "");
  expect((await typed("project render-nginx demo --stdout", host)).out).not.toContain("[::]");
  await exit("project update demo --no-tls");
  expect((await typed("project render-nginx demo --stdout", host)).out).toMatchSnapshot();
});
