// A card for a Raspberry Pi, on an emulated arm64 host whose network is down from before its first boot.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { bundleIn, firstBoot, fromBundle, onCard, page, pageOf, prepareCard } from "../integration/first-boot.ts";
import { figure } from "../integration/rounds.ts";
import { TestHost } from "../integration/test-host.ts";

/** The first time, the host's packages are unpacked by an emulated processor. */
const makingMs = 3_600_000;

const dir = mkdtempSync(`${tmpdir()}/edox-card-`);
let host: TestHost;
beforeAll(async () => {
  const bundle = bundleIn(dir, "bookworm", "arm64");
  host = await TestHost.up("bookworm", { architecture: "arm64" });
  prepareCard(host);
  for (const path of await bundle) onCard(host, path);
  host.network("cut");
}, makingMs);
afterAll(() => {
  host?.down();
  rmSync(dir, { recursive: true, force: true });
});

test(
  "first boot: an emulated arm64 host without a network installs from the card and serves the page",
  async () => {
    const sent = host.packetsSent();
    const { code, status, output } = await firstBoot(host, fromBundle);
    expect([code, status, output]).toEqual([0, expect.stringMatching(/^status: done\n/), expect.any(String)]);
    expect(output).not.toContain("waiting");
    expect(pageOf(host)).toBe(page);
    expect(host.run(["edox-ops", "doctor"]).stdout).toEndWith("Doctor: host looks ready.\n");
    expect(host.packetsSent() - sent).toBe(0);
    figure("first boot from a card, emulated arm64", "bookworm", 1, "well");
  },
  makingMs,
);
