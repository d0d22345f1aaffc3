// A network that is missing, fails during a run, loses packets or is slow: a run succeeds late, or reports what it
// could not reach. With the network restored the next run succeeds, and the host equals that of an uninterrupted run.

import { afterEach, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { soak } from "./rounds.ts";
import type { Ended } from "./run.ts";
import { TestHost } from "./test-host.ts";
import { changeable, endsWell, undisturbed } from "./undisturbed.ts";

let host: TestHost;
afterEach(() => host?.down());

const bootstrap = ["edox-ops", "bootstrap", "--yes"];
const failed = "error: packages.install: apt-get could not install nginx, git, curl, rsync, ca-certificates";
const unreachable =
  /Cannot initiate the connection to gateway:\d+ \([\d.]+\)\. - connect \(101: Network is unreachable\)/;

test("network: a missing network or name server is reported as the reason, and nothing is changed", async () => {
  host = await TestHost.bare();
  const before = changeable(host);
  host.network("cut");
  const cut = firstLine(host.run(bootstrap));
  expect(cut).toStartWith(`1 ${failed}; these sources failed: Failed to fetch http://`);
  expect(cut).toMatch(new RegExp(`/Release and 2 more: ${unreachable.source}$`));
  host.sh(`mv /etc/apt/apt.conf.d/90cache /etc/apt/sources.list /root
    sed 's#http://[^/ ]*#http://mirror.test#' /root/sources.list >/etc/apt/sources.list`);
  const nameless = firstLine(host.run(bootstrap));
  expect(nameless).toStartWith(`1 ${failed}; these sources failed: Failed to fetch http://mirror.test/`);
  expect(nameless).toEndWith("/InRelease and 2 more: Temporary failure resolving 'mirror.test'");
  host.sh("mv /root/90cache /etc/apt/apt.conf.d/; mv /root/sources.list /etc/apt/");
  expect(changeable(host)).toBe(before);
  host.network("up");
  endsWell(host, await undisturbed("bookworm"));
});

test("network: an outage during the download of packages is reported with the missing files", async () => {
  host = await TestHost.bare();
  const before = changeable(host);
  const run = fetching();
  host.network("cut");
  const said = firstLine(run.ended());
  expect(said).toStartWith(`1 ${failed}: Failed to fetch http://`);
  expect(said).toMatch(unreachable);
  expect(changeable(host)).toBe(before);
  host.network("up");
  endsWell(host, await undisturbed("bookworm"));
});

test("network: a run survives a temporary outage during the download of packages", async () => {
  host = await TestHost.bare();
  const run = fetching();
  host.network("cut");
  await Bun.sleep(3000);
  host.network("up");
  expect(run.ended()).toEqual({ code: 0, stderr: "" });
  endsWell(host, await undisturbed("bookworm"));
});

if (soak) {
  for (const suite of suites) {
    for (const state of ["lossy", "slow"] as const) {
      test(`network: a ${state} line on ${suite} only delays the run`, async () => {
        host = await TestHost.bare(suite);
        host.network(state);
        endsWell(host, await undisturbed(suite));
      });
    }

    test(`network: on ${suite} a run times out if every packet is lost`, async () => {
      host = await TestHost.bare(suite);
      host.network("lost");
      expect(firstLine(host.run(bootstrap))).toMatch(/: Failed to fetch .+: (Could not|Unable to) connect to gateway/);
      host.network("up");
      endsWell(host, await undisturbed(suite));
    });
  }
}

function firstLine({ code, stderr }: Pick<Ended, "code" | "stderr">): string {
  return `${code} ${stderr.split("\n").find((line) => line.startsWith("error: "))}`;
}

/** Starts a run and returns when it has begun to fetch packages, over a slow line. */
function fetching(): { ended(): Pick<Ended, "code" | "stderr"> } {
  host.sh("apt-get update -qq");
  host.network("slow");
  const flags = ["--quiet", "--unit=victim", "--remain-after-exit", "-p", "StandardError=file:/root/said"];
  host.raw(["systemd-run", ...flags, "-p", "RuntimeMaxSec=300", ...bootstrap]);
  const running = '[ "$(systemctl show -P SubState victim)" = running ]';
  host.raw([
    "/bin/sh",
    "-c",
    `while ${running} && ! ls /var/cache/apt/archives/partial/*.deb >/dev/null 2>&1; do sleep 0.1; done`,
  ]);
  return {
    ended() {
      host.raw(["/bin/sh", "-c", `while ${running}; do sleep 0.1; done`]);
      const code = Number(host.raw(["systemctl", "show", "-P", "ExecMainStatus", "victim"]).stdout);
      return { code, stderr: host.raw(["cat", "/root/said"]).stdout };
    },
  };
}
