// Tests run_docker.sh completely, as a pipeline job runs it, on a real engine. No registry is used: the images with the
// names of the releases are built here from packages. ubuntu:24.04 and arm64 are left to a real pipeline.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import type { Suite } from "./base.ts";
import { CiHost } from "./ci-host.ts";
import { ciPackages } from "./ci-packages.ts";
import { type CiServer, serveFolder } from "./ci-server.ts";
import { soak } from "./rounds.ts";
import { must } from "./run.ts";

const top = `${import.meta.dir}/../..`;
const repository = "/srv/repository";
const carried = ["Dockerfile", "run_docker.sh", "run_integration.sh", "run_integration_arm64_smoke.sh"];
const releases: Record<string, Suite> = { "debian:12": "bookworm", ...(soak && { "debian:13": "trixie" }) };

/** The short form repeats a failure and a signal by one shell, as the two tests of a whole run have one each. */
const shells = soak ? ["bash", "busybox sh"] : ["busybox sh"];

let ci: CiHost;
const servers: CiServer[] = [];
beforeAll(async () => {
  // Debian 12's engine needs a capability for privileged containers that a test machine may lack.
  ci = await CiHost.up("trixie", { tls: false });
  // The engine's setting in a job: the default route of this host accepts packets of 1400 bytes.
  mkdirSync(`${ci.host.root}/etc/docker`);
  writeFileSync(`${ci.host.root}/etc/docker/daemon.json`, '{ "mtu": 1400 }\n');
  expect(ci.prepare("--only", "docker.install")).toMatchObject({ code: 0, stderr: "" });
  mkdirSync(`${ci.host.root}${repository}/dist/linux-x64`, { recursive: true });
  mkdirSync(`${ci.host.root}${repository}/test/integration`, { recursive: true });
  for (const file of ["dist/linux-x64/edox-ops", ...carried.map((name) => `test/integration/${name}`)]) {
    ci.host.put(`${top}/${file}`, `${repository}/${file}`);
  }
});
afterAll(() => {
  for (const server of servers) server[Symbol.dispose]();
  ci?.[Symbol.dispose]();
});

/** Returns a minimal image like one from a registry: only apt and its dependencies. It is built once and cached. */
function rootArchive(suite: Suite): string {
  const options = ["--mode=root", "--variant=minbase", '--aptopt=Acquire::Languages "none"'];
  const recipe = new Bun.CryptoHasher("sha256").update(options.join("\n")).digest("hex").slice(0, 12);
  const archive = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test/image-${suite}-${recipe}.tar`;
  if (existsSync(archive)) return archive;
  console.error(`making an image of ${suite}, once: half a minute`);
  const work = mkdtempSync(`${dirname(archive)}/make-`);
  try {
    const sources = readFileSync(`${ci.host.root}/etc/apt/sources.list`, "utf8").replaceAll("trixie", suite);
    must(["mmdebstrap", ...options, suite, `${work}/root.tar`, ...sources.split("\n").filter(Boolean)]);
    renameSync(`${work}/root.tar`, archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return archive;
}

/**
 * Loads an image under this name into the host's engine, with the settings of container images and the path to the
 * packages.
 */
function image(name: string, suite: Suite): void {
  const cache = readFileSync(`${ci.host.root}/etc/apt/apt.conf.d/90cache`, "utf8");
  const files = {
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "etc/apt/apt.conf.d/docker-clean": 'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
    "etc/apt/apt.conf.d/90cache": cache.replace("gateway", ci.host.gateway),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${ci.host.root}/srv/${suite}/${path}`), { recursive: true });
    writeFileSync(`${ci.host.root}/srv/${suite}/${path}`, text, { mode: 0o755 });
  }
  must(["cp", rootArchive(suite), `${ci.host.root}/srv/${suite}.tar`]);
  const added = Object.keys(files).join(" ");
  const { code, stderr } = ci.host.sh(`cd /srv && tar --append -f ${suite}.tar -C ${suite} ${added} &&
    docker import -c 'CMD ["bash"]' ${suite}.tar ${name} && rm -r ${suite} ${suite}.tar`);
  if (code !== 0) throw new Error(stderr);
}

/** Returns everything that the script could have left behind. */
const left = (): string => ci.host.sh("docker ps -aq; docker volume ls -q; ls -A /tmp | grep ^tmp").stdout;

const harness = (shell: string, knobs: Record<string, string>) =>
  ci.host.sh(
    `cd / && ${Object.entries(knobs)
      .map(([name, value]) => `${name}='${value}'`)
      .join(" ")} ${shell} ${repository}/test/integration/run_docker.sh 2>&1`,
  );

