import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bootstrap } from "../../src/bootstrap/recipe.ts";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { UnknownStateError } from "../../src/host/host.ts";
import { directives, nginxConfig } from "../../src/nginx/config.ts";
import { nginxPrepare } from "../../src/nginx/recipe.ts";
import { brotliDir, brotliModule } from "../../src/nginx/text.ts";
import { fakeDebian, type Like } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";

async function run(host: FakeHost) {
  return converge(bootstrap(gatherFacts(host)).steps, host, { act: host });
}

describe("nginx:unknown-names: the catch-all server in the form for each nginx", () => {
  const hosts: Record<string, Like> = {
    "nginx 1.18 of Ubuntu 22.04": { id: "ubuntu", version: "22.04", codename: "jammy", nginx: "1.18.0-6ubuntu14" },
    "nginx 1.22 of Debian 12": {},
    "nginx 1.28 of Ubuntu 26.04": { id: "ubuntu", version: "26.04", codename: "resolute", nginx: "1.28.0-1" },
    "a host without IPv6": { ipv6: false },
  };
  for (const [name, like] of Object.entries(hosts)) {
    test(`nginx:unknown-names: catch-all server for ${name}`, async () => {
      const host = fakeDebian(like);
      await run(host);
      expect(host.text(catchAllPath)).toMatchSnapshot();
    });
  }
});

test("nginx:brotli: the directory that the include leads through exists while nginx has the module", async () => {
  const host = fakeDebian();
  await run(host);
  expect(host.stat(brotliDir)).toBeNull();
  host.put(brotliModule, "");
  await run(host);
  expect(host.stat(brotliDir)?.type).toBe("directory");
  expect((await run(host)).every(({ outcome }) => outcome === "ok")).toBe(true);
});

describe("nginx.prepare: foreign files stay unchanged, with a warning", () => {
  test("nginx.prepare: a foreign default server keeps its sockets", async () => {
    const host = fakeDebian();
    await run(host);
    host.put("/etc/nginx/sites-enabled/theirs", "server {\n  listen 80 default_server; # theirs\n}\n");
    const results = await run(host);
    expect(results[2]).toMatchObject({ outcome: "changed" });
    expect(results[2]?.warnings).toEqual([
      "/etc/nginx/sites-enabled/theirs:2 (listen 80 default_server) answers unknown names on 80: left as it is",
    ]);
    expect(host.text(catchAllPath)).not.toContain("listen 80 ");
    expect(host.text(catchAllPath)).toContain("listen [::]:80 default_server");
  });

  test("nginx.prepare: an ACME challenge is answered on the sockets of our default server over HTTP only", async () => {
    const host = fakeDebian();
    await run(host);
    const servers = () => (host.text(catchAllPath) ?? "").split("server {\n").slice(1);
    const [plain = "", secure = ""] = servers();
    const challenge = "location ^~ /.well-known/acme-challenge/ {\n        root /var/lib/edox-ops/acme;";
    expect(plain).toContain(challenge);
    expect(plain).not.toContain("443");
    expect(secure).not.toContain("location");
    expect(secure).toContain("\n    ssl_reject_handshake on;\n");
    host.put(
      "/etc/nginx/sites-enabled/theirs",
      "server { listen 80 default_server; listen 443 ssl default_server; }\n",
    );
    await run(host);
    expect(servers().map((text) => text.match(/listen .*/g))).toEqual([
      ["listen [::]:80 default_server;"],
      ["listen [::]:443 ssl default_server;"],
    ]);
    expect(servers()[0]).toContain(challenge);
    host.put("/etc/nginx/sites-enabled/more", "server { listen [::]:80 default_server; }\n");
    await run(host);
    expect(servers().map((text) => text.match(/listen .*/g))).toEqual([["listen [::]:443 ssl default_server;"]]);
    expect(host.text(catchAllPath)).not.toContain("acme");
  });

  test("nginx.prepare: a welcome site that an admin edited stays", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    host.put("/etc/nginx/sites-available/default", "# mine\nserver {\n  listen 80 default_server;\n}\n");
    const [result] = await converge([nginxPrepare(gatherFacts(host))], host, { act: host });
    expect(result?.outcome).toBe("changed");
    expect(host.readLink("/etc/nginx/sites-enabled/default")).toBe("/etc/nginx/sites-available/default");
    expect(result?.warnings).toContain("/etc/nginx/sites-enabled/default is not the distribution's: left as it is");
  });

  test("nginx.prepare: a regular file in place of the welcome link stays", async () => {
    const host = fakeDebian();
    await run(host);
    host.put("/etc/nginx/sites-enabled/default", "server { listen 8080; }\n");
    await run(host);
    expect(host.text("/etc/nginx/sites-enabled/default")).toBe("server { listen 8080; }\n");
  });
});

