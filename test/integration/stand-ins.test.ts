// Tests that the stand-ins for Docker's and GitLab's packages and servers work together on real hosts.

import { expect, test } from "bun:test";
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { GitLab } from "../stand-in/gitlab.ts";
import { suites } from "./base.ts";
import { dockerNames } from "./ci-docker.ts";
import { type CiPackages, ciPackages, type Fault, type Name, spoiled } from "./ci-packages.ts";
import { serveFolder, standsFor } from "./ci-server.ts";
import { soak } from "./rounds.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";

const keyPaths = { docker: "/etc/apt/keyrings/docker.asc", gitlab: "/etc/apt/keyrings/gitlab.asc" };
const quiet = "DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends";

const real = { docker: "https://download.docker.com", gitlab: "https://packages.gitlab.com" };

function addSource(host: TestHost, packages: CiPackages, name: Name, url: string = real[name]): void {
  const { key, fingerprint, component, path } = packages[name];
  writeFileSync(`${host.root}${keyPaths[name]}`, key);
  const fields = {
    Types: "deb",
    URIs: url + path,
    Suites: packages.suite,
    Components: component,
    "Signed-By": `${keyPaths[name]} ${fingerprint}`,
  };
  const text = Object.entries(fields).map(([field, value]) => `${field}: ${value}\n`);
  writeFileSync(`${host.root}/etc/apt/sources.list.d/${name}.sources`, text.join(""));
}

function well(host: TestHost, script: string): string {
  const { code, stdout, stderr } = host.sh(script);
  if (code !== 0) throw new Error(`${script} failed (${code})\n${stdout}${stderr}`);
  return stdout;
}

/** The image is the host's own busybox if no registry can be reached. */
const image = `${quiet} install busybox-static >/dev/null
cd "$(mktemp -d)" && mkdir bin tmp && cp "$(command -v busybox)" bin/ && for name in sh echo mount sleep; do ln -s busybox bin/$name; done
tar c . | docker import - tiny:1 >/dev/null`;

