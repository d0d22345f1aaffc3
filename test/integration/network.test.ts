// A network that is not there, ends in the middle, loses packets or is slow: a run ends well, only later, or it says
// what it could not reach. With the network back the next run ends well, and the host is that of an undisturbed run.

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

test("without a network or a name server that is the reason, and nothing is changed", async () => {
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

test("cut while packages come, and not given back, it says what did not come", async () => {
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

test("cut while packages come, and given back, the same run ends well", async () => {
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
      test(`a ${state} line takes longer on ${suite}, and no more`, async () => {
        host = await TestHost.bare(suite);
        host.network(state);
        endsWell(host, await undisturbed(suite));
      });
    }

    test(`where every packet is lost it gives up on ${suite}`, async () => {
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

/** A run that has begun to fetch packages, over a slow line. */
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
