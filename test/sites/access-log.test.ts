// The access log of a site, on a host in memory.

import { beforeEach, describe, expect, test } from "bun:test";
import { serveDemo, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { issue } from "./certificates.ts";

const sitePath = "/etc/nginx/sites-available/edox-ops-demo";
const logPath = "/var/log/nginx/edox-ops-demo.access.log";
const directive = `    access_log ${logPath} combined;\n`;
let host: FakeHost;
beforeEach(async () => {
  host = await serveDemo(fakeDebian());
  host.taught.push(([program]) => (program === "curl" ? ok("http://demo.test/ 200\n") : undefined));
});

describe("access log:", () => {
  test("every server of a site writes the log of the site, with its aliases and over HTTPS", async () => {
    expect(host.text(sitePath)?.split(directive)).toHaveLength(2);
    const names = "DNS:demo.test,DNS:www.demo.test";
    const { certificate, key } = issue({ subject: "demo.test", names, from: "2027-01-01", to: "2027-04-01" });
    host.put("/etc/letsencrypt/live/demo.test/fullchain.pem", certificate);
    host.put("/etc/letsencrypt/live/demo.test/privkey.pem", key, { mode: 0o600 });
    const { exit, err } = await typed("project update demo --tls --alias www.demo.test", host);
    expect([exit, err]).toEqual([0, ""]);
    const servers = (host.text(sitePath) ?? "").split("server {").slice(1);
    expect(servers).toHaveLength(2);
    for (const server of servers) expect(server).toContain(directive);
  });

  test("it exists before nginx opens it, and only root and the group adm can read it", () => {
    expect(host.stat(logPath)).toMatchObject({ type: "file", mode: 0o640, uid: 0, gid: 4 });
  });

  test("its content, mode and owner are not changed once it exists", async () => {
    host.put(logPath, "127.0.0.1 - -\n", { mode: 0o600, uid: 33, gid: 33 });
    for (const line of ["enable demo", "disable demo", "enable demo", "render-nginx demo"]) {
      expect([line, await typed(`project ${line}`, host)]).toMatchObject([line, { exit: 0, err: "" }]);
    }
    expect(host.text(logPath)).toBe("127.0.0.1 - -\n");
    expect(host.stat(logPath)).toMatchObject({ mode: 0o600, uid: 33, gid: 33 });
  });

  for (const [type, said] of [
    ["directory", "is a directory, and should be a file"],
    ["other", "is a device, a pipe or a socket, and should be a file"],
  ] as const) {
    test(`a path that ${said.split(",")[0]} is refused before nginx opens it, and the site can be removed`, async () => {
      expect((await typed("project disable demo", host)).exit).toBe(0);
      host.nodes.set(logPath, { type, content: "", mode: 0o600, uid: 0, gid: 0, changedMs: 0 });
      host.ran.splice(0);
      const { exit, err } = await typed("project enable demo", host);
      expect([exit, err]).toEqual([1, expect.stringContaining(`${logPath} ${said}\nhint: ls -ld ${logPath}\n`)]);
      expect(host.ran.filter((argv) => argv.startsWith("nginx"))).toEqual([]);
      expect(await typed("project remove demo", host)).toMatchObject({ exit: 0, err: "" });
    });
  }

  for (const line of ["enable demo", "update demo", "render-nginx demo"]) {
    test(`project ${line}: a site of an earlier version gets one, and doctor reports the drift until then`, async () => {
      host.put(sitePath, host.text(sitePath)?.replace(directive, "") ?? "");
      host.remove(logPath);
      const drift = "differs from its record (drift)";
      expect((await typed("doctor", host)).out).toContain(drift);
      expect(await typed(`project ${line}`, host)).toMatchObject({ exit: 0, err: "" });
      expect(host.text(sitePath)).toContain(directive);
      expect(host.stat(logPath)).toMatchObject({ mode: 0o640, gid: 4 });
      expect((await typed("doctor", host)).out).not.toContain(drift);
    });
  }

  test("a failed step leaves neither the site nor the log", async () => {
    await typed("project add two --domain two.test", host);
    await typed("project init two", host);
    host.taught.unshift((argv) =>
      argv[0] === "systemctl" && argv[1] === "reload-or-restart" ? { code: 1, stdout: "", stderr: "no" } : undefined,
    );
    expect((await typed("project enable two", host)).exit).toBe(1);
    expect(host.stat("/var/log/nginx/edox-ops-two.access.log")).toBeNull();
  });

  test("project remove: it stays, and the last lines contain the command that deletes it", async () => {
    const { exit, out } = await typed("project remove demo", host);
    expect([exit, out]).toEqual([
      0,
      expect.stringContaining(`\nLeft the access log; to delete it: sudo rm ${logPath}*\n`),
    ]);
    expect(host.stat(logPath)).not.toBeNull();
    await serveDemo(host);
    host.remove(logPath);
    expect((await typed("project remove demo", host)).out).not.toContain("access log");
  });
});
