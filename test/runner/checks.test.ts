import { describe, expect, test } from "bun:test";
import { dockerSourcePath } from "../../src/docker/paths.ts";
import { examineFeatures } from "../../src/doctor/collect.ts";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import type { Finding } from "../../src/engine/finding.ts";
import { type Host, UnknownStateError } from "../../src/host/host.ts";
import runner from "../../src/runner/feature.ts";
import { prepareCiHost } from "../../src/runner/recipe.ts";
import { unitPath } from "../../src/runner/service.ts";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { dockerKey, fakeDebian, runnerKey } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { fakeGitLab } from "./fake-gitlab.ts";

const url = "https://gitlab.test";
const fingerprintOf = (key: Uint8Array): string => publicKeys(key)[0]?.fingerprint ?? "";

/** Returns the findings of the checks and resources of runners. */
async function findingsOf(host: Host): Promise<Finding[]> {
  const { findings } = await examineFeatures(
    [runner],
    { reader: host, host, trees: () => Promise.reject(), online: false },
    [],
  );
  return findings;
}

async function found(host: FakeHost): Promise<Record<string, string>> {
  const findings = await findingsOf(host);
  return Object.fromEntries(findings.map(({ name, status, detail }) => [name, `${status}: ${detail}`]));
}

async function prepared(config = ""): Promise<FakeHost> {
  const host = fakeDebian();
  const mirrors = {
    docker: { fingerprint: fingerprintOf(dockerKey) },
    runner: { fingerprint: fingerprintOf(runnerKey) },
  };
  const results = await converge(prepareCiHost(gatherFacts(host), mirrors).steps, host, { act: host });
  expect(results.find(({ outcome }) => outcome === "failed")).toBeUndefined();
  host.dir("/home/gitlab-runner");
  host.put("/etc/gitlab-runner/.runner_system_id", "s_0123456789ab");
  host.put("/etc/gitlab-runner/config.toml", config, { mode: 0o600 });
  host.served.unshift((_, asked) =>
    asked === "http://docker/info"
      ? { status: 200, body: new TextEncoder().encode('{"DockerRootDir":"/srv/docker"}') }
      : undefined,
  );
  return host;
}

const section = (name: string, more = "") =>
  `[[runners]]\nname = "${name}"\nurl = "${url}"\ntoken = "glrt-${name}"\nexecutor = "docker"\n[runners.docker]\nimage = "a"\n${more}\n`;
const dind = 'privileged = true\nvolumes = ["/cache", "/certs/client"]';

