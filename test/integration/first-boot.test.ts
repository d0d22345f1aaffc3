// The first boot of a card, on which cloud-init runs edox-ops: in the unit of its last stage on bookworm, and in one unit
// for all stages on trixie. An edox-ops that waits for cloud-init to end would wait for ten minutes.

import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Suite, suites } from "./base.ts";
import {
  bootDir,
  bundleIn,
  firstBoot,
  fromBundle,
  fromNetwork,
  onCard,
  page,
  pageOf,
  prepareCard,
} from "./first-boot.ts";
import { soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-card-`);
let host: TestHost;
afterEach(() => host?.down());
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function card(suite: Suite): Promise<void> {
  host = await TestHost.up(suite);
  prepareCard(host);
}

/** The short form has the suite of Raspberry Pi OS, and what it installs from. */
for (const suite of soak ? suites : (["trixie"] as const)) {
  test(`first boot: ${suite} without a network installs from the card without a packet, and serves the page`, async () => {
    mkdirSync(`${dir}/${suite}`);
    const bundle = bundleIn(`${dir}/${suite}`, suite, "amd64");
    await card(suite);
    for (const path of await bundle) onCard(host, path);
    host.network("cut");
    const sent = host.packetsSent();
    if (soak) await failsOnline();
    const { code, status, output } = await firstBoot(host, fromBundle);
    expect([code, status, output]).toEqual([0, expect.stringMatching(/^status: done\n/), expect.any(String)]);
    expect(output).not.toContain("waiting");
    expect(pageOf(host)).toBe(page);
    expect(host.packetsSent() - sent).toBe(0);
    expect(host.run(["systemctl", "is-system-running"]).stdout).toBe("running\n");
    if (!soak) return;
    const before = host.listing("/etc", "/var/lib/edox-ops");
    await host.stop();
    expect([host.listing("/etc", "/var/lib/edox-ops"), pageOf(host)]).toEqual([before, page]);
    const again = await firstBoot(host, fromBundle);
    expect([again.code, again.output]).toEqual([0, expect.not.stringMatching(/^changed /m)]);
  });
}

/** The first command that fails ends the others, and cloud-init names it. */
async function failsOnline(): Promise<void> {
  const online = fromBundle.replace(`--bundle ${bootDir}/edox-ops.tar --yes`, "--yes");
  const { code, status, output } = await firstBoot(host, online);
  expect([code, status]).toEqual([1, expect.stringMatching(/^status: error\n/)]);
  expect(status).toContain("scripts-user");
  expect(output).toMatch(/^error: packages\.install: apt-get could not install nginx, git, curl/m);
  expect(output).toMatch(/^hint: /m);
  expect(output).not.toContain("docs.example.org");
}

if (soak) {
  for (const suite of suites) {
    test(`first boot: ${suite} with a network installs after the packages of its user-data, and serves the page`, async () => {
      await card(suite);
      host.put(`${import.meta.dir}/../../dist/linux-x64/edox-ops`, "/usr/local/bin/edox-ops");
      onCard(host, sitePath());
      const { code, status, output } = await firstBoot(host, `packages:\n- tree\n${fromNetwork}`);
      expect([code, status, output]).toEqual([0, expect.stringMatching(/^status: done\n/), expect.any(String)]);
      expect(output).not.toContain("waiting");
      const at = (text: string): number => output.indexOf(text);
      expect(at("Setting up tree")).toBeGreaterThan(0);
      expect(at("changed  packages.install")).toBeGreaterThan(at("Setting up tree"));
      expect(pageOf(host)).toBe(page);
    });
  }
}

function sitePath(): string {
  mkdirSync(`${dir}/public`, { recursive: true });
  writeFileSync(`${dir}/public/index.html`, page);
  return `${dir}/public`;
}
