// Why a service does not run: systemctl prints only that it failed, and its journal says the rest.

import { describe, expect, test } from "bun:test";
import { converge } from "../../src/engine/converge.ts";
import type { Resource } from "../../src/engine/step.ts";
import { dockerRuns } from "../../src/recipes/docker.ts";
import { nginxService } from "../../src/recipes/nginx.ts";
import { runnerRuns } from "../../src/runner/service.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const services: [string, Resource][] = [
  ["docker", dockerRuns],
  ["gitlab-runner", runnerRuns],
  ["nginx", nginxService([])],
];

/** An enabled service that prints `own` to its journal, and about which systemd prints `systemd`. */
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

async function problemOf(host: FakeHost, resource: Resource) {
  const [result] = await converge([{ id: "service", title: "", wants: [resource] }], host, { act: host });
  return result?.problem;
}

for (const [unit, resource] of services) {
  describe(`service ${unit}`, () => {
    test(`${unit}: a failed start reports the last lines of its own processes`, async () => {
      const host = hostWith(unit, 1, "loading\nmy port is taken\n", "Failed with result 'exit-code'.\n");
      expect(await problemOf(host, resource)).toMatchObject({
        message: `systemctl reload-or-restart ${unit} failed`,
        stderr: `Job for ${unit}.service failed.\nloading\nmy port is taken\n`,
      });
    });

    test(`${unit}: a failed start of which no process ran reports what systemd says`, async () => {
      const host = hostWith(unit, 1, "", "Failed at step EXEC spawning /usr/bin/x: No such file or directory\n");
      expect((await problemOf(host, resource))?.stderr).toContain("spawning /usr/bin/x: No such file or directory\n");
    });

    test(`${unit}: one that starts and ends at once reports its last lines`, async () => {
      const problem = await problemOf(hostWith(unit, 0, "a setting is invalid\n", ""), resource);
      expect(problem).toMatchObject({
        code: "still-differs",
        message: expect.stringMatching(new RegExp(`^${unit} is not active, .*: a setting is invalid$`)),
      });
    });
  });
}

for (const [unit, resource] of services.filter(([unit]) => unit !== "gitlab-runner")) {
  test(`service ${unit}: a running one that refuses to reload reports its last lines`, async () => {
    const host = hostWith(unit, 1, "the new file is invalid\n", "");
    host.link(`/run/systemd/units/invocation:${unit}.service`, "0");
    expect((await problemOf(host, resource))?.stderr).toContain("the new file is invalid\n");
  });
}
