// The restrictions of nginx on a Debian in memory.

import { expect, test } from "bun:test";
import { bootstrap, typed } from "../cli/typed.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { hardenableHost } from "./hardened-host.ts";

const path = "/etc/systemd/system/nginx.service.d/edox-ops.conf";
const command = "host harden --all --only host.nginx.restrict";

async function nginxHost(foreign = ""): Promise<FakeHost> {
  const host = await bootstrap(hardenableHost());
  host.put("/usr/sbin/nginx", "");
  host.put("/etc/nginx/conf.d/foreign.conf", `server { listen 80; server_name a.test; root /srv/a; ${foreign} }\n`);
  return host;
}
const setting = (host: FakeHost, key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(host.text(path) ?? "")?.[1];

test("nginx: restricts the service after a test of its configuration, and has nothing to do again", async () => {
  const host = await nginxHost();
  expect(await typed(`${command} --yes`, host)).toMatchObject({ exit: 0, err: "" });
  expect(setting(host, "ProtectSystem")).toBe("strict");
  const ran = host.ran.slice(-3);
  expect(ran).toEqual(["nginx -t -q", "systemctl daemon-reload", "systemctl restart nginx"]);
  expect((await typed(`${command} --check`, host)).exit).toBe(0);
});

test("nginx: may write logs, caches and uploads that its configuration names elsewhere", async () => {
  const logs = "access_log /srv/logs/a.log; error_log syslog:server=unix:/dev/log; access_log /dev/stdout;";
  const host = await nginxHost(`${logs} proxy_cache_path /srv/cache keys_zone=a:1m; client_body_temp_path "/x y";`);
  expect((await typed(`${command} --yes`, host)).exit).toBe(0);
  expect(setting(host, "ReadWritePaths")).toBe(
    "/run /var/log/nginx -/var/lib/nginx -/var/cache/nginx -/srv/cache -/srv/logs",
  );
});

for (const [module, value] of [
  ["ngx_http_lua_module.so", "no"],
  ["ngx_http_brotli_static_module.so", "yes"],
] as const) {
  test(`nginx: MemoryDenyWriteExecute=${value} with ${module}`, async () => {
    const host = await nginxHost();
    host.put("/etc/nginx/conf.d/module.conf", `load_module modules/${module};\n`);
    expect((await typed(`${command} --yes`, host)).exit).toBe(0);
    expect(setting(host, "MemoryDenyWriteExecute")).toBe(value);
  });
}

test("nginx: a site that answers before and not after the restart rolls the restrictions back", async () => {
  const host = await nginxHost();
  host.taught.unshift(([program, ...rest]) => {
    if (program !== "curl") return undefined;
    const isBroken = host.stat(path) !== null && `${rest.at(-1)}`.includes("a.test");
    return isBroken ? { code: 52, stdout: "000", stderr: "empty reply\n" } : ok("200");
  });
  const { exit, err } = await typed(`${command} --yes`, host);
  expect([exit, err]).toEqual([1, expect.stringContaining("http://a.test:80/ answers nothing instead of 200")]);
  expect(host.stat(path)).toBeNull();
  expect(host.ran.filter((line) => line === "systemctl restart nginx")).toHaveLength(2);
});

test("nginx: without curl, which requests the sites, nothing is changed", async () => {
  const host = await nginxHost();
  host.taught.unshift(([program]) =>
    program === "curl" ? { code: 127, stdout: "", stderr: "not found\n" } : undefined,
  );
  const { exit, err } = await typed(`${command} --yes`, host);
  expect([exit, err]).toEqual([1, expect.stringContaining("curl is not installed")]);
  expect(err).toContain("\nhint: apt-get install curl\n");
  expect(host.stat(path)).toBeNull();
});

test("nginx: a site that failed before does not count", async () => {
  const host = await nginxHost();
  host.taught.unshift(([program]) => {
    if (program !== "curl") return undefined;
    return ok(host.stat(path) === null ? "502" : "000");
  });
  expect((await typed(`${command} --yes`, host)).exit).toBe(0);
});

test("nginx: is skipped where it is not installed, and not started where it is stopped", async () => {
  const bare = hardenableHost();
  expect(await typed(`${command} --yes`, bare)).toMatchObject({
    exit: 0,
    out: expect.stringContaining("not installed"),
  });
  expect(bare.stat(path)).toBeNull();
  const stopped = await nginxHost();
  stopped.nodes.delete("/run/systemd/units/invocation:nginx.service");
  expect((await typed(`${command} --yes`, stopped)).exit).toBe(0);
  expect(stopped.stat(path)).not.toBeNull();
  expect(stopped.ran).not.toContain("systemctl restart nginx");
});

test("doctor: a file that nginx does not run with is reported", async () => {
  const host = await nginxHost();
  expect((await typed(`${command} --yes`, host)).exit).toBe(0);
  const finding = async () => {
    const { findings } = JSON.parse((await typed("doctor --json", host)).out);
    return findings.find(({ name }: { name: string }) => name === "nginx:restricted");
  };
  expect((await finding()).status).toBe("ok");
  // A run that was killed before the restart has only written the file.
  const text = host.text(path) ?? "";
  host.put(path, text);
  expect((await finding()).status).toBe("error");
  expect((await typed(`${command} --yes`, host)).exit).toBe(0);
  expect((await finding()).status).toBe("ok");
  host.put("/proc/99/status", "NoNewPrivs:\t0\n");
  expect(await finding()).toMatchObject({ status: "error", detail: "nginx runs without its restrictions" });
  expect((await finding()).hint.join(" ")).toBe(`edox-ops ${command} --yes`);
});