describe("bootstrap without IPv6", () => {
  test("bootstrap without IPv6: the welcome site, which keeps nginx from starting, is disabled before the packages are installed", async () => {
    const host = fakeDebian({ ipv6: false });
    const [packages] = await run(host);
    expect(packages?.changes.slice(0, 4).map((change) => change.kind)).toEqual([
      "directory",
      "directory",
      "link",
      "packages",
    ]);
    expect(packages?.outcome).toBe("changed");
    expect(host.readLink("/etc/nginx/sites-enabled/default")).toBe("/dev/null");
  });

  test("bootstrap without IPv6: a welcome site from a failed installation is disabled before dpkg is finished", async () => {
    const host = fakeDebian({ ipv6: false });
    await run(host);
    host.remove("/etc/nginx/sites-enabled/default");
    host.link("/etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default");
    const status = host.text("/var/lib/dpkg/status") ?? "";
    host.put(
      "/var/lib/dpkg/status",
      status.replace(
        "Package: nginx\nStatus: install ok installed",
        "Package: nginx\nStatus: install ok half-configured",
      ),
    );
    const [packages] = await run(host);
    expect(packages?.changes[0]).toMatchObject({ kind: "link", after: "/dev/null" });
    expect(packages?.changes[1]).toEqual({ kind: "packages", names: [], unfinished: ["nginx"] });
  });
});

describe("nginx before 1.19.4", () => {
  const jammy: Like = { id: "ubuntu", version: "22.04", codename: "jammy", nginx: "1.18.0-6ubuntu14" };

  test("nginx before 1.19.4: a failure to create the throwaway certificate is reported, and nothing is written", async () => {
    const host = fakeDebian(jammy);
    host.taught.unshift((argv) =>
      argv[0] === "openssl" ? { code: 1, stdout: "", stderr: "no entropy\n" } : undefined,
    );
    expect((await run(host))[2]?.problem?.message).toBe("openssl makes no certificate: no entropy");
    expect(host.stat("/etc/edox-ops/unknown-names.pem")).toBeNull();
  });

  test("nginx before 1.19.4: the throwaway certificate is readable by root only and created once", async () => {
    const host = fakeDebian(jammy);
    await run(host);
    expect(host.stat("/etc/edox-ops/unknown-names.pem")).toMatchObject({ mode: 0o600, uid: 0 });
    expect((await run(host))[2]?.outcome).toBe("ok");
  });
});

describe("nginx.prepare: a refused configuration", () => {
  test("nginx.prepare: a refused configuration is rolled back byte by byte, and an earlier fault is reported as such", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    host.put("/etc/nginx/conf.d/edox-ops-limits.conf", "# theirs\n", { mode: 0o600 });
    const before = host.listing("/etc");
    const stderr = "nginx: [emerg] unknown directive in /etc/nginx/sites-enabled/broken:1\n";
    host.taught.unshift((argv) => (argv[0] === "nginx" ? { code: 1, stdout: "", stderr } : undefined));
    const [result] = await converge([nginxPrepare(gatherFacts(host))], host, { act: host });
    expect(result?.outcome).toBe("failed");
    expect(result?.problem?.message).toContain("the previous files were restored");
    expect(result?.problem?.message).toContain("nginx -t -q fails: it was already broken before this run");
    expect(result?.problem?.stderr).toBe(stderr);
    expect(host.listing("/etc")).toEqual(before);
  });

  test("nginx.prepare: a reload without effect is a failure", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    await host.sleep(1000);
    host.taught.unshift((argv) => (argv[0] === "systemctl" ? { code: 0, stdout: "", stderr: "" } : undefined));
    const [result] = await converge([nginxPrepare(gatherFacts(host))], host, { act: host });
    expect(result?.problem?.code).toBe("verify-failed");
    expect(host.text(catchAllPath)).toBeNull();
  });
});

