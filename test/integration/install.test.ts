// The one-line installation on a bare host, as an operator types it: the real binary is fetched over HTTPS, installed,
// and bootstrapped.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { version } from "../../package.json";
import { shells } from "../install/installing.ts";
import { type Made, makeKeys, makeRelease, sha256 } from "../install/release.ts";
import { suites } from "./base.ts";
import { type CiServer, standsFor } from "./ci-server.ts";
import { base, oneLine, target } from "./one-line.ts";
import { testsOn } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-release-`);
const binary = `${import.meta.dir}/../../dist/linux-x64/edox-ops`;
const deb = `edox-ops_${version}_amd64.deb`;
let made: Made;

beforeAll(() => {
  mkdirSync(`${dir}/served`);
  made = makeRelease(`${dir}/served`, version, binary, base, makeKeys(dir));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

for (const suite of suites) {
  describe(`install on a bare ${suite}`, () => {
    const on = testsOn(suite);
    let host: TestHost;
    let server: CiServer;
    beforeAll(async () => {
      host = await TestHost.up(suite);
      server = await standsFor(host, `${dir}/served`);
    });
    afterAll(() => {
      server?.[Symbol.dispose]();
      host?.down();
    });

    const installedSum = (): string => host.run(["sha256sum", target]).stdout.slice(0, 64);

    test("install: a host without a download program is reported, and a copied package can be installed there", () => {
      host.put(`${made.folder}/install.sh`, "/root/install.sh");
      const nothing = host.run(["sh", "/root/install.sh"]);
      expect(nothing).toMatchObject({ code: 1, stdout: "" });
      expect(nothing.stderr).toStartWith(
        "error: nothing here fetches files: neither curl nor wget\nhint: sudo apt-get ",
      );
      host.put(`${made.folder}/${deb}`, `/root/${deb}`);
      const ended = host.sh(`cd /root && EDOX_OFFLINE_FILE=${deb} sh install.sh --version`);
      expect(ended).toEqual({
        code: 0,
        stdout: `edox-ops ${version} is installed: ${target}\n${version}\n`,
        stderr: "",
      });
      expect(installedSum()).toBe(sha256(binary));
      host.run(["rm", target]);
    });

    test("install: one line installs and bootstraps the host, and doctor passes", () => {
      oneLine(host, suite, deb);
      expect(installedSum()).toBe(sha256(binary));
      expect(host.sh("ls -A /usr/local/bin").stdout).toBe("edox-ops\n");
      expect(host.run(["edox-ops", "doctor"]).stdout).toEndWith("Doctor: host looks ready.\n");
    });

    test("install: a second run fetches only the script", async () => {
      const before = (await server.asked()).length;
      const line = `curl -fsSL ${base}/permalink/latest/downloads/install.sh | sh`;
      expect(host.sh(line)).toEqual({
        code: 0,
        stdout: `edox-ops ${version} is installed already: ${target}\nnext: edox-ops bootstrap --yes\n`,
        stderr: "",
      });
      expect((await server.asked()).slice(before)).toEqual(["/permalink/latest/downloads/install.sh"]);
    });

    test("install: a single flipped bit is detected, and the old program stays", async () => {
      host.sh(`printf x >>${target}`);
      const before = installedSum();
      const spoiled = `${dir}/spoiled-${suite}`;
      mkdirSync(`${spoiled}/v${version}/downloads`, { recursive: true });
      const bytes = await Bun.file(`${made.folder}/${deb}`).bytes();
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await Bun.write(`${spoiled}/v${version}/downloads/${deb}`, bytes);
      await server.swap(spoiled);
      const { code, stderr } = host.sh("sh /root/install.sh");
      await server.swap(`${dir}/served`);
      expect(stderr).toContain(`error: ${deb} does not have the checksum of edox-ops ${version}`);
      expect([code, installedSum()]).toEqual([1, before]);
      host.run(["rm", target]);
    });

    for (const [name, shell] of Object.entries(shells)) {
      on(
        "bookworm",
        `install by ${name}: one line installs and bootstraps, a page is served, and the uninstallation is complete`,
        () => {
          host.put(Bun.which("busybox") ?? "", "/usr/bin/busybox");
          const line = `curl -fsSL ${base}/permalink/latest/downloads/install.sh | ${shell.join(" ")} -s -- bootstrap --yes`;
          const { code, stdout } = host.sh(`set -o pipefail; ${line}`);
          expect([code, installedSum()]).toEqual([0, sha256(binary)]);
          expect(stdout).toEndWith("Bootstrap installation phase completed successfully.\n");
          const page = `the page by ${name}`;
          const publish = "edox-ops project publish demo --domain demo.test --source /srv/site";
          const made = host.sh(`mkdir -p /srv/site && echo '${page}' >/srv/site/index.html && ${publish}`);
          expect(made).toMatchObject({ code: 0, stderr: "" });
          expect(host.sh("curl -fsS --resolve demo.test:80:127.0.0.1 http://demo.test/").stdout).toBe(`${page}\n`);
          expect(host.run(["edox-ops", "project", "remove", "demo", "--delete-files", "--yes"]).code).toBe(0);
          expect(host.run(["edox-ops", "uninstall", "--yes"]).stdout).toEndWith(
            "edox-ops is uninstalled; what it set up is kept.\n",
          );
          expect(host.sh("ls -A /usr/local/bin /var/www/docs").stdout).not.toMatch(/edox-ops$|demo/m);
        },
      );
    }
  });
}
