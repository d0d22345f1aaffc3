// Signals during a first run on real hosts: dpkg stops gracefully, the run prints how to continue, and the next one
// succeeds.

import { afterEach, describe, expect, test } from "bun:test";
import { TestHost } from "./test-host.ts";

let host: TestHost;
afterEach(() => host?.down());

function endsWell(): void {
  expect(host.run(["dpkg", "--audit"]).stdout).toBe("");
  expect(host.run(["edox-ops", "bootstrap", "--yes"])).toMatchObject({ code: 0, stderr: "" });
  expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
}

const inDpkg = "ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1";

/** Returns the exit code and stderr of a run that receives this signal as soon as the shell condition is true. */
function signalled(signal: string, condition: string): { code: number; stderr: string } {
  // The run is started through env, because a shell starts background jobs with SIGINT ignored.
  const { stdout, stderr } = host.sh(`
    env --default-signal=INT edox-ops bootstrap --yes >/dev/null & run=$!
    until ${condition}; do kill -0 $run || exit 1; done
    kill -${signal} $run; wait $run; echo $?`);
  // A slow machine needs time for the package in progress.
  return { code: Number(stdout), stderr: stderr.replace(/^interrupted by SIG\w+: still waiting for .*\n/gm, "") };
}

describe("signal: inside dpkg", () => {
  for (const [signal, code] of [
    ["HUP", 129],
    ["INT", 130],
    ["TERM", 143],
  ] as const) {
    test(`signal: on SIG${signal} dpkg stops gracefully, the exit code is ${code}, and the last line is the command to continue`, async () => {
      host = await TestHost.bare();
      expect(signalled(signal, inDpkg)).toEqual({
        code,
        stderr: `error: packages.install: interrupted by SIG${signal}\nhint: edox-ops bootstrap --yes\n`,
      });
      endsWell();
    });
  }

  test("signal: a closed terminal leaves no broken host", async () => {
    host = await TestHost.bare();
    host.sh(`
      script -qec 'edox-ops bootstrap --yes' /dev/null >/dev/null & terminal=$!
      until ${inDpkg}; do kill -0 $terminal || exit 1; done; kill -KILL $terminal
      while pgrep -x edox-ops >/dev/null; do :; done`);
    expect(host.run(["pgrep", "-x", "dpkg"]).code).toBe(1);
    expect(host.sh("tail -1 /var/log/edox-ops/bootstrap.log").stdout).toContain(
      "REASON packages.install interrupted by SIGHUP",
    );
    endsWell();
  });
});

test("signal: SIGINT stops apt-get immediately while it fetches lists", async () => {
  host = await TestHost.bare();
  const { code } = signalled("INT", "pgrep -x apt-get >/dev/null");
  expect(code).toBe(130);
  expect(host.run(["pgrep", "-x", "apt-get"]).code).toBe(1);
  endsWell();
});

test("signal: an apt that survives the SIGKILL of its run is waited for and reported", async () => {
  host = await TestHost.bare();
  // The run is started outside a unit, because systemd kills all processes of one.
  host.raw([
    "/bin/bash",
    "-c",
    `edox-ops bootstrap --yes >/dev/null 2>&1 & run=$!; until ${inDpkg}; do kill -0 $run || exit 1; done; kill -KILL $run`,
  ]);
  const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^waiting at most 10 min until no other apt or dpkg is running: .+ is held by (apt-get|\/usr\/bin\/dpkg) .+ \(pid \d+\)\n$/,
  );
  endsWell();
});
