// Why a service does not run: systemctl prints only that it failed, and the journal contains the reason.

import { describe, expect, test } from "bun:test";
import { dockerRuns } from "../../src/docker/recipe.ts";
import { converge } from "../../src/engine/converge.ts";
import type { Resource } from "../../src/engine/step.ts";
import { nginxService } from "../../src/nginx/recipe.ts";
import { runnerRuns } from "../../src/runner/service.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const services: [string, Resource][] = [
  ["docker", dockerRuns],
  ["gitlab-runner", runnerRuns],
  ["nginx", nginxService([])],
];

/**
 * Returns a host with an enabled service that logs `own`, and about which systemd logs `systemd`. The newest line comes
 * first.
 */
function hostWith(unit: string, code: number, own: string, systemd: string): FakeHost {
  const host = fakeDebian();
  host.link(`/etc/systemd/system/multi-user.target.wants/${unit}.service`, `/lib/systemd/system/${unit}.service`);
  host.taught.unshift((argv) => {
    if (argv.includes(`_SYSTEMD_UNIT=${unit}.service`)) return ok(own);
    if (argv.includes(`--unit=${unit}.service`)) return ok(systemd);
    if (argv[0] === "nginx") return ok();
    if (argv.join(" ") !== `systemctl reload-or-restart ${unit}`) return undefined;
    return { code, stdout: "", stderr: code === 0 ? "" : `Job for ${unit}.service failed.\n` };
  });
  return host;
}

const showState = (unit: string): string =>
  `systemctl show --property=ActiveState --property=SubState --property=RestartUSec ${unit}`;

async function problemOf(host: FakeHost, resource: Resource) {
  const [result] = await converge([{ id: "service", title: "", resources: [resource] }], host, { act: host });
  return result?.problem;
}

for (const [unit, resource] of services) {
  describe(`service ${unit}`, () => {
    test(`service ${unit}: a failed start reports the last lines of its own processes`, async () => {
      const host = hostWith(unit, 1, "my port is taken\nloading\n", "Failed with result 'exit-code'.\n");
      expect(await problemOf(host, resource)).toMatchObject({
        message: `systemctl reload-or-restart ${unit} failed`,
        stderr: `Job for ${unit}.service failed.\nloading\nmy port is taken\n`,
      });
    });

    test(`service ${unit}: a failed start without any process reports systemd's message`, async () => {
      const host = hostWith(unit, 1, "", "Failed at step EXEC spawning /usr/bin/x: No such file or directory\n");
      expect((await problemOf(host, resource))?.stderr).toContain("spawning /usr/bin/x: No such file or directory\n");
    });

    test(`service ${unit}: the hint of a failed start opens the file that its log names, or shows the state of the unit`, async () => {
      const own = `cannot configure ${unit} with file /etc/${unit}/own.json: invalid character '}'\n`;
      const host = hostWith(unit, 1, own, "");
      expect((await problemOf(host, resource))?.hint).toEqual(["sudo", "systemctl", "status", unit]);
      host.put(`/etc/${unit}/own.json`, "{}}");
      expect((await problemOf(host, resource))?.hint).toEqual(["sudo", "cat", "-n", `/etc/${unit}/own.json`]);
    });

    test(`service ${unit}: a masked unit is refused while it runs, in /etc and in /run`, async () => {
      for (const dir of ["/etc/systemd/system", "/run/systemd/system"]) {
        const host = hostWith(unit, 0, "", "");
        host.link(`/run/systemd/units/invocation:${unit}.service`, "0123");
        host.link(`${dir}/${unit}.service`, "/dev/null");
        expect(await problemOf(host, resource)).toMatchObject({
          message: `${unit} is masked: it runs until it stops, and does not start at boot`,
          hint: ["sudo", "systemctl", "unmask", unit],
        });
      }
    });

    test(`service ${unit}: a service that exits immediately after its start reports its last lines`, async () => {
      const problem = await problemOf(hostWith(unit, 0, "a setting is invalid\n", ""), resource);
      expect(problem).toMatchObject({
        code: "verify-failed",
        message: expect.stringMatching(
          new RegExp(`^${unit} is not active after applying all changes: a setting is invalid$`),
        ),
      });
    });
  });
}

