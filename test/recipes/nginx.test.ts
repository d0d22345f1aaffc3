import { describe, expect, test } from "bun:test";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { bootstrap } from "../../src/recipes/bootstrap.ts";
import { nginxPrepare } from "../../src/recipes/nginx.ts";
import { defaultServers, directives } from "../../src/recipes/nginx-config.ts";
import { fakeDebian, type Like } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const catchAllPath = "/etc/nginx/conf.d/edox-ops-default.conf";

async function run(host: FakeHost) {
  return converge(bootstrap(gatherFacts(host)).steps, host, { act: host });
}

describe("the catch-all server, in the form that each nginx takes", () => {
  const hosts: Record<string, Like> = {
    "nginx 1.18 of Ubuntu 22.04": { id: "ubuntu", version: "22.04", codename: "jammy", nginx: "1.18.0-6ubuntu14" },
    "nginx 1.22 of Debian 12": {},
    "nginx 1.28 of Ubuntu 26.04": { id: "ubuntu", version: "26.04", codename: "resolute", nginx: "1.28.0-1" },
    "a host without IPv6": { ipv6: false },
  };
  for (const [name, like] of Object.entries(hosts)) {
    test(name, async () => {
      const host = fakeDebian(like);
      await run(host);
      expect(host.text(catchAllPath)).toMatchSnapshot();
    });
  }
});

describe("what somebody else made is left and named", () => {
  test("a foreign default server keeps its sockets", async () => {
    const host = fakeDebian();
    await run(host);
    host.put("/etc/nginx/sites-enabled/theirs", "server {\n  listen 80 default_server; # theirs\n}\n");
    const results = await run(host);
    expect(results[2]).toMatchObject({ outcome: "changed" });
    expect(results[2]?.warnings).toEqual([
      "/etc/nginx/sites-enabled/theirs:2 answers unknown names on 80: left as it is",
    ]);
    expect(host.text(catchAllPath)).not.toContain("listen 80 ");
    expect(host.text(catchAllPath)).toContain("listen [::]:80 default_server");
  });

  test("a welcome site that an admin edited stays", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    host.put("/etc/nginx/sites-available/default", "# mine\nserver {\n  listen 80 default_server;\n}\n");
    const [result] = await converge([nginxPrepare(gatherFacts(host))], host, { act: host });
    expect(result?.outcome).toBe("changed");
    expect(host.readLink("/etc/nginx/sites-enabled/default")).toBe("/etc/nginx/sites-available/default");
    expect(result?.warnings).toContain("/etc/nginx/sites-enabled/default is not the distribution's: left as it is");
  });

  test("a regular file in the place of the welcome link stays", async () => {
    const host = fakeDebian();
    await run(host);
    host.put("/etc/nginx/sites-enabled/default", "server { listen 8080; }\n");
    await run(host);
    expect(host.text("/etc/nginx/sites-enabled/default")).toBe("server { listen 8080; }\n");
  });
});

describe("on a kernel without IPv6", () => {
  test("the welcome site, which stops nginx and its package there, is kept out before they come", async () => {
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

  test("one that an earlier, failed installation left is turned off before that is ended", async () => {
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
    expect(packages?.changes[1]).toEqual({ kind: "packages", names: [] });
  });
});

describe("before nginx 1.19.4", () => {
  const jammy: Like = { id: "ubuntu", version: "22.04", codename: "jammy", nginx: "1.18.0-6ubuntu14" };

  test("a certificate that cannot be made is told with the reason, and nothing is written", async () => {
    const host = fakeDebian(jammy);
    host.taught.unshift((argv) =>
      argv[0] === "openssl" ? { code: 1, stdout: "", stderr: "no entropy\n" } : undefined,
    );
    expect((await run(host))[2]?.problem?.message).toBe("openssl makes no certificate: no entropy");
    expect(host.stat("/etc/edox-ops/unknown-names.pem")).toBeNull();
  });

  test("it is root's alone, and made once", async () => {
    const host = fakeDebian(jammy);
    await run(host);
    expect(host.stat("/etc/edox-ops/unknown-names.pem")).toMatchObject({ mode: 0o600, uid: 0 });
    expect((await run(host))[2]?.outcome).toBe("ok");
  });
});

describe("when nginx refuses", () => {
  test("the files are put back, byte by byte, and it is told who was wrong", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    host.put("/etc/nginx/conf.d/edox-ops-limits.conf", "# theirs\n", { mode: 0o600 });
    const before = host.listing("/etc");
    const stderr = "nginx: [emerg] unknown directive in /etc/nginx/sites-enabled/broken:1\n";
    host.taught.unshift((argv) => (argv[0] === "nginx" ? { code: 1, stdout: "", stderr } : undefined));
    const [result] = await converge([nginxPrepare(gatherFacts(host))], host, { act: host });
    expect(result?.outcome).toBe("failed");
    expect(result?.problem?.message).toContain("the files were put back");
    expect(result?.problem?.message).toContain("it was broken before this run");
    expect(result?.problem?.stderr).toBe(stderr);
    expect(host.listing("/etc")).toEqual(before);
  });

  test("a reload that is not taken is no success", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps.slice(0, 2), host, { act: host });
    await host.sleep(1000);
    host.taught.unshift((argv) => (argv[0] === "systemctl" ? { code: 0, stdout: "", stderr: "" } : undefined));
    const [result] = await converge([nginxPrepare(gatherFacts(host))], host, { act: host });
    expect(result?.problem?.code).toBe("still-differs");
    expect(host.text(catchAllPath)).toBeNull();
  });
});

test("a masked nginx is told, not fought", async () => {
  const host = fakeDebian();
  await run(host);
  host.link("/etc/systemd/system/nginx.service", "/dev/null");
  expect((await run(host))[2]?.problem?.message).toContain("systemctl unmask nginx");
});

test("files that were written but never loaded are loaded by the next run", async () => {
  const host = fakeDebian();
  await run(host);
  const bytes = host.read(catchAllPath) ?? new Uint8Array();
  await host.sleep(1000);
  host.writeFile(catchAllPath, bytes, { mode: 0o644, uid: 0, gid: 0 });
  await host.sleep(1000);
  expect((await run(host))[2]?.changes.map((change) => change.kind)).toEqual(["command", "command"]);
  expect((await run(host))[2]?.outcome).toBe("ok");
});

test("comments, quotes and blocks of nginx are read", () => {
  const text =
    'http { # listen 80 default_server;\n  include "a b.conf";\n  server { listen [::]:80 default_server; } }';
  expect([...directives(text)]).toEqual([
    { words: ["http"], line: 1 },
    { words: ["include", "a b.conf"], line: 2 },
    { words: ["server"], line: 3 },
    { words: ["listen", "[::]:80", "default_server"], line: 3 },
  ]);
});

test("includes are followed, also in a circle, and hidden files are not included", () => {
  const host = fakeDebian();
  host.put("/etc/nginx/nginx.conf", "include sites-enabled/*; include nginx.conf;");
  host.put("/etc/nginx/sites-enabled/.new", "listen 80 default_server;");
  host.put(
    "/etc/nginx/sites-enabled/a",
    "server { listen 1.2.3.4:80 default_server; listen *:443 ssl default_server; }",
  );
  expect(defaultServers(host)).toEqual([{ path: "/etc/nginx/sites-enabled/a", line: 1, socket: "443" }]);
});