/** The tests of the runner use the same stand-ins on both suites. */
for (const suite of soak ? suites : (["trixie"] as const)) {
  test(`${suite}: stand-ins for engine and runner run a job of each kind`, async () => {
    const packages = await ciPackages(suite);
    using host = await TestHost.up(suite, { plainDir: "/var/lib/docker" });
    using server = await standsFor(host, spoiled(packages, "gitlab", "old"));
    using gitlab = await GitLab.start({ address: host.gateway, tls: true });
    // Without it, no certificate is trusted.
    well(host, `apt-get update --error-on=any && ${quiet} install ca-certificates`);
    for (const name of ["docker", "gitlab"] as const) addSource(host, packages, name);
    const install = `NO_DOCKER_PRUNE=1 ${quiet} install ${dockerNames.join(" ")} gitlab-runner`;
    well(host, `apt-get update --error-on=any && ${install}`);
    well(host, image);

    const [engine = "", ...owners] = well(
      host,
      "docker version --format '{{.Server.Version}}'; dpkg-query -S /usr/bin/docker /usr/sbin/runc /usr/bin/containerd",
    ).split("\n");
    expect(engine).toMatch(/^2\d\./);
    expect(owners).toContain("docker-ce-cli: /usr/bin/docker");
    expect(owners).toContain("containerd.io: /usr/sbin/runc");
    expect(well(host, "docker run --rm --network none tiny:1 echo in a container")).toBe("in a container\n");
    // Debian 12's engine needs a capability for it that a test machine may lack.
    if (suite === "trixie") well(host, "docker run --rm --privileged tiny:1 mount -t tmpfs none /tmp");

    expect(host.sh("gitlab-runner status").stdout).toBe("gitlab-runner: Service is running\n");
    expect(well(host, "stat -c '%a %U' /etc/gitlab-runner /etc/gitlab-runner/config.toml")).toBe(
      "700 root\n600 root\n",
    );
    expect(existsSync(`${host.root}/var/log/stand-in-docker-prune`)).toBe(false);
    must(["cp", gitlab.caPath, `${host.root}/etc/gitlab-runner/ca.pem`]);
    const token = await gitlab.addRunner();
    const other = await gitlab.addRunner();
    const register = `gitlab-runner register --non-interactive --url ${gitlab.url}`;
    const refused = host.sh(`${register} --token ${token} --executor shell`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("x509: certificate signed by unknown authority");
    const docker = "--docker-image tiny:1 --docker-pull-policy never --docker-network-mode none";
    const trusting = `${register} --tls-ca-file /etc/gitlab-runner/ca.pem`;
    well(host, `${trusting} --token ${token} --executor shell --name shell`);
    well(host, `${trusting} --token ${other} --executor docker ${docker} --name docker`);
    well(host, "sed -i 's/^check_interval.*/check_interval = 1/' /etc/gitlab-runner/config.toml");
    expect(host.sh("gitlab-runner verify && gitlab-runner lint").stderr.match(/is valid/g)).toHaveLength(3);

    const inShell = await gitlab.addJob({ script: ["id -un", "echo $CI_JOB_ID"], token });
    const done = await gitlab.jobUntil(inShell, ["success", "failed"]);
    expect(done).toMatchObject({ state: "success", trace: expect.stringContaining(`gitlab-runner\n${inShell}\n`) });
    const inContainer = await gitlab.addJob({ script: ["echo $0", "exit 3"], token: other });
    const failed = await gitlab.jobUntil(inContainer, ["success", "failed"]);
    expect(failed).toMatchObject({ state: "failed", failureReason: "script_failure", exitCode: 3 });

    await drains(host, gitlab, token);
    await upgrades(host, gitlab, packages, server.swap);
  });
}

/** On SIGQUIT the running job is drained, and no other is started. */
async function drains(host: TestHost, gitlab: GitLab, token: string): Promise<void> {
  const id = await gitlab.addJob({ script: ["sleep 3", "echo to the end"], token });
  await gitlab.jobUntil(id, ["running"]);
  const pid = well(host, "systemctl show -P MainPID gitlab-runner");
  well(host, "systemctl kill -s QUIT --kill-whom=main gitlab-runner");
  const job = await gitlab.jobUntil(id, ["success", "failed"]);
  expect(job).toMatchObject({ state: "success", trace: expect.stringContaining("to the end\n") });
  // With a start alone, systemd 252 would wait until RestartSec has passed.
  well(host, `while [ -e /proc/${pid.trim()} ]; do sleep 0.1; done; systemctl stop gitlab-runner`);
  well(host, "systemctl start gitlab-runner");
}

/** Upgrades the package, which stops the runner with SIGTERM: a running job is lost. */
async function upgrades(host: TestHost, gitlab: GitLab, { folder }: CiPackages, swap: (to: string) => Promise<void>) {
  const id = await gitlab.addJob({ script: ["sleep 60"] });
  await gitlab.jobUntil(id, ["running"]);
  await swap(folder);
  well(host, `apt-get update --error-on=any && ${quiet} install gitlab-runner`);
  expect(await gitlab.job(id)).toMatchObject({
    state: "failed",
    // systemd signals the runner and the job's processes. The first one to receive the signal reports the failure.
    failureReason: expect.stringMatching(/^(runner_interrupted|script_failure)$/),
  });
  expect(well(host, "gitlab-runner --version")).toStartWith("Version:      19.4.0\n");
  expect(host.sh("gitlab-runner status").code).toBe(0);
  expect(statSync(`${host.root}/var/log/stand-in-docker-prune`).size).toBeGreaterThan(0);
  well(host, `${quiet} remove gitlab-runner`);
  expect(existsSync(`${host.root}/etc/systemd/system/gitlab-runner.service`)).toBe(false);
}

const faults: [Fault, RegExp][] = [
  ["tampered", /BADSIG|Message has been manipulated/],
  ["mismatched", /Hash Sum mismatch|unexpected size/],
  ["foreign", /NO_PUBKEY|Missing key/],
  ["expired", /EXPKEYSIG|expired/i],
];

/** The tests of the runner have repositories with the same faults on bookworm. */
for (const suite of soak ? suites : (["trixie"] as const)) {
  test(`${suite}: apt refuses each faulty repository`, async () => {
    const packages = await ciPackages(suite);
    using host = await TestHost.up(suite);
    rmSync(`${host.root}/etc/apt/sources.list`, { force: true });
    for (const name of ["docker", "gitlab"] as const) {
      using server = await serveFolder(packages.folder, host.gateway);
      addSource(host, packages, name, server.url);
      well(host, "apt-get update --error-on=any");
      for (const [fault, words] of faults) {
        await server.swap(spoiled(packages, name, fault));
        if (fault === "expired") writeFileSync(`${host.root}${keyPaths[name]}`, packages[name].expiredKey);
        const { code, stderr } = host.sh("rm -rf /var/lib/apt/lists/*; apt-get update --error-on=any");
        expect({ name, fault, code, stderr }).toMatchObject({ code: 100, stderr: expect.stringMatching(words) });
      }
      rmSync(`${host.root}/etc/apt/sources.list.d/${name}.sources`);
    }
  });
}