describe("nginx without sites-enabled, as from nginx.org", () => {
  const like: Like = { nginx: "1.28.0-1~bookworm", nginxOrg: true };
  const includePath = "/etc/nginx/conf.d/edox-ops-sites.conf";
  const included = (host: FakeHost): string[] => nginxConfig(host).servers.flatMap(({ names }) => names);
  const site = (host: FakeHost, name: string) =>
    host.put(`/etc/nginx/sites-enabled/${name}`, `server { listen 80; server_name ${name}; }\n`);

  test("nginx:sites: the site directories and our include are created, and foreign sites are not loaded", async () => {
    const host = fakeDebian(like);
    expect((await run(host))[2]).toMatchObject({ outcome: "changed", warnings: [] });
    expect(host.text(includePath)).toEndWith("\ninclude /etc/nginx/sites-enabled/edox-ops-*;\n");
    expect(host.stat("/etc/nginx/sites-available")).toMatchObject({ type: "directory", mode: 0o755 });
    site(host, "edox-ops-a");
    site(host, "theirs");
    expect(included(host)).toEqual(["localhost", "_", "_", "edox-ops-a"]);
    expect(host.text(catchAllPath)).toContain("listen 80 default_server");
  });

  test("nginx:sites: our include is removed if nginx.conf includes the sites itself, and each site is loaded once", async () => {
    const host = fakeDebian(like);
    await run(host);
    site(host, "edox-ops-a");
    const conf = host.text("/etc/nginx/nginx.conf") ?? "";
    host.put("/etc/nginx/nginx.conf", conf.replace("conf.d/*.conf;", "$& include sites-enabled/*;"));
    expect(included(host).filter((name) => name === "edox-ops-a")).toHaveLength(2);
    await run(host);
    expect(host.stat(includePath)).toBeNull();
    expect(included(host).filter((name) => name === "edox-ops-a")).toHaveLength(1);
  });

  test("nginx:sites: an include whose pattern does not match our names does not count", async () => {
    for (const [pattern, expected] of [
      ["/etc/nginx/sites-enabled/*", null],
      ["sites-*/*", null],
      ["/etc/nginx/.//sites-enabled/*", null],
      ["sites-enabled/*.conf", "file"],
    ] as const) {
      const host = fakeDebian();
      await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
      host.put("/etc/nginx/nginx.conf", `http { include conf.d/*.conf; include ${pattern}; }`);
      expect((await run(host))[2]?.outcome).toBe("changed");
      expect([pattern, host.stat(includePath)?.type ?? null]).toEqual([pattern, expected]);
    }
  });

  test("nginx:sites: an include outside the http block does not count", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    host.put("/etc/nginx/nginx.conf", "stream { include sites-enabled/*; } http { include conf.d/*.conf; }");
    await run(host);
    expect(host.stat(includePath)?.type).toBe("file");
  });

  test("nginx:sites: an nginx that does not read conf.d either is refused with the line to add, and nothing is changed", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    host.put("/etc/nginx/nginx.conf", "http { include /etc/nginx/sites-enabled/*; }");
    const before = host.listing();
    expect((await run(host))[2]?.problem).toMatchObject({
      message:
        'nginx reads nothing in /etc/nginx/conf.d: add "include /etc/nginx/conf.d/*.conf;" to the http block of /etc/nginx/nginx.conf',
      hint: ["sudo", "sed", "-i", expect.stringContaining("include /etc/nginx/conf.d/"), "/etc/nginx/nginx.conf"],
    });
    expect(host.listing()).toEqual(before);
  });
});

test("nginx:active: a masked nginx is reported and stays masked", async () => {
  const host = fakeDebian();
  await run(host);
  host.link("/etc/systemd/system/nginx.service", "/dev/null");
  expect((await run(host))[2]?.problem?.message).toBe(
    "nginx is masked: it runs until it stops, and does not start at boot",
  );
});

test("nginx:active: files that were written but never loaded are loaded by the next run", async () => {
  const host = fakeDebian();
  await run(host);
  const bytes = host.read(catchAllPath) ?? new Uint8Array();
  await host.sleep(1000);
  host.writeFile(catchAllPath, bytes, { mode: 0o644, uid: 0, gid: 0 });
  await host.sleep(1000);
  expect((await run(host))[2]?.changes.map((change) => change.kind)).toEqual(["command", "command"]);
  expect((await run(host))[2]?.outcome).toBe("ok");
});

test("nginx config: comments, quotes and blocks are parsed, and a quote inside a word is an ordinary character", () => {
  const text = `http { # listen 80 default_server;\n  include "a b.conf";\n  server { listen [::]:80 default_server; } it's; }`;
  expect([...directives(text)]).toEqual([
    { words: ["http"], line: 1, end: "{" },
    { words: ["include", "a b.conf"], line: 2, end: ";" },
    { words: ["server"], line: 3, end: "{" },
    { words: ["listen", "[::]:80", "default_server"], line: 3, end: ";" },
    { words: [], line: 3, end: "}" },
    { words: ["it's"], line: 3, end: ";" },
    { words: [], line: 3, end: "}" },
  ]);
});