describe("runners", () => {
  test("doctor: on a host without runners their checks are optional", async () => {
    for (const said of Object.values(await found(fakeDebian())))
      expect(said).toStartWith("not-set-up: not configured (optional; run edox-ops ");
  });

  test("doctor: a socket left by an uninstalled Docker is no fault, but one of a stopped Docker is", async () => {
    const host = fakeDebian();
    const listening = "ffff: 00000002 00000000 00010000 0001 01 4711 /run/docker.sock\n";
    host.put("/run/docker.sock", "");
    host.served.splice(0);
    for (const [sockets, program, said] of [
      ["ffff: 00000002 00000000 00010000 0001 01 4711 /run/other\n", false, "not-set-up: not configured"],
      [listening, false, "error: docker is not active"],
      [listening.replace("/run", "/var/run"), false, "error: docker is not active"],
      ["", true, "error: docker is not active"],
    ] as const) {
      host.put("/proc/net/unix", sockets);
      if (program) host.put("/usr/bin/dockerd", "");
      expect((await found(host))["ci-runner:docker"]).toStartWith(said);
    }
  });

  test("doctor: a socket that links to Podman's is an engine while Podman listens there", async () => {
    const host = fakeDebian();
    const podman = "/run/podman/podman.sock";
    host.link("/run/docker.sock", podman);
    for (const [sockets, said] of [
      [`ffff: 00000002 00000000 00010000 0001 01 4711 ${podman}\n`, "ok: Docker answers"],
      ["ffff: 00000002 00000000 00010000 0001 01 4711 /run/other\n", "not-set-up: not configured"],
    ] as const) {
      host.put("/proc/net/unix", sockets);
      expect((await found(host))["ci-runner:docker"]).toStartWith(said);
    }
  });

  test("doctor: after prepare-ci-host and an accepted registration all checks of runners pass", async () => {
    const host = await prepared(section("a", dind));
    fakeGitLab(host, url).runners.set("glrt-a", 1);
    host.put("/sys/class/net/docker0/mtu", "1400\n");
    host.put("/sys/class/net/eth0/mtu", "1400\n");
    host.put("/proc/net/route", "Iface\tDestination\tGateway\neth0\t00000000\t0101A8C0\n");
    expect(await found(host)).toMatchSnapshot();
  });

  const wrong: [string, (host: FakeHost) => void, string, string][] = [
    [
      "a service that does not run",
      (host) => host.remove("/run/systemd/units/invocation:gitlab-runner.service"),
      "runner:service",
      "error: gitlab-runner is not active",
    ],
    [
      "a masked unit whose process still runs",
      (host) => {
        host.link("/etc/systemd/system/gitlab-runner.service", "/dev/null");
      },
      "runner:service",
      "error: gitlab-runner is masked: it runs until it stops, and does not start at boot (systemctl unmask gitlab-runner)",
    ],
    [
      "a unit that a power cut has damaged",
      (host) => host.put(unitPath, "\0\0\0\0"),
      "runner:unit",
      `error: a power cut has damaged ${unitPath}`,
    ],
    ["an empty unit", (host) => host.put(unitPath, ""), "runner:unit", `error: a power cut has damaged ${unitPath}`],
    [
      "a service whose unit is empty",
      (host) => {
        host.put(unitPath, "");
        host.remove("/run/systemd/units/invocation:gitlab-runner.service");
      },
      "runner:service",
      "error: gitlab-runner is not active",
    ],
    [
      "a masked Docker that responds",
      (host) => host.link("/etc/systemd/system/docker.service", "/dev/null"),
      "ci-runner:docker",
      "error: docker is masked: it runs until it stops, and does not start at boot (systemctl unmask docker)",
    ],
    [
      "a missing home",
      (host) => host.remove("/home/gitlab-runner"),
      "runner:home:/home/gitlab-runner",
      "error: /home/gitlab-runner is missing (install -d -m 0750 -o gitlab-runner -g 999 /home/gitlab-runner)",
    ],
    [
      "a missing home of a user that has another one",
      (host) => host.put("/etc/passwd", "gitlab-runner:x:999:990::/srv/runner:/bin/bash\n"),
      "runner:home:/home/gitlab-runner",
      "error: /srv/runner is missing (install -d -m 0750 -o gitlab-runner -g 990 /srv/runner)",
    ],
    [
      "a second home that exists",
      (host) => {
        host.put("/etc/passwd", "gitlab-runner:x:999:990::/srv/runner:/bin/bash\n");
        host.dir("/srv/runner");
      },
      "runner:home:/home/gitlab-runner",
      "ok: exists, and so does /srv/runner",
    ],
    [
      "a shell runner beside a Docker without its group",
      (host) => {
        host.put("/etc/group", "root:x:0:\n");
        host.put("/etc/gitlab-runner/config.toml", section("s").replace('"docker"', '"shell"'));
      },
      "ci-runner:docker-group",
      "error: shell jobs cannot use Docker: group docker does not exist (groupadd --system docker)",
    ],
    [
      "a privileged runner with its own certificate authority beside a public site",
      (host) => {
        host.put(
          "/etc/gitlab-runner/config.toml",
          `${section("a", dind)}`.replace("executor", 'tls-ca-file = "/ca.pem"\nexecutor'),
        );
        host.link("/etc/nginx/sites-enabled/edox-ops-a", "/x");
      },
      "ci-runner:shared-host",
      "warning: runner a is privileged on the host that serves a: each of its jobs can change these sites; use --profile ci-rootless, or a host of its own (edox-ops gitlab-runner register --profile ci-rootless --url https://gitlab.test --ca-file /ca.pem --token -)",
    ],
    [
      "a stop that aborts jobs",
      (host) => host.remove("/etc/systemd/system/gitlab-runner.service.d/edox-ops.conf"),
      "runner:drain",
      "warning: /etc/systemd/system/gitlab-runner.service.d/edox-ops.conf is missing (edox-ops gitlab-runner install --yes)",
    ],
    [
      "a Docker that does not respond",
      (host) => host.served.unshift((_, asked) => (asked.endsWith("/_ping") ? { status: 500 } : undefined)),
      "ci-runner:docker",
      "error: Docker does not answer",
    ],
    [
      "a bridge MTU above that of the outgoing link",
      (host) => {
        host.put("/sys/class/net/docker0/mtu", "1500\n");
        host.put("/sys/class/net/eth0/mtu", "1400\n");
        host.put("/proc/net/route", "eth0\t00000000\n");
      },
      "ci-runner:mtu",
      'warning: containers send packets of 1500 bytes, and eth0 takes 1400: set "mtu": 1400',
    ],
    [
      "a shell runner without the group",
      (host) => host.put("/etc/gitlab-runner/config.toml", section("s").replace('"docker"', '"shell"')),
      "ci-runner:docker-group",
      "error: gitlab-runner is not in the group docker (edox-ops gitlab-runner prepare-ci-host --yes)",
    ],
    [
      "a runner without its volumes",
      (host) => host.put("/etc/gitlab-runner/config.toml", section("a", "privileged = true")),
      "ci-runner:docker-privileged",
      "error: a runner for Docker-in-Docker is not privileged or has no volume",
    ],
    [
      "a second section of one runner",
      (host) => host.put("/etc/gitlab-runner/config.toml", section("a", dind) + section("a", dind)),
      "ci-runner:config",
      "error: a has the token of runner 1: they are one runner for GitLab",
    ],
    [
      "a token at two addresses",
      (host) => {
        const other = section("b", dind)
          .replace("https://", "http://")
          .replace(/token = ".*"/, 'token = "glrt-a"');
        const first = section("a", dind).replace(/token = ".*"/, 'token = "glrt-a"');
        host.put("/etc/gitlab-runner/config.toml", first + other);
      },
      "ci-runner:config",
      "error: b has the token of runner 1: they are one runner for GitLab",
    ],
    [
      "an invalid section beside a valid one",
      (host) => host.put("/etc/gitlab-runner/config.toml", `[[runners]]\nname = 7\n${section("a", dind)}`),
      "ci-runner:config",
      "error: /etc/gitlab-runner/config.toml has runner 1 wrong: name is a text in quotes",
    ],
    [
      "an invalid entry of the record",
      (host) => host.put("/etc/edox-ops/runner.json", JSON.stringify({ runners: [7] })),
      "ci-runner:config",
      "error: /etc/edox-ops/runner.json has an invalid entry, runner 1: a runner is an object",
    ],
    [
      "runners that wait for each other",
      (host) => host.put("/etc/gitlab-runner/config.toml", section("a", dind) + section("b", dind)),
      "ci-runner:polling",
      "warning: 2 runners share 1 job at a time",
    ],
    [
      "a runner with request_concurrency 1",
      (host) => host.put("/etc/gitlab-runner/config.toml", `concurrent = 4\n${section("a", dind)}`),
      "ci-runner:polling",
      "warning: a requests one job at a time",
    ],
    [
      "a token that GitLab rejects",
      (host) => fakeGitLab(host, url),
      "ci-runner:token",
      "error: a: https://gitlab.test does not know this token",
    ],
    [
      "a privileged runner beside public sites",
      (host) => {
        for (const slug of ["a", "b", "c", "d"]) host.link(`/etc/nginx/sites-enabled/edox-ops-${slug}`, "/x");
      },
      "ci-runner:shared-host",
      "warning: runner a is privileged on the host that serves a, b, c and 1 more: each of its jobs can change these",
    ],
    [
      "a privileged runner for every branch",
      (host) =>
        host.put(
          "/etc/edox-ops/runner.json",
          JSON.stringify({ runners: [{ url, id: 0, name: "a", privileged: true, guarded: false }] }),
        ),
      "ci-runner:guard",
      "warning: a runs privileged containers for every branch",
    ],
  ];
  for (const [name, spoil, check, said] of wrong) {
    test(`${check}: ${name} is reported`, async () => {
      const host = await prepared(section("a", dind));
      spoil(host);
      const [finding] = (await findingsOf(host)).filter((each) => each.name === check);
      const hint = finding?.hint?.filter((word) => word !== "sudo").join(" ");
      expect(`${finding?.status}: ${finding?.detail} (${hint})`).toStartWith(said);
    });
  }

  test("doctor: without Docker a runner has no checks of Docker but the optional ones", async () => {
    const host = await prepared(section("s").replace('"docker"', '"shell"'));
    host.remove("/run/docker.sock");
    host.remove(dockerSourcePath);
    const all = await found(host);
    expect(Object.keys(all).filter((name) => /ci-runner:(docker-config|disk|mtu)/.test(name))).toEqual([]);
    const optional = "not-set-up: not configured (optional; run edox-ops gitlab-runner prepare-ci-host --yes)";
    expect([all["ci-runner:docker"], all["ci-runner:docker-group"]]).toEqual([optional, optional]);
  });

  test("doctor: a Docker that edox-ops installed is a fault if it is stopped with its socket", async () => {
    const host = await prepared(section("s").replace('"docker"', '"shell"'));
    for (const path of ["/run/docker.sock", "/run/systemd/units/invocation:docker.service"]) host.remove(path);
    const all = await found(host);
    expect(all["ci-runner:docker"]).toBe("error: docker is not active");
    expect(all["ci-runner:docker-group"]).toBe("error: gitlab-runner is not in the group docker");
  });

  test("doctor: a Docker without a runner is checked alone", async () => {
    const host = fakeDebian();
    host.put("/run/docker.sock", "");
    const all = await found(host);
    expect(all["ci-runner:docker"]).toBe("ok: Docker answers");
    delete all["ci-runner:docker"];
    for (const said of Object.values(all))
      expect(said).toStartWith("not-set-up: not configured (optional; run edox-ops ");
  });

  test("doctor: a gitlab-runner installed manually in /usr/local/bin is checked like one from a package", async () => {
    const host = fakeDebian();
    host.put("/usr/local/bin/gitlab-runner", "", { mode: 0o755 });
    host.put("/etc/gitlab-runner/config.toml", section("a", dind), { mode: 0o600 });
    const all = await found(host);
    expect(all["runner:binary"]).toBe("ok: gitlab-runner is installed in /usr/local/bin/gitlab-runner");
    expect(all["runner:service"]).toBe("error: gitlab-runner is not active; gitlab-runner is not enabled");
    expect(all["package:gitlab-runner"]).toBeUndefined();
    expect(all["ci-runner:guard"]).toStartWith("ok: privileged: a");
  });

  test("doctor: an invalid section leaves the other checks to the valid ones", async () => {
    const host = await prepared(`concurrent = 4\n[[runners]]\nname = 7\n${section("a", `privileged = true`)}`);
    fakeGitLab(host, url).runners.set("glrt-a", 1);
    expect(await found(host)).toMatchObject({
      "ci-runner:docker-privileged":
        "error: a runner for Docker-in-Docker is not privileged or has no volume for its certificates",
      "ci-runner:token": "ok: GitLab accepts the token of every runner",
      "ci-runner:guard": "ok: privileged: a; whether it is locked and protected is shown in GitLab only",
    });
  });

  test("doctor: without root the checks of runners are unknown", async () => {
    const host = await prepared(section("a", dind));
    host.hidden.add("/etc/gitlab-runner/config.toml");
    const other = { ...host, uid: 1000, stat: host.stat };
    other.read = (path) => {
      if (path.startsWith("/etc/gitlab-runner/")) throw new UnknownStateError("only root");
      return host.read(path);
    };
    const findings = await findingsOf(other);
    expect(findings.find(({ name }) => name === "ci-runner:config")).toMatchObject({
      status: "unknown",
      detail: "only root",
    });
  });
});
