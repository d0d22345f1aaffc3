// The release on a host of arm64, from its installer to a page that is read: a real systemd, Debian's own packages, and
// an emulated processor. Commands that edox-ops starts get a clean environment, and with it all that qemu can compute;
// edox-ops itself has the instructions of that processor alone.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { version } from "../../package.json";
import { makeKeys, makeRelease, sha256 } from "../install/release.ts";
import { type CiServer, standsFor } from "../integration/ci-server.ts";
import { base, oneLine, target } from "../integration/one-line.ts";
import { figure } from "../integration/rounds.ts";
import { TestHost } from "../integration/test-host.ts";

const binary = `${import.meta.dir}/../../dist/linux-arm64/edox-ops`;
/** From the kernel's <asm/hwcap.h> of arm64: instructions that came with the processors after the oldest. */
const HWCAP_ATOMICS = 1 << 8;
/** The first time, the host's packages are unpacked by an emulated processor. */
const makingMs = 3_600_000;

const dir = mkdtempSync(`${tmpdir()}/edox-release-`);
let host: TestHost;
let server: CiServer;
beforeAll(async () => {
  mkdirSync(`${dir}/served`);
  makeRelease(`${dir}/served`, version, binary, base, makeKeys(dir), "arm64");
  host = await TestHost.up("bookworm", { architecture: "arm64" });
  server = await standsFor(host, `${dir}/served`);
}, makingMs);
afterAll(() => {
  server?.[Symbol.dispose]();
  host?.down();
  rmSync(dir, { recursive: true, force: true });
});

test("its system is of arm64, and its processor the oldest that is supported", () => {
  expect(host.run(["dpkg", "--print-architecture"]).stdout).toBe("arm64\n");
  const { stdout } = host.run(["env", "LD_SHOW_AUXV=1", "true"]);
  const capabilities = Number.parseInt(/^AT_HWCAP: +([\da-f]+)$/m.exec(stdout)?.[1] ?? "", 16);
  expect(capabilities).toBeGreaterThan(0);
  expect(capabilities & HWCAP_ATOMICS).toBe(0);
});

test("one line installs the binary of arm64 and bootstraps, and doctor finds it well", () => {
  oneLine(host, "bookworm, emulated arm64", `edox-ops_${version}_arm64.deb`);
  expect(host.run(["sha256sum", target]).stdout.slice(0, 64)).toBe(sha256(binary));
  const { code, stdout } = host.run(["edox-ops", "doctor", "--strict"]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/Doctor: host looks ready\.\n$/)]);
});

test("a site is published, and its page is read from nginx", () => {
  host.sh("mkdir /srv/site && echo '<h1>It is served</h1>' >/srv/site/index.html");
  const publish = ["project", "publish", "demo", "--domain", "demo.test", "--source", "/srv/site"];
  expect(host.run(["edox-ops", ...publish])).toMatchObject({ code: 0, stderr: "" });
  const { stdout } = host.run(["curl", "-sS", "--resolve", "demo.test:80:127.0.0.1", "http://demo.test/"]);
  expect(stdout).toBe("<h1>It is served</h1>\n");
  expect(host.run(["edox-ops", "doctor"]).stdout).toEndWith("Doctor: host looks ready.\n");
});

test("uninstall removes all of it", () => {
  expect(host.run(["edox-ops", "project", "remove", "demo", "--delete-files", "--yes"]).code).toBe(0);
  expect(host.run(["edox-ops", "uninstall", "--yes"]).stdout).toEndWith(
    "edox-ops is uninstalled; what it set up is kept.\n",
  );
  expect(host.sh("ls -A /usr/local/bin").stdout).toBe("");
  figure("installer to page, emulated arm64", "bookworm", 1, "well");
});
