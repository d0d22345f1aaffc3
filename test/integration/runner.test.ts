// Prepares a bare host as a CI host, operates its runner, and uninstalls everything again.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { tokens } from "../stand-in/gitlab.ts";
import { suites } from "./base.ts";
import { CiHost } from "./ci-host.ts";
import { type Fault, spoiled } from "./ci-packages.ts";
import { soak } from "./rounds.ts";
import { RunnerJobs } from "./runner-jobs.ts";
import { typedHint } from "./typed-hint.ts";

const configPath = "/etc/gitlab-runner/config.toml";
const name = "edox-ops CI runner";

/** On bookworm, the short form has the hosts of the Python version and of the faults below, and those of ci-killed. */
for (const suite of soak ? suites : (["trixie"] as const)) {
  describe(`on ${suite}`, () => {
    let ci: CiHost;
    let before: string[];
    let token: string;
    let shell: string;
    beforeAll(async () => {
      ci = await CiHost.up(suite, { folder: (all) => spoiled(all, "gitlab", "old") });
      token = await ci.gitlab.addRunner();
      before = names();
    });
    afterAll(() => ci?.[Symbol.dispose]());

    /** Returns the names in /etc. Names that packages and the system keep there are filtered out later. */
    const names = (): string[] => ci.host.sh("find /etc | sort").stdout.split("\n");
    const said = (script: string): string => ci.host.sh(script).stdout;

    test("prepare-ci-host: a dry run changes nothing", () => {
      const listing = ci.host.listing("/etc");
      const { code, stdout } = ci.ops("gitlab-runner", "prepare-ci-host", "--dry-run", "--diff", ...ci.mirrors);
      expect([code, stdout]).toEqual([0, expect.stringContaining("install docker-ce")]);
      expect(ci.host.listing("/etc")).toBe(listing);
    });

    test("prepare-ci-host: it installs a real engine and the runner, and a second run changes nothing", () => {
      const { code, stdout, stderr } = ci.prepare();
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("sudo edox-ops gitlab-runner register --profile ci");
      expect(said("docker version --format '{{.Server.Version}}'")).toMatch(/^2\d\./);
      expect(said("systemctl show -P KillSignal gitlab-runner")).toBe("3\n");
      // The home has no files of /etc/skel, and the user is in no group that is equivalent to root.
      expect(said("ls -A /home/gitlab-runner; id -nG gitlab-runner")).toBe("gitlab-runner\n");
      expect(said("ls /var/log/stand-in-docker-prune 2>&1")).toContain("No such file");
      const log = said("cat /var/log/edox-ops/gitlab-runner-ci-host.log");
      for (const id of ["docker.install", "runner.user.create", "runner.install", "runner.service.install"]) {
        expect(log).toContain(`STEP ${id} SUCCESS returncode=0`);
      }
      expect(log).toContain("STEP runner.docker.access SKIPPED returncode=0");
      const listing = ci.host.listing("/etc", "/var/lib/dpkg");
      const again = ci.ops("gitlab-runner", "prepare-ci-host", "--yes");
      expect([again.code, again.stdout.includes("changed")]).toEqual([0, false]);
      expect(ci.host.listing("/etc", "/var/lib/dpkg")).toBe(listing);
      expect(ci.ops("gitlab-runner", "install", "--check").code).toBe(0);
    });

    test("prepare-ci-host: apt installs gitlab-runner only from its own repository", () => {
      const other = `mkdir -p /srv/other/made/DEBIAN && cd /srv/other
        printf 'Package: gitlab-runner\\nVersion: 99\\nArchitecture: amd64\\nMaintainer: a <a@b>\\nDescription: of a distribution\\n' >made/DEBIAN/control
        dpkg-deb --build made gitlab-runner.deb >/dev/null
        { dpkg-deb --field gitlab-runner.deb; echo "Filename: ./gitlab-runner.deb
Size: $(stat -c %s gitlab-runner.deb)
SHA256: $(sha256sum gitlab-runner.deb | cut -d ' ' -f 1)"; } >Packages
        echo 'deb [trusted=yes] file:/srv/other ./' >/etc/apt/sources.list.d/other.list; apt-get update -qq`;
      expect(ci.host.sh(other).code).toBe(0);
      const policy = (): string => said("apt-cache policy gitlab-runner");
      expect(policy()).toMatch(/Candidate: 19\.3\.0-1\n[\s\S]* 99 -1\n/);
      const source = "/etc/apt/sources.list.d/runner_gitlab-runner.sources";
      said(`mv ${source} /root/away; apt-get update -qq`);
      expect(policy()).toMatch(/Candidate: \(none\)\n/);
      said(`mv /root/away ${source}; rm -r /srv/other /etc/apt/sources.list.d/other.list; apt-get update -qq`);
    });

    test("register: it verifies the token over TLS with --ca-file, is idempotent, and a job runs", async () => {
      ci.secret("token", token);
      const own = ["--profile", "ci", "--token-file", "/root/token"];
      const unknown = ci.ops("gitlab-runner", "register", "--url", ci.gitlab.url, ...own);
      const weak = "NODE_TLS_REJECT_UNAUTHORIZED=0 BUN_CONFIG_VERBOSE_FETCH=curl";
      const words = `gitlab-runner register --url ${ci.gitlab.url} ${own.join(" ")}`;
      const weakened = ci.host.sh(`${weak} edox-ops ${words}`);
      expect([weakened.code, weakened.stderr]).toEqual([1, unknown.stderr]);
      expect([unknown.code, unknown.stderr]).toEqual([
        1,
        expect.stringContaining("give its authority's with --ca-file"),
      ]);
      shell = await ci.gitlab.addRunner();
      ci.secret("shell", shell);
      for (const words of [
        [...own, "--concurrent", "2"],
        ["--token-file", "/root/shell", "--description", "shell"],
      ]) {
        const { code, stderr } = ci.ops(...ci.registering, ...words);
        expect([code, stderr]).toEqual([0, ""]);
        const text = said(`cat ${configPath}`);
        const again = ci.ops(...ci.registering, ...words, "--json");
        expect(JSON.parse(again.stdout)).toMatchObject({ outcome: "ok", exit: 0 });
        expect(said(`cat ${configPath}`)).toBe(text);
      }
      expect(said("gitlab-runner lint 2>&1; stat -c '%a %U' /etc/gitlab-runner/config.toml")).toContain("is valid");
      expect(said("id -nG gitlab-runner")).toBe("gitlab-runner docker\n");
      const job = await ci.gitlab.addJob({ script: ["docker version --format '{{.Server.Os}}'"], token: shell });
      expect(await ci.gitlab.jobUntil(job, ["success", "failed"])).toMatchObject({
        state: "success",
        trace: expect.stringContaining("linux\n"),
      });
    });

    test("register: an access token creates a runner in GitLab, and unregister deletes it", async () => {
      const words = [...ci.registering, "--profile", "ci", "--description", "made", "--project", "7", "--protected"];
      ci.secret("access", tokens.personal);
      const made = ci.host.sh(`EDOX_GITLAB_TOKEN=$(cat /root/access) edox-ops ${words.join(" ")}`);
      expect([made.code, made.stderr]).toEqual([0, ""]);
      const [asked] = await ci.gitlab.requests("/user/runners");
      expect(JSON.parse(asked?.body ?? "")).toMatchObject({
        tag_list: ["docker-privileged"],
        access_level: "ref_protected",
      });
      expect(ci.ops("gitlab-runner", "unregister", "made").code).toBe(0);
      expect(said("grep -rlF -f /root/access /etc /var/log /run /var/lib/dpkg /tmp 2>/dev/null")).toBe("");
    });

    test("register: no token is in the arguments or environment of a process, a log or the output", async () => {
      const look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'";
      const script = `( for i in $(seq 200); do ${look} | grep -cF -f /root/token; done | sort -u ) &
        edox-ops ${ci.registering.join(" ")} --profile ci --token-file /root/token --concurrent 3 --verbose
        edox-ops gitlab-runner status; edox-ops doctor; edox-ops gitlab-runner list; wait`;
      const { stdout, stderr } = ci.host.sh(script);
      expect(stdout + stderr).not.toContain(token);
      // The counts of processes with the token: there is none.
      expect(stdout.split("\n").filter((line) => /^\d+$/.test(line))).toEqual(["0"]);
      const files = "grep -rlF -f /root/token /etc /var/log /run /var/lib/dpkg /tmp 2>/dev/null | sort";
      expect(said(files)).toBe(`${configPath}\n${configPath}.before-edox-ops\n`);
    });

    test("status, list and doctor: they report the registered runners", () => {
      const { code, stdout } = ci.ops("gitlab-runner", "status");
      expect([code, stdout]).toEqual([
        0,
        expect.stringContaining(`runner ${name}: ${ci.gitlab.url}, docker, privileged`),
      ]);
      expect(stdout.match(/accepted: yes/g)).toHaveLength(2);
      const findings = ci.ops("doctor").stdout.split("\n");
      const ofRunners = findings.filter((line) => /runner:/.test(line) && !line.includes("ci-runner:disk"));
      // The outgoing link of a test host has a smaller MTU than Docker's bridge, as on many a VPS.
      expect(ofRunners.filter((line) => !line.startsWith("[OK]"))).toEqual([
        expect.stringContaining("[WARN] ci-runner:mtu: containers send packets of 1500 bytes, and host0 takes 1400"),
      ]);
      expect(ofRunners.length).toBeGreaterThan(12);
    });

    test("upgrade: it waits for a running job, which ends successfully", async () => {
      await ci.server.swap(ci.packages.folder);
      // The job runs until the drain starts: on a slow machine the package lists alone take longer than any fixed time.
      const stops = '[ "$(systemctl show -P ActiveState gitlab-runner)" = deactivating ]';
      const script = [`for i in $(seq 600); do ${stops} && break; sleep 0.2; done`, "sleep 1", "echo to the end"];
      const job = await ci.gitlab.addJob({ script, token: shell });
      await ci.gitlab.jobUntil(job, ["running"]);
      const { code, stdout, stderr } = ci.ops("gitlab-runner", "upgrade");
      expect([code, stdout]).toEqual([0, expect.stringContaining("GitLab Runner was 19.3.0-1, and is 19.4.0-1\n")]);
      expect(stderr).toContain("waiting at most 120 min for 1 running job to end");
      expect(await ci.gitlab.job(job)).toMatchObject({
        state: "success",
        trace: expect.stringContaining("to the end"),
      });
      expect(said("gitlab-runner status; ls /var/log/stand-in-docker-prune 2>&1")).toMatch(
        /^gitlab-runner: Service is running\n.*No such file/,
      );
    });

    test("uninstall: a job that does not end within --drain stops it, and the service continues", async () => {
      // The job runs until the command has given up, however slow the machine is.
      const script = ["for i in $(seq 600); do test -e /srv/refused && break; sleep 0.2; done"];
      const job = await ci.gitlab.addJob({ script, token: shell });
      await ci.gitlab.jobUntil(job, ["running"]);
      const { code, stderr } = ci.ops("gitlab-runner", "uninstall", "--yes", "--drain", "1s");
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining("1 running job did not end within 1 s: nothing was changed"),
      ]);
      said("touch /srv/refused");
      expect(await ci.gitlab.jobUntil(job, ["success", "failed"])).toMatchObject({ state: "success" });
      expect(said("for i in $(seq 100); do gitlab-runner status 2>/dev/null && break; sleep 0.1; done")).toBe(
        "gitlab-runner: Service is running\n",
      );
    });

    test("unregister: GitLab is not contacted if config.toml cannot be replaced", async () => {
      const sent = async () => (await ci.gitlab.requests("/runners/managers")).length;
      const before = await sent();
      said(`mount --bind ${configPath} ${configPath}`);
      const { code, stderr } = ci.ops("gitlab-runner", "unregister", "shell");
      said(`umount ${configPath}`);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${configPath} is mounted by itself`)]);
      expect(await sent()).toBe(before);
    });

    test("cleanup: jobs find their space, and what a person pulled or a job uses stays", async () => {
      using jobs = await RunnerJobs.on(ci.host);
      const [byHand, later, running, ...images] = ["by-hand", "later", "running", "a", "b", "c", "d"].map((each) =>
        jobs.registry.push(each, "1", 30e6),
      ) as [string, string, string, ...string[]];
      await jobs.script(`docker pull -q ${byHand}; docker volume create mine
        docker create --name foreign --volume foreign-data:/data ${byHand} true`);
      jobs.reserve(280);
      const { code, stderr } = ci.ops("gitlab-runner", "cleanup", "enable", "--keep", "160MiB", "--yes");
      expect([code, stderr]).toEqual([0, ""]);
      await jobs.start(running);
      // Its cleanup would exclude those of this test for a moment.
      said("systemctl stop edox-ops-cleanup.timer");
      // systemd starts it again in 5 s. In between, the engine itself remembers what jobs use.
      said("systemctl kill --signal=KILL edox-ops-cleanup-events");
      const clean = "edox-ops gitlab-runner cleanup run --quiet";
      const [a = "", b = "", c = "", d = ""] = images;
      const ran = await jobs.run(
        [a, b, a, c, d].map((image, project) => ({ image, project, writesMiB: 60, cachesMiB: 2 })),
        clean,
      );
      expect(ran.map((each) => [each.code, each.hasImage])).toEqual(
        [false, false, true, false, false].map((hasImage) => [0, hasImage]),
      );
      const present = jobs.present();
      expect([byHand, "mine", "foreign", "foreign-data", running, d].filter((each) => !present.includes(each))).toEqual(
        [],
      );
      // The image of the second job was used longest ago.
      expect(present).not.toContain(b);
      await jobs.script(`docker pull -q ${later}; ${clean}; ${clean}; true`);
      expect(jobs.present()).toContain(later);
      expect(ci.host.sh("systemctl start edox-ops-cleanup edox-ops-cleanup.timer").code).toBe(0);
      expect(ci.ops("doctor").stdout).toContain("[OK] ci-runner:cleanup: edox-ops-cleanup.timer and");
      const lastUses = (): string[] => {
        const { cleanup } = JSON.parse(ci.ops("gitlab-runner", "cleanup", "status", "--json").stdout);
        return cleanup.removable.map((each: { name: string; last_used: string }) => `${each.name} ${each.last_used}`);
      };
      const usedBefore = lastUses();
      expect(usedBefore.join()).toContain(d);
      // Neither unit starts a Docker that was stopped, although its socket still listens.
      const units = "docker edox-ops-cleanup-events docker.socket";
      const states = said(`systemctl stop docker; systemctl start edox-ops-cleanup; systemctl is-active ${units}`);
      expect(states).toBe("inactive\ninactive\nactive\n");
      said("rm /var/lib/docker/full /etc/docker/daemon.json; systemctl stop docker.socket");
      const { code: failed, stderr: reason } = ci.ops("gitlab-runner", "cleanup", "run");
      expect([failed, reason]).toEqual([1, expect.stringContaining("no Docker answers on this host")]);
      expect(typedHint(ci.host, reason)).toContain("docker.service");
      expect(ci.host.sh("systemctl start docker").code).toBe(0);
      // The engine has forgotten its events, and the end of the job that it stopped is that of the container.
      const usedAfter = lastUses();
      expect(usedBefore.filter((each) => !usedAfter.includes(each))).toEqual([]);
      expect(ci.host.sh("docker rm --force $(docker ps -aq)").code).toBe(0);
    });

    // The engine of bookworm cannot use it.
    if (suite === "trixie") {
      test("cleanup: with the image store of containerd on a disk of its own, build cache and images make room there", async () => {
        using jobs = await RunnerJobs.on(ci.host);
        jobs.useContainerd(400);
        const push = (image: string): string => jobs.registry.push(image, "2", 60e6);
        const [byHand, a, b, c, d] = ["by-hand", "a", "b", "c", "d"].map(push) as [
          string,
          string,
          string,
          string,
          string,
        ];
        await jobs.script(`docker pull -q ${byHand}
          printf 'FROM ${byHand}\\nRUN dd if=/dev/zero of=/built bs=1M count=50' | docker build -q --network none -t mine:1 -
          docker image rm mine:1`);
        const enable = (keep: string) => ci.ops("gitlab-runner", "cleanup", "enable", "--keep", keep, "--yes").code;
        expect(enable("350MiB")).toBe(0);
        said("systemctl stop edox-ops-cleanup.timer");
        const cached = () => said("docker system df --format '{{.Type}} {{.Size}}'").match(/^Build Cache (.*)$/m)?.[1];
        expect(cached()).not.toBe("0B");
        // For some seconds, BuildKit keeps what a build has used.
        for (const end = Date.now() + 60_000; cached() !== "0B" && Date.now() < end; ) {
          ci.ops("gitlab-runner", "cleanup", "run");
          await Bun.sleep(500);
        }
        expect(cached()).toBe("0B");
        expect(enable("150MiB")).toBe(0);
        const all = [a, b, c, d].map((image) => ({ image, project: 1 }));
        await jobs.run(all, "edox-ops gitlab-runner cleanup run --quiet");
        const present = jobs.present();
        expect([byHand, a, b, c, d].filter((each) => !present.includes(each))).toEqual([a]);
        const stop =
          "systemctl stop docker docker.socket containerd; umount /var/lib/containerd; rm /etc/docker/daemon.json";
        expect(ci.host.sh(`${stop}; systemctl start containerd docker`).code).toBe(0);
      });
    }

    test("unregister and uninstall: only what the documentation lists stays", () => {
      for (const each of [name, "shell"]) {
        const { code, stderr } = ci.ops("gitlab-runner", "unregister", each);
        expect([code, stderr]).toEqual([0, ""]);
      }
      const { code, stderr } = ci.ops("gitlab-runner", "uninstall", "--purge", "--docker", "--yes");
      expect([code, stderr]).toEqual([0, ""]);
      // Files of git, iptables and the certificates belong to packages that stay.
      const left = names().filter((path) => !before.includes(path) && /docker|gitlab|edox|apt|systemd/.test(path));
      expect(left.filter((path) => path !== "/etc/docker/key.json" && path !== "/etc/docker")).toEqual([
        "/etc/edox-ops",
      ]);
      expect(said("getent passwd gitlab-runner; dpkg -l | grep -c '^ii.*\\(docker-ce\\|gitlab-runner\\)'")).toBe("0\n");
      expect(said("test -d /var/lib/docker && echo images stay")).toBe("images stay\n");
    });
  });
}

describe("a host that the Python version prepared", () => {
  let ci: CiHost;
  const config = `concurrent = 1 # by hand
check_interval = 0

[[runners]]
  name = "edox-ops CI runner"
  url = "URL"
  id = 41
  token = "TOKEN"
  executor = "docker"
  [runners.docker]
    image = "python:3.11-bookworm"
    privileged = false
    volumes = ["/cache"]
`;
  beforeAll(async () => {
    ci = await CiHost.up("bookworm", { tls: false });
    const { server, packages, host, gitlab } = ci;
    const token = await gitlab.addRunner();
    const text = config.replace("URL", gitlab.url).replace("TOKEN", token);
    const record = { url: gitlab.url, executor: "docker", description: name, tags: ["docker-privileged"] };
    const more = { profile: "ci", docker_image: "python:3.11-bookworm", docker_privileged: true, registered: true };
    // The state that its commands and GitLab's script.deb.sh leave.
    const { code, stderr } = host.sh(`set -e
      apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq -y curl ca-certificates gpg >/dev/null
      curl -fsS ${server.url}${packages.docker.keyPath} -o /etc/apt/keyrings/docker.asc
      echo 'deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] ${server.url}${packages.docker.path} bookworm stable' >/etc/apt/sources.list.d/docker.list
      curl -fsS ${server.url}${packages.gitlab.keyPath} | gpg --dearmor >/etc/apt/keyrings/runner_gitlab-runner-archive-keyring.gpg
      echo 'deb [signed-by=/etc/apt/keyrings/runner_gitlab-runner-archive-keyring.gpg] ${server.url}${packages.gitlab.path} bookworm main' >/etc/apt/sources.list.d/runner_gitlab-runner.list
      useradd --system --create-home --home-dir /home/gitlab-runner --shell /bin/bash gitlab-runner
      apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq -y docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin gitlab-runner >/dev/null
      usermod -aG docker gitlab-runner; mkdir -m 0750 /etc/edox-ops`);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    await Bun.write(`${host.root}/etc/edox-ops/runner.json`, JSON.stringify({ ...record, ...more }, null, 2));
    await Bun.write(`${host.root}${configPath}`, text);
    host.sh(`chmod 600 /etc/edox-ops/runner.json ${configPath}`);
  });
  afterAll(() => ci?.[Symbol.dispose]());

  test("prepare-ci-host: a host of the Python version keeps its Docker, its sources are migrated, and its runner converges", () => {
    const text = ci.host.sh(`cat ${configPath}`).stdout;
    const pid = ci.host.sh("cat /run/docker.pid").stdout;
    const { code, stdout, stderr } = ci.ops("gitlab-runner", "prepare-ci-host", "--yes", ...ci.runnerMirror);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ok {7}docker\.install/);
    expect(ci.host.sh("cat /run/docker.pid; ls /etc/apt/sources.list.d /etc/apt/keyrings").stdout).toBe(
      `${pid}/etc/apt/keyrings:\ndocker.asc\nrunner_gitlab-runner-archive-keyring.asc\n\n/etc/apt/sources.list.d:\ndocker.list\nrunner_gitlab-runner.sources\n`,
    );
    expect(ci.host.sh(`cat ${configPath}`).stdout).toBe(
      text.replace("privileged = false", "privileged = true").replace('["/cache"]', '["/cache", "/certs/client"]'),
    );
    expect(ci.host.sh("apt-get update --error-on=any").code).toBe(0);
    expect(ci.ops("gitlab-runner", "prepare-ci-host", "--check", "--quiet").code).toBe(0);
    expect(ci.ops("gitlab-runner", "status").stdout).toContain(
      "docker, privileged, /cache /certs/client, ours, accepted: yes",
    );
  });
});

describe("faults of repositories, packages and GitLab", () => {
  let ci: CiHost;
  beforeAll(async () => {
    ci = await CiHost.up("bookworm");
    // Only the fault of the repository should make the run fail.
    expect(ci.host.sh("apt-get update -qq && apt-get install -qq ca-certificates >/dev/null").code).toBe(0);
  });
  afterAll(() => ci?.[Symbol.dispose]());

  const faults: [string, Fault, RegExp][] = [
    ["docker.install", "tampered", /BADSIG|sign/i],
    ["docker.install", "mismatched", /Hash Sum mismatch|unexpected size/],
    ["docker.install", "foreign", /NO_PUBKEY|not signed/],
    ["docker.install", "swapped", /is refused: it is [0-9A-F]{40}, and not/],
    ["docker.install", "expired", /expired/],
    ["runner.install", "swapped", /is refused: it is [0-9A-F]{40}, and not/],
  ];
  for (const [step, fault, words] of faults) {
    test(`prepare-ci-host: ${step} from a repository that is ${fault} fails and changes nothing`, async () => {
      const listing = ci.host.listing("/etc");
      await ci.server.swap(spoiled(ci.packages, step === "docker.install" ? "docker" : "gitlab", fault));
      const { code, stderr } = ci.prepare("--only", step);
      expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
      expect(stderr).toMatch(/^hint: /m);
      expect(ci.host.listing("/etc")).toBe(listing);
    });
  }

  test("prepare-ci-host: a daemon.json that dockerd rejects is reported with its reason, and the source stays", async () => {
    await ci.server.swap(ci.packages.folder);
    ci.host.sh("mkdir -p /etc/docker; echo '{ \"no-such-option\": 1 }' >/etc/docker/daemon.json");
    const failed = ci.prepare("--only", "docker.install");
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringMatching(/unable to configure the Docker daemon with file \/etc\/docker\/daemon\.json/),
    ]);
    // An earlier version rolled these back, and then treated the engine as foreign when it responded.
    ci.host.sh("rm /etc/docker/daemon.json; systemctl reset-failed docker; systemctl start docker");
    const check = () => ci.ops("gitlab-runner", "prepare-ci-host", "--check", "--only", "docker.install");
    expect(check().code).toBe(0);
    // A running dockerd continues, but its next start would fail.
    ci.host.sh("sleep 0.1; echo bogus >/etc/docker/daemon.json");
    expect(check()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("/etc/docker/daemon.json is not JSON: "),
    });
    ci.host.sh("echo '{ \"mtu\": 1400 }' >/etc/docker/daemon.json");
    expect(check().code).toBe(0);
    ci.host.sh(
      "rm /etc/docker/daemon.json; rm /etc/apt/sources.list.d/docker.sources /etc/apt/keyrings/docker.asc; apt-get update -qq",
    );
    const healed = ci.prepare("--only", "docker.install");
    expect([healed.code, healed.stdout]).toEqual([0, expect.stringContaining("changed  docker.install")]);
    expect(ci.host.sh("apt-get update -qq; apt-cache policy docker-ce").stdout).toContain(ci.server.url);
  });

  test("prepare-ci-host: a key with another fingerprint is rejected, and apt keeps rejecting it later", async () => {
    const { docker } = ci.packages;
    await ci.server.swap(ci.packages.folder);
    const words = ["--docker-apt-url", `${ci.server.url}${docker.path}`, "--docker-apt-fingerprint", "A".repeat(40)];
    const { code, stderr } = ci.ops("gitlab-runner", "prepare-ci-host", "--yes", "--only", "docker.install", ...words);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`it is ${docker.fingerprint}, and not AAAA`)]);
    expect(ci.prepare().code).toBe(0);
    // Replacing the key file with another key has no effect.
    await ci.server.swap(spoiled(ci.packages, "docker", "swapped"));
    const swapped = `curl -fsS ${ci.server.url}${docker.keyPath} -o /etc/apt/keyrings/docker.asc && rm -rf /var/lib/apt/lists/* && apt-get update --error-on=any`;
    const update = ci.host.sh(`apt-get install -qq curl >/dev/null; ${swapped}`);
    expect([update.code, update.stderr]).toEqual([100, expect.stringMatching(/not signed|NO_PUBKEY|Missing key/)]);
  });

  test("prepare-ci-host: a foreign Docker with two conflicting sources names both, and the hint repairs it", async () => {
    await ci.server.swap(ci.packages.folder);
    const { docker } = ci.packages;
    const dir = "/etc/apt/sources.list.d";
    const uri = `${ci.server.url}${docker.path}`;
    ci.host.sh(`curl -fsS ${ci.server.url}${docker.keyPath} -o /etc/apt/keyrings/docker.asc; cp /etc/apt/keyrings/docker.asc /root
      echo 'deb [signed-by=/root/docker.asc] ${uri} bookworm stable' >${dir}/docker.list
      sed -i '/^#/d; s,^Signed-By: .*,Signed-By: /etc/apt/keyrings/docker.asc,' ${dir}/docker.sources`);
    const words = `apt cannot read its sources: ${dir}/docker.list and ${dir}/docker.sources name ${uri} bookworm with different values of Signed-By`;
    expect(ci.ops("doctor").stdout).toContain(
      `[FAIL] apt:sources: ${words} (run: mv ${dir}/docker.list ${dir}/docker.list.disabled)\n`,
    );
    // A host with nothing to install is not stopped by the conflict.
    expect(ci.prepare()).toMatchObject({ code: 0, stderr: "" });
    ci.host.sh("dpkg --purge --force-depends gitlab-runner-helper-images");
    const listing = ci.host.listing("/etc");
    const refused = ci.prepare();
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(`${words}\nhint: mv ${dir}/docker.list ${dir}/docker.list.disabled\n`),
    ]);
    expect(ci.host.listing("/etc")).toBe(listing);
    ci.host.sh(`mv ${dir}/docker.list ${dir}/docker.list.disabled`);
    expect(ci.prepare().code).toBe(0);

    // A conflict with a source of edox-ops is repaired by the step that it would stop.
    const { gitlab } = ci.packages;
    const older = `deb [signed-by=/root/docker.asc] ${ci.server.url}${gitlab.path} bookworm main`;
    ci.host.sh(`echo '${older}' >${dir}/runner_gitlab-runner.list`);
    expect(ci.host.run(["apt-get", "update"]).stderr).toContain("Conflicting values set for option Signed-By");
    expect(ci.prepare("--only", "runner.install").code).toBe(0);
    expect(ci.host.run(["apt-get", "update", "--error-on=any"])).toMatchObject({ code: 0, stderr: "" });
  });

  test("upgrade: a version of gitlab-runner whose script fails is reported once, and replaced by the next", () => {
    const release = `cd /root && apt-get download -qq gitlab-runner 2>/dev/null && dpkg-deb -R gitlab-runner_*.deb broken
      sed -i 's/^Version: .*/Version: 19.3.9-1/; s/helper-images (= [^)]*)/helper-images/' broken/DEBIAN/control
      sed -i '2i exit 7' broken/DEBIAN/postinst; dpkg-deb -Znone --build broken broken.deb >/dev/null && dpkg -i broken.deb`;
    expect(ci.host.sh(release).stderr).toContain("script subprocess returned error exit status 7");
    ci.host.sh("mv /var/lib/apt/lists /root/lists; mv /etc/apt/sources.list.d /root/sources");
    const failed = ci.ops("gitlab-runner", "upgrade");
    ci.host.sh("mv /root/lists /var/lib/apt/lists; mv /root/sources /etc/apt/sources.list.d");
    expect([failed.code, failed.stderr.match(/^error: /gm)?.length]).toEqual([1, 1]);
    expect(failed.stderr).toContain("dpkg stops at gitlab-runner\n");
    expect(failed.stderr).toContain("hint: apt-get install gitlab-runner\n");
    expect(ci.ops("gitlab-runner", "upgrade").code).toBe(0);
    const state = ci.host.sh("dpkg -s gitlab-runner | grep -E '^(Status|Version)'; systemctl is-active gitlab-runner");
    expect(state.stdout).toBe("Status: install ok installed\nVersion: 19.4.0-1\nactive\n");
  });

  test("install: a group that outlives the user gitlab-runner, and a user missing in passwd, are reused", () => {
    ci.host.sh("useradd alice; usermod -aG gitlab-runner alice");
    expect(ci.ops("gitlab-runner", "uninstall", "--purge", "--yes").code).toBe(0);
    expect(ci.host.sh("getent group gitlab-runner; id gitlab-runner").stdout).toMatch(/^gitlab-runner:x:\d+:alice\n$/);
    const install = () => ci.ops("gitlab-runner", "install", "--yes", ...ci.runnerMirror).code;
    expect(install()).toBe(0);
    const owner = ci.host.sh("stat -c '%u %g' /home/gitlab-runner").stdout;
    ci.host.sh("sed -i /^gitlab-runner:/d /etc/passwd");
    expect(install()).toBe(0);
    expect(ci.host.sh("echo $(id -u gitlab-runner) $(id -g gitlab-runner)").stdout).toBe(owner);
  });

  // The host is prepared now, and the last of these tests ends its GitLab.
  describe("GitLab", () => {
    beforeAll(async () => {
      expect(ci.prepare().code).toBe(0);
      ci.secret("token", await ci.gitlab.addRunner());
    });
    const register = () => ci.ops(...ci.registering, "--profile", "ci", "--token-file", "/root/token");
    const path = "/runners/verify";

    const refusals: [string, Parameters<CiHost["gitlab"]["answer"]>[0], RegExp][] = [
      ["fails for long", { path, status: 500, times: 5 }, /answers 500.*: try again later/],
      [
        "redirects",
        { path, status: 301, headers: { location: "https://gitlab.com/" } },
        /redirects to https:\/\/gitlab\.com\//,
      ],
      [
        "responds with a page",
        { path, status: 200, headers: { "content-type": "text/html" }, body: "<html>" },
        /not as a GitLab does/,
      ],
      [
        "requests a retry after an hour",
        { path, status: 429, headers: { "retry-after": "3600" } },
        /answers 429.*: try again later/,
      ],
      ["does not respond", { path, delayMs: 120_000 }, /no answer within 30 s/],
    ];
    for (const [what, answer, words] of refusals) {
      test(`register: a GitLab that ${what} changes nothing, and the cause is named`, async () => {
        await ci.gitlab.answer(answer);
        const listing = ci.host.listing("/etc");
        const { code, stderr } = register();
        expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
        expect(ci.host.listing("/etc")).toBe(listing);
      });
    }

    test("register: a slow or temporarily failing GitLab is waited for", async () => {
      await ci.gitlab.answer(
        { path, status: 503, times: 2 },
        { path, status: 429, headers: { "retry-after": "1" } },
        { path, delayMs: 3000 },
      );
      expect(register().code).toBe(0);
    });

    test("install: a service that ends after each start fails with its last lines, and succeeds when it keeps running", () => {
      const { host } = ci;
      // edox-ops does not know this key. It refuses a file that it cannot read itself before anything is started.
      host.sh(`cp -p ${configPath} /root/config; sed -i 's/^check_interval = .*/check_interval = "soon"/' ${configPath}
        systemctl stop gitlab-runner`);
      const failed = ci.ops("gitlab-runner", "install", "--yes", ...ci.runnerMirror);
      const status = ci.ops("gitlab-runner", "status").stdout;
      host.sh(`cp -p /root/config ${configPath}`);
      const reason = /gitlab-runner is not active after .*FATAL: Service run failed +error=decoding configuration file/;
      expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(reason)]);
      expect(status).toContain("service_active: False\n");
      expect(ci.ops("gitlab-runner", "install", "--yes", ...ci.runnerMirror)).toMatchObject({ code: 0, stderr: "" });
      expect(ci.ops("gitlab-runner", "status").stdout).toContain("service_active: True\n");
    });

    test("status, doctor and unregister: an unreachable GitLab is reported, and unregister needs --force", () => {
      ci.gitlab[Symbol.dispose]();
      expect(ci.ops("gitlab-runner", "status").stdout).toContain("accepted: https://");
      expect(ci.ops("doctor").stdout).toMatch(/^\[FAIL\] ci-runner:token: .*cannot be reached: connection refused/m);
      const { code, stderr } = ci.ops("gitlab-runner", "unregister", name);
      expect([code, stderr]).toEqual([1, expect.stringContaining("cannot be reached")]);
      expect(ci.ops("gitlab-runner", "unregister", name, "--force").code).toBe(0);
    });
  });
});

test("prepare-ci-host: on trixie an engine that does not respond is replaced with its data kept, and apt rejects another key", async () => {
  using ci = await CiHost.up("trixie");
  const stopped = `apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends docker.io >/dev/null 2>&1
    systemctl stop docker docker.socket containerd && touch /var/lib/docker/kept`;
  expect(ci.host.sh(stopped).code).toBe(0);
  const only = ["--only", "docker.install", ...ci.mirrors];
  const plan = ci.ops("gitlab-runner", "prepare-ci-host", "--dry-run", ...only);
  expect(plan.stdout).toContain("docker-compose-plugin in place of docker.io, containerd, runc");
  expect(ci.ops("gitlab-runner", "prepare-ci-host", "--yes", ...only).code).toBe(0);
  expect(ci.host.sh("docker version >/dev/null && ls /var/lib/docker/kept").stdout).toBe("/var/lib/docker/kept\n");
  expect(ci.host.sh("dpkg --status docker.io").stdout).toContain("\nStatus: deinstall ok config-files\n");

  // apt of trixie verifies signatures with another program than that of bookworm.
  await ci.server.swap(spoiled(ci.packages, "docker", "swapped"));
  const key = `${ci.server.url}${ci.packages.docker.keyPath}`;
  const update = ci.host.sh(
    `apt-get install -qq curl >/dev/null; curl -fsS ${key} -o /etc/apt/keyrings/docker.asc && rm -rf /var/lib/apt/lists/* && apt-get update --error-on=any`,
  );
  expect([update.code, update.stderr]).toEqual([100, expect.stringMatching(/not signed|Missing key|verify/)]);
});
