// SIGKILL, children too, at each step's boundary: the next run ends well, with the host of an undisturbed run.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TestHost } from "./test-host.ts";

const binary = `${import.meta.dir}/../../dist/linux-x64/edox-ops`;
const ours = ["/etc/edox-ops", "/etc/nginx", "/var/www", "/etc/systemd/system/multi-user.target.wants"];
const boundaries = [
  "packages.install START",
  "packages.install SUCCESS",
  "site.directories SUCCESS",
  "nginx.prepare SUCCESS",
];

async function bare(): Promise<TestHost> {
  const host = await TestHost.up("bookworm");
  host.put(binary, "/usr/local/bin/edox-ops");
  return host;
}

describe("killed", () => {
  let undisturbed = "";
  let host: TestHost | undefined;
  beforeAll(async () => {
    using first = await bare();
    expect(first.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    undisturbed = first.listing(...ours);
  });
  afterAll(() => host?.down());

  for (const boundary of boundaries) {
    test(`at "${boundary}", the next run brings the same host`, async () => {
      host = await bare();
      const script = [
        "systemd-run --quiet --unit=victim edox-ops bootstrap --yes",
        `until grep -qs "STEP ${boundary}" /var/log/edox-ops/bootstrap.log; do :; done`,
        "systemctl kill -s KILL --kill-whom=all victim",
        "while systemctl is-active -q victim; do :; done",
      ];
      host.raw(["/bin/bash", "-c", script.join("\n")]);
      expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
      expect(host.listing(...ours)).toBe(undisturbed);
      expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
      host.down();
    });
  }
});