test("nginx config: an unreadable file is skipped, and one that only root may read is reported", () => {
  const host = fakeDebian();
  host.put("/etc/nginx/nginx.conf", "http { include sites-enabled/*; }");
  for (const name of ["a", "b", "c"]) host.put(`/etc/nginx/sites-enabled/${name}`, `server { server_name ${name}; }`);
  host.dir("/etc/nginx/sites-enabled/d");
  host.link("/etc/nginx/sites-enabled/e", "/etc/nginx/sites-enabled/e");
  const { read } = host;
  host.read = (path) => {
    if (path.endsWith("/b")) throw new Error("EIO: i/o error, read");
    return read(path);
  };
  expect(nginxConfig(host).servers.map(({ names }) => names)).toEqual([["a"], ["c"]]);
  host.read = (path) => {
    if (path.endsWith("/b")) throw new UnknownStateError("only root");
    return read(path);
  };
  expect(() => nginxConfig(host)).toThrow("only root");
});

test("nginx config: any file content is parsed in finite time without an exception", () => {
  const piece = fc.constantFrom(
    "server",
    "listen 80",
    "include a",
    "{",
    "}",
    ";",
    "'",
    '"',
    "#",
    "\\",
    "\n",
    " ",
    "$",
    "é",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const host = fakeDebian();
      host.put("/etc/nginx/nginx.conf", pieces.join(""));
      host.put("/etc/nginx/a", pieces.toReversed().join(" "));
      nginxConfig(host);
    }),
  );
});

describe("nginx config: includes", () => {
  const sockets = (files: Record<string, string>): string[] => {
    const host = fakeDebian();
    for (const [path, text] of Object.entries(files)) host.put(`/etc/nginx/${path}`, text);
    return nginxConfig(host).servers.flatMap(({ listens }) => listens.map(({ text }) => text));
  };

  test("nginx config: includes are followed through patterns in every path segment, also in a cycle", () => {
    expect(
      sockets({
        "nginx.conf": "http { include vhosts/*/site.conf; include nginx.conf; }",
        "vhosts/a/site.conf": "server { listen 1; include vhosts/listen.inc; }",
        "vhosts/b/site.conf": "server { include vhosts/listen.inc; }",
        "vhosts/listen.inc": "listen 2;",
      }),
    ).toEqual(["listen 1", "listen 2", "listen 2"]);
  });

  test("nginx config: a chain of 20,000 includes is refused without a stack overflow", () => {
    const files = Array.from({ length: 20_000 }, (_, i) => [`${i}.inc`, `include ${i + 1}.inc;`]);
    const run = () => sockets({ "nginx.conf": "include 0.inc;", ...Object.fromEntries(files) });
    expect(run).toThrow("/etc/nginx/99.inc is included through more than 100 files");
  });

  test("nginx config: files that each include the next twice are refused after 10,000 reads", () => {
    const files = Array.from({ length: 40 }, (_, i) => [`${i}.inc`, `include ${i + 1}.inc; include ${i + 1}.inc;`]);
    const run = () => sockets({ "nginx.conf": "include 0.inc;", "40.inc": "listen 1;", ...Object.fromEntries(files) });
    expect(run).toThrow("is one of more than 10000 files that nginx.conf includes");
  });

  test("nginx config: a pattern does not match hidden files", () => {
    expect(sockets({ "nginx.conf": "include sites-enabled/*;", "sites-enabled/.new": "server { listen 1; }" })).toEqual(
      [],
    );
  });

  test("nginx config: certificates are files of the configuration", () => {
    const host = fakeDebian();
    host.put("/etc/nginx/nginx.conf", "server { ssl_certificate a.pem; ssl_certificate_key /k.pem; ssl_dhparam $x; }");
    expect(nginxConfig(host).paths).toEqual(["/etc/nginx/nginx.conf", "/etc/nginx/a.pem", "/k.pem"]);
  });
});

