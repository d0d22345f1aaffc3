// Tests the self-test of a runner on a real engine, which runs another one in a privileged container.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CiHost } from "./ci-host.ts";
import { dindArchive } from "./dind-image.ts";
import { typedHint } from "./typed-hint.ts";

let ci: CiHost;
let image: string;
beforeAll(async () => {
  // The engine of Debian 12 needs a capability for it that a test machine may not have.
  ci = await CiHost.up("trixie", { tls: false });
  expect(ci.prepare().code).toBe(0);
  image = await dindArchive(ci);
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

test("selftest: a file without an image is rejected, and the hint saves one that it accepts", () => {
  // The next tests use the saved one.
  ci.host.sh(`rm ${image}`);
  const { code, stderr } = ci.ops("gitlab-runner", "selftest", "--image", "/etc/hostname");
  expect([code, stderr]).toEqual([1, expect.stringContaining("/etc/hostname contains no image of docker save")]);
  typedHint(ci.host, stderr);
  expect(ci.host.run(["test", "-s", image]).code).toBe(0);
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
    `edox-ops gitlab-runner selftest --image ${image} & until [ "$(docker ps -q | wc -l)" = 2 ]; do kill -0 $! || break; sleep 0.1; done; kill -${signal} $!; wait $!`;
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
    ci.host.sh(`${command} >/root/first 2>&1 & until [ "$(docker ps -q | wc -l)" = 2 ]; do kill -0 $! || break; sleep 0.1; done
    ${command} 2>&1; echo "second $?"; wait $!; echo "first $?"`);
  expect(stdout).toMatch(
    /error: another run holds the lock: edox-ops gitlab-runner selftest .*\n(.*\n)*second 75\nfirst 0\n$/,
  );
  expect(left()).toBe("");
});

describe("hint, typed as printed:", () => {
  const found = (name: string): string =>
    ci
      .ops("doctor")
      .stdout.split("\n")
      .find((line) => line.includes(` ${name}: `)) ?? "";

  test("what fills the disk of Docker is shown", () => {
    /** Reserves the disk but for so many MiB, without writing to it. */
    const reserve = (left: number, name: string): string =>
      `cd /var/lib/docker; fallocate -l $(($(df --output=avail -BM . | tail -1 | tr -d M) - ${left}))M ${name}`;
    try {
      expect(ci.host.sh(reserve(2048, "full")).code).toBe(0);
      const low = found("ci-runner:disk");
      expect(low).toMatch(/^\[WARN\] ci-runner:disk: [12]\.\d GiB free for Docker in \/var\/lib\/docker /);
      expect(typedHint(ci.host, low)).toContain("changed  runner.cleanup.enable");
      expect(found("ci-runner:disk")).toStartWith("[OK] ");
      expect(ci.host.sh(`${reserve(16, "fuller")}; cat /dev/zero >rest`).stderr).toContain("No space left");
      const { code, stderr } = ci.ops("gitlab-runner", "selftest", "--image", image);
      expect([code, stderr]).toEqual([1, expect.stringContaining("Docker has no space left on its disk")]);
      expect(typedHint(ci.host, stderr)).toMatch(/^Images +1 /m);
      // A cleanup has nothing that it may remove: the image was loaded from a file.
      expect(ci.ops("gitlab-runner", "cleanup", "run").stderr).toContain("nothing more may be removed");
      expect(typedHint(ci.host, found("ci-runner:disk"))).toMatch(/^Images +1 /m);
    } finally {
      ci.host.sh("cd /var/lib/docker; rm full fuller rest; edox-ops gitlab-runner cleanup disable --yes");
    }
  });

  test("a runner that is stopped starts again, and one that systemd may not stop is shown", () => {
    const { host } = ci;
    host.sh("systemctl stop gitlab-runner");
    expect(typedHint(host, found("runner:service"))).toContain("changed  runner.service.install");
    expect(found("runner:service")).toBe("[OK] runner:service: gitlab-runner is active and enabled");
    const dropIn = "/etc/systemd/system/gitlab-runner.service.d/stays.conf";
    host.sh(`printf '[Unit]\\nRefuseManualStop=yes\\n' >${dropIn}; systemctl daemon-reload`);
    const { code, stderr } = ci.ops("gitlab-runner", "uninstall", "--yes");
    expect([code, stderr]).toEqual([1, expect.stringContaining("systemctl could not stop gitlab-runner")]);
    expect(typedHint(host, stderr)).toContain("stays.conf");
    host.sh(`rm ${dropIn}; systemctl daemon-reload`);
    expect(found("runner:service")).toBe("[OK] runner:service: gitlab-runner is active and enabled");
  });

  test("an engine that does not answer, or fails, is shown", () => {
    const { host } = ci;
    host.sh("systemctl kill --signal=STOP docker");
    const silent = found("ci-runner:docker");
    expect(silent).toStartWith("[FAIL] ci-runner:docker: Docker does not answer");
    expect(typedHint(host, silent)).toContain("Active: active (running)");
    host.sh("systemctl kill --signal=CONT docker");
    const dropIn = "/etc/systemd/system/docker.service.d/broken.conf";
    host.sh(`mkdir -p $(dirname ${dropIn}); printf '[Service]\\nExecStart=\\nExecStart=false\\n' >${dropIn}
      systemctl daemon-reload; systemctl restart docker`);
    const failed = found("ci-runner:docker");
    expect(failed).toStartWith("[FAIL] ci-runner:docker: docker is not active");
    expect(typedHint(host, typedHint(host, failed))).toMatch(/Active: (failed|activating) .*exit-code/);
    host.sh(`rm ${dropIn}; systemctl daemon-reload; systemctl reset-failed; systemctl start docker.socket docker`);
    expect(found("ci-runner:docker")).toBe("[OK] ci-runner:docker: Docker answers");
  });
});

test("selftest: a rootless Docker of another user is left alone, and so are its containers", () => {
  const packages = "rootlesskit slirp4netns uidmap";
  const daemon =
    "rm -f /run/docker /run/containerd /run/xtables.lock; exec dockerd --rootless --storage-driver=vfs --exec-opt native.cgroupdriver=cgroupfs";
  const kit =
    "rootlesskit --net=slirp4netns --disable-host-loopback --copy-up=/etc --copy-up=/run --propagation=rslave";
  const env = "--setenv=XDG_RUNTIME_DIR=/run/rootless --setenv=HOME=/home/dev";
  const started = ci.host.sh(`set -e
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends ${packages} >/dev/null 2>&1
    useradd --create-home dev
    systemd-run --quiet --unit=rootless --uid=dev -p RuntimeDirectory=rootless -p Delegate=yes ${env} ${kit} sh -c '${daemon}'
    for i in $(seq 100); do DOCKER_HOST=unix:///run/rootless/docker.sock docker info >/dev/null 2>&1 && break; sleep 0.2; done
    export DOCKER_HOST=unix:///run/rootless/docker.sock
    docker info --format '{{.SecurityOptions}}'; tar -cC /etc hostname | docker import - tiny 2>&1
    docker create --name theirs tiny /none 2>&1`);
  expect([started.code, started.stdout]).toEqual([0, expect.stringContaining("name=rootless")]);
  const theirs = (): string =>
    ci.host.sh("DOCKER_HOST=unix:///run/rootless/docker.sock docker ps -a --format '{{.ID}} {{.Names}} {{.State}}'")
      .stdout;
  const before = theirs();
  expect(before).toMatch(/^\w+ theirs created\n$/);
  const { code, stdout } = ci.ops("gitlab-runner", "selftest", "--image", image);
  expect([code, stdout.match(/^\[\w+\] \w+/gm)?.length]).toEqual([0, 4]);
  expect(theirs()).toBe(before);
  expect(left()).toBe("");
  expect(ci.host.sh("systemctl stop rootless").code).toBe(0);
});

test("uninstall --docker: a running container keeps its engine until --force, and doctor then reports no fault", () => {
  ci.host.sh(`docker load -q -i ${image}; docker run -d --name web --entrypoint sleep docker:29-dind 1000`);
  const words = ["gitlab-runner", "uninstall", "--docker"];
  for (const more of ["--yes", "--dry-run"]) {
    const { code, stdout, stderr } = ci.ops(...words, more);
    expect([code, stdout + stderr]).toEqual([
      1,
      expect.stringContaining("depend on the engine to be removed: web; --force"),
    ]);
    if (more === "--yes") expect(typedHint(ci.host, stderr)).toMatch(/ web$/m);
  }
  expect(ci.host.sh("docker inspect -f '{{.State.Running}}' web; systemctl is-active gitlab-runner").stdout).toBe(
    "true\nactive\n",
  );
  const { code, stdout } = ci.ops(...words, "--force", "--yes");
  expect([code, stdout]).toEqual([0, expect.stringContaining("depend on the engine to be removed: web")]);
  expect(ci.host.sh("ls /run/docker.sock 2>&1").code).not.toBe(0);
  expect(ci.ops("doctor").stdout).toMatch(/^\[OK\] ci-runner:docker: not configured/m);
});
