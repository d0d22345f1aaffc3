// The checks of the disk of a runner, and of its cleanup.

import { expect, test } from "bun:test";
import { runnerChecks } from "../../../src/runner/checks.ts";
import { disk, units } from "../../../src/runner/cleanup/checks.ts";
import { eventsUnit, timerUnit } from "../../../src/runner/cleanup/units.ts";
import { cleanupPath } from "../../../src/runner/paths.ts";
import { typed } from "../../cli/typed.ts";
import { preparedRunner } from "../prepared-runner.ts";
import { addDocker } from "./fake-docker.ts";

async function prepared() {
  const { host, ops } = await preparedRunner();
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  return { host, ops, docker: addDocker(host) };
}

test("doctor: the disk of containerd is checked where Docker stores its images there", async () => {
  const { host, docker } = await prepared();
  host.put("/proc/self/mounts", "/dev/a / ext4\n/dev/b /var/lib/containerd ext4\n");
  docker.containerd = { free: 0.5 * 1024 ** 3 };
  expect(await disk(host)).toMatchObject({
    status: "error",
    detail: "46.6 GiB free for Docker in /var/lib/docker; 0.5 GiB free for Docker in /var/lib/containerd",
  });
  host.put("/etc/containerd/config.toml", 'version = 2\nroot = "/srv/containerd"\n');
  expect(await disk(host)).toMatchObject({ status: "ok", detail: "46.6 GiB free for Docker in /var/lib/docker" });
});

test("doctor: without a cleanup less than 5 GiB is a warning that names the cleanup, and with one less than it keeps", async () => {
  const { host, docker } = await prepared();
  docker.free = 4 * 1024 ** 3;
  const enable = ["sudo", "edox-ops", "gitlab-runner", "cleanup", "enable", "--yes"];
  expect(await disk(host)).toMatchObject({ status: "warning", hint: enable });
  const keep = (bytes: number) =>
    host.put(cleanupPath, JSON.stringify({ keep: { bytes }, unused_for_days: null }), { mode: 0o600 });
  keep(3 * 1024 ** 3);
  expect((await disk(host)).status).toBe("ok");
  keep(20 * 1024 ** 3);
  expect(await disk(host)).toMatchObject({ status: "warning", hint: ["sudo", "docker", "system", "df"] });
  docker.free = 0.9 * 1024 ** 3;
  expect((await disk(host)).status).toBe("error");
});

test("doctor: an enabled cleanup is checked, and one that is not enabled is not set up", async () => {
  const { host, ops } = await prepared();
  expect((await units(host)).status).toBe("not-set-up");
  await ops("cleanup", "enable", "--yes");
  expect(await units(host)).toMatchObject({
    status: "ok",
    detail: `${timerUnit} and ${eventsUnit} are enabled and active`,
  });
  const faults: [string, () => void][] = [
    [`${eventsUnit} is inactive`, () => void host.nodes.delete(`/run/systemd/units/invocation:${eventsUnit}`)],
    ["runs /usr/local/bin/edox-ops, which is missing", () => host.remove("/usr/local/bin/edox-ops")],
  ];
  for (const [detail, damage] of faults) {
    damage();
    expect(await units(host)).toMatchObject({ status: "warning", detail: expect.stringContaining(detail) });
  }
});

test("cleanup enable: on a host with Docker and without a runner it warns, and doctor shows the cleanup and its disk", async () => {
  const { host } = await prepared();
  const status = host.text("/var/lib/dpkg/status") ?? "";
  host.put("/var/lib/dpkg/status", status.replace(/^Package: gitlab-runner$/m, "Package: other"));
  const applying = () => runnerChecks(host).filter(({ appliesTo }) => appliesTo?.(host) ?? true);
  expect(applying()).toEqual([]);
  const { exit, out, err } = await typed("gitlab-runner cleanup enable --yes", host);
  expect([exit, out + err]).toEqual([0, expect.stringContaining("GitLab Runner is not installed")]);
  expect(applying().map(({ name }) => name)).toEqual(["ci-runner:disk", "ci-runner:cleanup"]);
  const { findings } = JSON.parse((await typed("doctor --json", host)).out);
  expect(findings.find(({ name }: { name: string }) => name === "ci-runner:cleanup")).toMatchObject({
    status: "ok",
    detail: expect.stringContaining("GitLab Runner is not installed: without its jobs, nothing is removed"),
  });
});
