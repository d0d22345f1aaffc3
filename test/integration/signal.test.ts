// Signals to a first run on real hosts: dpkg ends in order, the run says how to go on, and the next one ends well.

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

/** The exit code and stderr of a run that gets this signal as soon as the shell condition holds. */
function signalled(signal: string, condition: string): { code: number; stderr: string } {
  // Through env, since a shell starts what it puts in the background deaf to SIGINT.
  const { stdout, stderr } = host.sh(`
    env --default-signal=INT edox-ops bootstrap --yes >/dev/null & run=$!
    until ${condition}; do kill -0 $run || exit 1; done
    kill -${signal} $run; wait $run; echo $?`);
  // A slow machine takes its time with the packages in hand.
  return { code: Number(stdout), stderr: stderr.replace(/^interrupted by SIG\w+: still waiting for .*\n/gm, "") };
}

describe("inside dpkg", () => {
  for (const [signal, code] of [
    ["HUP", 129],
    ["INT", 130],
    ["TERM", 143],
  ] as const) {
    test(`SIG${signal}: dpkg ends in order, exit ${code}, and the last line is what to type`, async () => {
      host = await TestHost.bare();
      expect(signalled(signal, inDpkg)).toEqual({
        code,
        stderr: `error: packages.install: interrupted by SIG${signal}\nhint: edox-ops bootstrap --yes\n`,
      });
      endsWell();
    });
  }

  test("a terminal that goes away does not leave a broken host", async () => {
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

test("while lists are fetched, SIGINT ends apt-get at once", async () => {
  host = await TestHost.bare();
  const { code } = signalled("INT", "pgrep -x apt-get >/dev/null");
  expect(code).toBe(130);
  expect(host.run(["pgrep", "-x", "apt-get"]).code).toBe(1);
  endsWell();
});

test("after SIGKILL an apt that lives on is waited for and named", async () => {
  host = await TestHost.bare();
  // Outside of a unit, since systemd ends all children of one.
  host.raw([
    "/bin/bash",
    "-c",
    `edox-ops bootstrap --yes >/dev/null 2>&1 & run=$!; until ${inDpkg}; do :; done; kill -KILL $run`,
  ]);
  const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^waiting at most 10 min until no other apt or dpkg is running: .+ is held by (apt-get|\/usr\/bin\/dpkg) .+ \(pid \d+\)\n$/,
  );
  endsWell();
});