/** Returns a host on which the unit exits `diesAfterMs` after each start, and systemd restarts it after `restartMs`. */
function loopingHost(unit: string, diesAfterMs: number, restartMs: number): FakeHost {
  const host = hostWith(unit, 0, "a setting is invalid\n", "");
  host.put("/run/docker.sock", "");
  const path = `/run/systemd/units/invocation:${unit}.service`;
  let run = 0;
  let next = Number.POSITIVE_INFINITY;
  const start = (): void => {
    host.link(path, `run-${run++}`);
    next = host.now() + diesAfterMs;
  };
  host.taught.unshift((argv) => {
    if (argv.join(" ") !== `systemctl reload-or-restart ${unit}`) return undefined;
    start();
    return ok();
  });
  const { sleep } = host;
  host.sleep = async (ms) => {
    await sleep(ms);
    if (host.now() < next) return;
    if (host.readLink(path) === null) start();
    else {
      host.remove(path);
      next = host.now() + restartMs;
    }
  };
  return host;
}

for (const [unit, resource] of services) {
  describe(`service ${unit} after a start that systemd reports as successful`, () => {
    for (const [what, restartMs] of [
      ["at once", 0],
      ["after a tenth of a second", 100],
      ["after two minutes", 120_000],
    ] as const) {
      test(`service ${unit}: a service that exits soon and is restarted ${what} fails with its last lines`, async () => {
        expect(await problemOf(loopingHost(unit, 300, restartMs), resource)).toMatchObject({
          code: "verify-failed",
          message: expect.stringMatching(
            new RegExp(
              `^${unit} (is not active|has not loaded its configuration|keeps restarting) after applying all changes: a setting is invalid$`,
            ),
          ),
        });
      });
    }
  });
}

for (const [unit, resource] of services) {
  for (const [what, state, leastMs, mostMs] of [
    ["that systemd does not restart", "ActiveState=failed\nSubState=failed\nRestartUSec=100ms\n", 0, 4000],
    ["that systemd restarts in minutes", "ActiveState=activating\nSubState=auto-restart\nRestartUSec=2min\n", 0, 4000],
    ["that systemd restarts soon", "ActiveState=activating\nSubState=auto-restart\nRestartUSec=2s\n", 5000, 10_000],
  ] as const) {
    test(`service ${unit}: a service that exits soon, and ${what}, is awaited ${leastMs} to ${mostMs} ms`, async () => {
      const host = loopingHost(unit, 300, 120_000);
      host.taught.unshift((argv) => (argv.join(" ") === showState(unit) ? ok(state) : undefined));
      const begun = host.now();
      expect((await problemOf(host, resource))?.message).toEndWith(": a setting is invalid");
      expect(host.now() - begun).toBeWithin(leastMs, mostMs);
    });
  }
}

for (const [unit, resource] of services.filter(([unit]) => unit !== "nginx")) {
  test(`service ${unit}: a started service is watched until it has settled, and not again in the next run`, async () => {
    const host = loopingHost(unit, Number.POSITIVE_INFINITY, 0);
    const begun = host.now();
    expect(await problemOf(host, resource)).toBeUndefined();
    expect(host.now() - begun).toBeWithin(1000, 4000);
    const { length } = host.ran;
    const settled = host.now();
    expect(await problemOf(host, resource)).toBeUndefined();
    expect(host.now() - settled).toBeLessThan(50);
    expect(host.ran).toHaveLength(length);
  });
}

for (const [unit, resource] of services.filter(([unit]) => unit !== "gitlab-runner")) {
  test(`service ${unit}: a running service that refuses a reload reports its last lines`, async () => {
    const host = hostWith(unit, 1, "the new file is invalid\n", "");
    host.link(`/run/systemd/units/invocation:${unit}.service`, "0");
    expect((await problemOf(host, resource))?.stderr).toContain("the new file is invalid\n");
  });
}

test("service: a unit that was disabled before its package was removed is enabled when the package comes back", async () => {
  const comes = { kind: "packages" as const, names: ["docker-ce"] };
  const enables = async (host: FakeHost): Promise<boolean> => {
    const changes = await dockerRuns.check(host, [comes], () => {});
    return changes.some((change) => change.kind === "command" && change.argv.join(" ") === "systemctl enable docker");
  };
  const host = fakeDebian();
  expect(await enables(host)).toBe(false);
  host.put("/var/lib/systemd/deb-systemd-helper-enabled/docker.service.dsh-also", "");
  expect(await enables(host)).toBe(true);
  host.link("/etc/systemd/system/multi-user.target.wants/docker.service", "/lib/systemd/system/docker.service");
  expect(await enables(host)).toBe(false);
});