for (const [name, suite] of Object.entries(releases)) {
  describe(`run_docker.sh on ${name}`, () => {
    const mirrors: Record<string, string> = {};
    beforeAll(async () => {
      image(name, suite);
      const { folder, docker, gitlab } = await ciPackages(suite);
      const server = await serveFolder(folder, ci.host.gateway);
      servers.push(server);
      for (const [key, flag, { path, fingerprint }] of [
        ["EDOX_DOCKER_MIRROR", "docker", docker],
        ["EDOX_RUNNER_MIRROR", "runner", gitlab],
      ] as const) {
        mirrors[key] = `--${flag}-apt-url ${server.url}${path} --${flag}-apt-fingerprint ${fingerprint}`;
      }
    });

    test("run_docker.sh: the whole suite passes with bash, and leaves nothing behind", () => {
      const { code, stdout } = harness("bash", { BASE_IMAGE: name, ...mirrors });
      if (code !== 0) console.error(stdout);
      expect([code, stdout.trimEnd().split("\n").slice(-2)]).toEqual([
        0,
        [
          expect.stringMatching(/^run-integration: \d+ checks hold on Debian/),
          `ok: /usr/local/bin/run-integration on ${name}`,
        ],
      ]);
      expect(left()).toBe("");
    });

    test("run_docker.sh: the smoke script passes with the shell of the image docker:cli", () => {
      const script = "/usr/local/bin/run-integration-arm64-smoke";
      expect(ci.host.sh("apt-get install -y -qq busybox-static >/dev/null").code).toBe(0);
      const { code, stdout } = harness("busybox sh", { BASE_IMAGE: name, INTEGRATION_SCRIPT: script, ...mirrors });
      if (code !== 0) console.error(stdout);
      expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, `ok: ${script} on ${name}`]);
      expect(left()).toBe("");
    });
  });
}

test("run_docker.sh: a failed script prints the journal, the cause and a command to repeat it, and leaves nothing behind", () => {
  for (const shell of shells) {
    const { code, stdout } = harness(shell, { BASE_IMAGE: "debian:12", INTEGRATION_SCRIPT: "/bin/false" });
    expect([code, stdout]).toEqual([1, expect.stringMatching(/--- its journal\n.* systemd/)]);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(
      "error: /bin/false ended with 1 (to repeat it: BASE_IMAGE=debian:12 INTEGRATION_SCRIPT='/bin/false' sh test/integration/run_docker.sh)",
    );
    expect(left()).toBe("");
  }
});

test("run_docker.sh: a failed check is named in the last line", () => {
  const { code, stdout } = harness("bash", { BASE_IMAGE: "debian:12", EDOX_RUNNER_MIRROR: "--no-such-flag" });
  expect(code).toBe(1);
  expect(stdout.trimEnd().split("\n").at(-1)).toMatch(
    /^error: gitlab-runner install: .* ended with 2, not 0 \(to repeat it: /,
  );
  expect(left()).toBe("");
});

test("run_docker.sh: a missing engine, binary or image is reported immediately", () => {
  const last = (knobs: Record<string, string>) => {
    const { code, stdout } = harness("busybox sh", knobs);
    return [code, stdout.trimEnd().split("\n").at(-1)];
  };
  expect(last({ DOCKER_PLATFORM: "linux/arm64" })).toEqual([
    1,
    expect.stringContaining("error: dist/linux-arm64/edox-ops is missing: npm run build (to repeat it: "),
  ]);
  expect(last({ BASE_IMAGE: "no-such-image:1" })).toEqual([
    1,
    expect.stringContaining("error: the image cannot be built from no-such-image:1 (to repeat it: "),
  ]);
  expect(ci.host.sh("systemctl stop docker.socket docker").code).toBe(0);
  expect(last({})).toEqual([1, expect.stringContaining("error: no Docker engine answers: ")]);
  expect(ci.host.sh("systemctl start docker").code).toBe(0);
});

test("run_docker.sh: the platform is passed to every command, and with control groups of version 1 those of the machine are mounted", () => {
  const standIn = `#!/bin/sh
echo "$*" >>/root/asked
case "$*" in
*CgroupVersion*) echo 1 ;;
version*) echo linux/amd64 ;;
*--cidfile*) for word; do [ "$before" != --cidfile ] || echo c1 >"$word"; before=$word; done ;;
*is-system-running) echo running ;;
esac
`;
  const dirs = [`${repository}/dist/linux-arm64`, "/root/stand-in"];
  for (const dir of dirs) mkdirSync(`${ci.host.root}${dir}`);
  writeFileSync(`${ci.host.root}${dirs[0]}/edox-ops`, "");
  writeFileSync(`${ci.host.root}${dirs[1]}/docker`, standIn, { mode: 0o755 });
  expect(harness("sh", { PATH: "/root/stand-in:/usr/bin:/bin", DOCKER_PLATFORM: "linux/arm64" }).code).toBe(0);
  const { stdout } = ci.host.sh(`cat /root/asked; rm -r ${dirs.join(" ")}`);
  expect(stdout).toContain(
    "build --build-arg BASE_IMAGE=ubuntu:24.04 --platform=linux/arm64 --tag edox-ops-integration ",
  );
  expect(stdout).toMatch(
    /^run --detach .*--privileged .*--cgroupns=host --volume \/sys\/fs\/cgroup:\/sys\/fs\/cgroup --platform=linux\/arm64 /m,
  );
  expect(stdout.trimEnd()).toEndWith("rm --force --volumes c1");
});

test("run_docker.sh: a signal removes its container", () => {
  for (const shell of shells) {
    const { code, stdout } = ci.host.sh(`cd ${repository}
      BASE_IMAGE=debian:12 INTEGRATION_SCRIPT='/bin/sleep 600' ${shell} test/integration/run_docker.sh >/root/said 2>&1 & run=$!
      for i in $(seq 300); do docker top "$(docker ps -q)" 2>/dev/null | grep -q 'sleep 600' && break; sleep 0.2; done
      kill -TERM $run; wait $run; code=$?; tail -n 1 /root/said; exit $code`);
    expect([code, stdout]).toEqual([143, expect.stringMatching(/^error: it was ended \(to repeat it: /)]);
    expect(left()).toBe("");
  }
});