describe("nginx:unknown-names: a server that handles unknown names keeps its socket", () => {
  const taken: [string, string, string[]][] = [
    ["by default_server", "listen 80 default_server; server_name a.test;", ["80"]],
    ["by default, the older spelling", "listen 443 ssl default; server_name a.test;", ["443"]],
    ["with the port left out", "listen [::] default_server;", ["[::]:80"]],
    ["by another spelling of every address", "listen [::0]:443 default_server;", ["[::]:443"]],
    ["as the first server without a name", "listen 80; server_name _;", ["80"]],
    ["without any directive", "", ["80"]],
    ["on a single address, which a reload cannot widen", "listen 1.2.3.4:80; server_name a.test;", ["80"]],
    ["for both families", "listen [::]:80 ipv6only=off default_server; server_name a.test;", ["80", "[::]:80"]],
    ["in one socket of both, though not as the default", "listen [::]:80 ipv6only=off; server_name a.test;", ["80"]],
    ["not over QUIC", "listen 443 quic default_server; listen 443 ssl; server_name a.test;", []],
    ["not with a name", "listen 80; listen [::]:80; server_name a.test;", []],
    ["not on a socket file or another port", "listen unix:/run/s; listen 8080 default_server;", []],
  ];
  for (const [how, directives, sockets] of taken) {
    test(`nginx:unknown-names: sockets claimed by a foreign server: ${how}`, async () => {
      const host = fakeDebian();
      host.put("/etc/nginx/sites-enabled/theirs", `server { ${directives} }`);
      const [, , result] = await run(host);
      expect(result?.outcome).toBe("changed");
      const ours = nginxConfig(host)
        .servers.flatMap(({ listens }) => listens)
        .filter(({ path }) => path === catchAllPath);
      const all = ["80", "[::]:80", "443", "[::]:443"];
      expect(all.filter((socket) => !ours.some((each) => each.socket === socket))).toEqual(sockets);
      expect(result?.warnings.length).toBe(how.startsWith("in one") ? 0 : Math.min(sockets.length, 1));
      expect((await run(host))[2]?.outcome).toBe("ok");
    });
  }

  test("nginx:unknown-names: a stream server keeps its socket", async () => {
    const host = fakeDebian();
    await run(host);
    host.put("/etc/nginx/nginx.conf", `${host.text("/etc/nginx/nginx.conf")}stream { server { listen 443; } }`);
    expect((await run(host))[2]?.warnings).toEqual([
      "/etc/nginx/nginx.conf:5 (listen 443) answers unknown names on 443: left as it is",
    ]);
  });

  test("nginx:unknown-names: another program on port 443 keeps it, with a warning", async () => {
    const host = fakeDebian();
    host.put("/proc/net/tcp", `\n 0: 00000000:01BB 00000000:0000 0A 0:0 0:0 0 0 0 777 1\n`);
    host.put("/proc/55/comm", "sslh\n");
    host.link("/proc/55/fd/3", "socket:[777]");
    const [, , result] = await run(host);
    expect(result?.warnings).toEqual(["port 443 is taken by sslh (pid 55): unknown names are left to it there"]);
    expect(host.text(catchAllPath)).not.toContain("443");
  });
});

test("replaced files: a copy of each edited file of ours is kept, even of one that is then removed", async () => {
  const host = fakeDebian();
  await run(host);
  host.put("/etc/nginx/conf.d/edox-ops-limits.conf", "# mine\n");
  host.put(catchAllPath, "# mine too\n");
  expect((await run(host))[2]).toMatchObject({ outcome: "changed" });
  host.put(catchAllPath, "# mine again\n");
  host.put(
    "/etc/nginx/sites-enabled/theirs",
    "server { listen 80 default_server; listen [::]:80 default_server; listen 443 default_server; listen [::]:443 default_server; }",
  );
  expect((await run(host))[2]).toMatchObject({ outcome: "changed" });
  expect(host.stat(catchAllPath)).toBeNull();
  const kept = (host.list("/etc/edox-ops/replaced") ?? []).map((name) => host.text(`/etc/edox-ops/replaced/${name}`));
  expect(kept.sort()).toEqual(["# mine\n", "# mine again\n", "# mine too\n"]);
});

test("nginx workers: a kernel without lists of child processes is supported", async () => {
  const host = fakeDebian();
  await run(host);
  host.remove("/proc/99/task/99/children");
  host.put("/proc/7/stat", "7 (a) S 1) S 1 0 0");
  expect((await run(host)).map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok", "ok"]);
});

test("nginx workers: one on an emulated processor counts, and one that is shutting down does not", async () => {
  const host = fakeDebian();
  await run(host);
  const titled = async (title: string) => {
    const worker = [...host.nodes.keys()].findLast((path) => /^\/proc\/\d+\/cmdline$/.test(path)) ?? "";
    host.put(worker, `${title}\0`);
    return (await run(host))[2]?.outcome;
  };
  expect(await titled("/usr/bin/qemu-aarch64-static\0/usr/sbin/nginx\0-g\0daemon on;")).toBe("ok");
  expect(await titled("nginx: worker process is shutting down")).toBe("changed");
});
