// Tests the self-test of a runner on a real engine, which runs another one in a privileged container.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { CiHost } from "./ci-host.ts";
import { dindArchive } from "./dind-image.ts";

let ci: CiHost;
let image: string;
beforeAll(async () => {
  // The engine of Debian 12 needs a capability for it that a test machine may not have.
  ci = await CiHost.up("trixie", { tls: false });
  expect(ci.prepare().code).toBe(0);
  image = await dindArchive(ci.host);
  ci.secret("token", await ci.gitlab.addRunner());
  const words = ["gitlab-runner", "register", "--url", ci.gitlab.url, "--profile", "ci", "--token-file", "/root/token"];
  expect(ci.ops(...words).code).toBe(0);
});
afterAll(() => ci?.[Symbol.dispose]());

/** Returns everything that a self-test might have left. */
const left = (): string => ci.host.sh("docker ps -aq; docker volume ls -q; docker network ls -q -f type=custom").stdout;

test("selftest: it runs a daemon over TLS, builds an image in it, and measures a transfer", () => {
  const { code, stdout } = ci.ops("gitlab-runner", "selftest", "--image", image);
  expect([code, stdout.match(/^\[\w+\] \w+/gm)]).toEqual([
    0,
    ["[OK] daemon", "[OK] privileged", "[OK] build", "[OK] transfer"],
  ]);
  expect(stdout).toContain("with packets of 1500");
  expect(stdout).toContain('services: ["docker:29-dind"]');
  expect(left()).toBe("");
});

test("selftest: it finds the usable MTU where longer packets are lost without an error", () => {
  // The outgoing link has an MTU of 1400, and the ICMP messages about it are dropped.
  const hole = "OUTPUT -p icmp -j DROP";
  expect(ci.host.sh(`iptables -I ${hole}`).code).toBe(0);
  const { code, stdout } = ci.ops("gitlab-runner", "selftest", "--image", image, "--json");
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { outcome: "ok", selftest: { mtu: 1400 } }]);
  expect(ci.host.sh(`iptables -D ${hole}`).code).toBe(0);
});

test("selftest: settings that cannot work are reported with the error of a job", () => {
  const config = "/etc/gitlab-runner/config.toml";
  for (const [edit, said] of [
    ["s#, ./certs/client.##", "there is no certificate: does volumes have /certs/client?"],
    ["s#privileged = true#privileged = false#", "[FAIL] daemon: "],
  ] as const) {
    ci.host.sh(`cp ${config} /root/kept; sed -i '${edit}' ${config}`);
    const { code, stdout } = ci.ops("gitlab-runner", "selftest", "--image", image);
    expect([code, stdout]).toEqual([1, expect.stringContaining(said)]);
    ci.host.sh(`cp /root/kept ${config}`);
  }
  expect(left()).toBe("");
});

test("selftest: a run that a signal interrupts leaves nothing, and the next run removes what a killed one left", () => {
  const script = (signal: string) =>
    `edox-ops gitlab-runner selftest --image ${image} & until [ "$(docker ps -q | wc -l)" = 2 ]; do sleep 0.1; done; kill -${signal} $!; wait $!`;
  expect(ci.host.sh(script("INT")).code).toBe(130);
  expect(left()).toBe("");
  expect(ci.host.sh(script("KILL")).code).toBe(137);
  expect(left()).not.toBe("");
  expect(ci.ops("gitlab-runner", "selftest", "--image", "/etc/hostname").code).toBe(1);
  expect(left()).toBe("");
});

test("selftest: the second of two runs names the first and exits 75, and neither leaves anything", () => {
  const command = `edox-ops gitlab-runner selftest --image ${image}`;
  const { stdout } =
    ci.host.sh(`${command} >/root/first 2>&1 & until [ "$(docker ps -q | wc -l)" = 2 ]; do sleep 0.1; done
    ${command} 2>&1; echo "second $?"; wait $!; echo "first $?"`);
  expect(stdout).toMatch(
    /error: another run holds the lock: edox-ops gitlab-runner selftest .*\n(.*\n)*second 75\nfirst 0\n$/,
  );
  expect(left()).toBe("");
});

test("uninstall --docker: a running container keeps its engine until --force, and doctor then reports no fault", () => {
  ci.host.sh(`docker load -q -i ${image}; docker run -d --name web --entrypoint sleep docker:29-dind 1000`);
  const words = ["gitlab-runner", "uninstall", "--docker"];
  for (const more of ["--yes", "--dry-run"]) {
    const { code, stdout, stderr } = ci.ops(...words, more);
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining("would lose their engine: web; --force")]);
  }
  expect(ci.host.sh("docker inspect -f '{{.State.Running}}' web; systemctl is-active gitlab-runner").stdout).toBe(
    "true\nactive\n",
  );
  const { code, stdout } = ci.ops(...words, "--force", "--yes");
  expect([code, stdout]).toEqual([0, expect.stringContaining("would lose their engine: web")]);
  expect(ci.host.sh("ls /run/docker.sock 2>&1").code).not.toBe(0);
  expect(ci.ops("doctor").stdout).toMatch(/^\[OK\] ci-runner:docker: not configured/m);
});
