// Tests commands on a host whose nginx configuration a foreign file has broken.

import { beforeEach, describe, expect, test } from "bun:test";
import { UnknownStateError } from "../../src/host/host.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { bootstrap, typed } from "./typed.ts";

const foreignPath = "/etc/nginx/conf.d/theirs.conf";
const limitsPath = "/etc/nginx/conf.d/edox-ops-limits.conf";
const fault = `nginx refuses its configuration: unknown directive "bogus" in ${foreignPath}:2`;

let host: FakeHost;
beforeEach(async () => {
  host = await bootstrap(fakeDebian());
  await host.sleep(1000);
  host.ran.length = 0;
});

function breakNginx(): void {
  host.put(foreignPath, "# theirs\nbogus;\n");
}

describe("bootstrap: a foreign file that breaks nginx's configuration", () => {
  for (const line of ["bootstrap --yes", "bootstrap --check", "bootstrap --dry-run", "bootstrap --yes --json"]) {
    test(`${line}: a foreign file that breaks nginx is named with its line, and nothing is changed`, async () => {
      breakNginx();
      const before = host.listing();
      const { exit, out, err } = await typed(line, host);
      expect(exit).toBe(1);
      expect(line.includes("--json") ? JSON.parse(out).error.message : err).toContain(fault);
      expect(host.ran).toEqual([]);
      expect(host.listing()).toEqual(before);
    });
  }

  test("bootstrap: a foreign file that breaks nginx stops the run before a missing package is installed", async () => {
    breakNginx();
    const status = host.text("/var/lib/dpkg/status") ?? "";
    host.put("/var/lib/dpkg/status", status.replace(/Package: git\n(?:.+\n)+\n/, ""));
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 1, err: expect.stringContaining(fault) });
    expect(host.ran).toEqual([]);
  });

  test("bootstrap: a broken file that the run is about to repair does not stop it", async () => {
    host.put(limitsPath, "bogus;\n");
    expect((await typed("bootstrap --check", host)).exit).toBe(3);
    expect((await typed("bootstrap --yes", host)).exit).toBe(0);
    expect(host.text(limitsPath)).toContain("limit_req_zone");
  });

  test("bootstrap --check: a valid foreign file that is not loaded yet is no fault", async () => {
    host.put(foreignPath, "# theirs\n");
    expect((await typed("bootstrap --check", host)).exit).toBe(0);
  });

  test("bootstrap --check: without root the output says that only root can test nginx", async () => {
    breakNginx();
    const { exit, out } = await typed("bootstrap --check", Object.assign(host, { uid: 1000 }));
    expect(out).toContain("could not be determined: only root can test the configuration of nginx");
    expect(exit).toBe(1);
  });
});

test("bootstrap: a requirement that cannot be checked is a warning of a run, and fails --check", async () => {
  const statTarget = (path: string) => {
    if (path === "/etc/nginx/nginx.conf") throw new UnknownStateError(`${path} may only be read by root`);
    return host.statTarget(path);
  };
  const unreadable = { ...host, statTarget };
  const warnings = ["could not be determined: /etc/nginx/nginx.conf may only be read by root"];
  for (const [flag, outcome, exit] of [
    ["--yes", "ok", 0],
    ["--check", "unknown", 1],
    ["--dry-run", "unknown", 0],
  ] as const) {
    const { out } = await typed(`bootstrap ${flag} --json`, unreadable);
    expect(JSON.parse(out)).toMatchObject({ outcome, exit, warnings });
  }
});

describe("bootstrap --check: an nginx that does not run", () => {
  test("bootstrap --check: a stopped nginx is a pending change, and a run starts it", async () => {
    host.remove("/run/systemd/units/invocation:nginx.service");
    expect((await typed("bootstrap --check", host)).exit).toBe(3);
    expect((await typed("bootstrap --yes", host)).exit).toBe(0);
    expect(host.ran).toContain("systemctl reload-or-restart nginx");
  });

  test("bootstrap --check: a masked nginx is a failure", async () => {
    host.link("/etc/systemd/system/nginx.service", "/dev/null");
    expect(await typed("bootstrap --check", host)).toMatchObject({
      exit: 1,
      err: expect.stringContaining("nginx is masked"),
    });
  });

  test("bootstrap --check: a foreign program on port 80 is a failure that names the program", async () => {
    host.remove("/run/systemd/units/invocation:nginx.service");
    host.remove("/run/nginx.pid");
    host.put("/proc/net/tcp", "\n 0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 777 1\n");
    host.put("/proc/55/comm", "apache2\n");
    host.link("/proc/55/fd/3", "socket:[777]");
    const { exit, err } = await typed("bootstrap --check", host);
    expect([exit, err]).toEqual([1, expect.stringContaining("port 80 is taken by apache2 (pid 55)")]);
  });
});

describe("project enable and update: a foreign file that breaks nginx's configuration", () => {
  for (const line of ["enable demo", "update demo --branch main"]) {
    test(`project ${line}: a foreign file that breaks nginx is named even for a converged site, and nothing is changed`, async () => {
      for (const each of ["add demo --domain demo.test", "init demo", "enable demo"])
        await typed(`project ${each}`, host);
      await host.sleep(1000);
      host.ran.length = 0;
      breakNginx();
      const before = host.listing();
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 1, err: expect.stringContaining(fault) });
      expect(host.ran).toEqual([]);
      expect(host.listing()).toEqual(before);
    });
  }
});
