// Tests the drain, the upgrade after it, and what an uninstall removes and keeps.

import { describe, expect, test } from "bun:test";
import { typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { fakeGitLab } from "./fake-gitlab.ts";
import { active, oldRunner, preparedRunner } from "./prepared-runner.ts";

const url = "https://gitlab.test";
const token = "glrt-0123456789";
const configPath = "/etc/gitlab-runner/config.toml";

const ran = (host: FakeHost, start: string): number => host.ran.findIndex((line) => line.startsWith(start));

describe("upgrade", () => {
  test("upgrade: without a newer version the service is not stopped", async () => {
    const { host, ops } = await preparedRunner();
    host.taught.unshift((argv) => (argv.includes("--only-upgrade") ? ok() : undefined));
    expect(await ops("upgrade")).toMatchObject({
      exit: 0,
      out: expect.stringContaining("GitLab Runner is up to date.\n"),
    });
    expect(ran(host, "systemctl stop")).toBe(-1);
  });

  test("upgrade: the service is drained before the installation", async () => {
    const { host, ops } = await preparedRunner(3);
    const { exit, out } = await ops("upgrade");
    expect([exit, out]).toEqual([0, expect.stringContaining("GitLab Runner was 1, and is 2\n")]);
    const install = host.ran.findLastIndex(
      (line) => line.startsWith("apt-get") && line.includes("install gitlab-runner"),
    );
    expect(ran(host, "systemctl stop --no-block gitlab-runner")).toBeGreaterThan(0);
    expect(install).toBeGreaterThan(ran(host, "systemctl stop --no-block gitlab-runner"));
    expect(host.text("/var/log/edox-ops/gitlab-runner.log")).toContain("STEP runner.upgrade ");
  });

  test("upgrade: jobs that do not end within --drain stop it, and the service is started again", async () => {
    const { host, ops } = await preparedRunner(Number.POSITIVE_INFINITY);
    const { exit, err } = await ops("upgrade", "--drain", "90s");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("gitlab-runner did not stop within 1.5 min: nothing was changed"),
    ]);
    expect(host.ran.at(-1)).toBe("systemctl start --no-block gitlab-runner");
  });

  test("upgrade: a drain that times out reports the number of running jobs", async () => {
    const { host, ops } = await preparedRunner(Number.POSITIVE_INFINITY);
    host.put("/sys/fs/cgroup/system.slice/gitlab-runner.service/cgroup.procs", "77\n78\n");
    host.put("/proc/78/stat", "78 (bash) S 77 0");
    const { exit, err } = await ops("upgrade", "--drain", "90s");
    expect([exit, err]).toEqual([
      1,
      `waiting at most 1.5 min for 1 running job to end
error: 1 running job did not end within 1.5 min: nothing was changed, and gitlab-runner starts again once it has stopped
hint: edox-ops gitlab-runner status
`,
    ]);
  });

  test("upgrade: it is refused if a stop would abort jobs, and if no runner is installed", async () => {
    const { host, ops } = await preparedRunner();
    host.remove("/etc/systemd/system/gitlab-runner.service.d/edox-ops.conf");
    host.put("/sys/fs/cgroup/system.slice/gitlab-runner.service/cgroup.procs", "77\n78\n");
    host.put("/proc/78/stat", "78 (bash) S 77 0");
    expect((await ops("upgrade")).err).toContain("1 running job would be aborted: systemd stops gitlab-runner at once");
    expect(ran(host, "systemctl stop")).toBe(-1);
    expect((await typedWords(["gitlab-runner", "upgrade"])).err).toContain("GitLab Runner is not installed");
    expect((await ops("upgrade", "--drain", "soon")).exit).toBe(2);
  });
});

describe("gitlab-runner: a drain beside other runs", () => {
  const commands: [string, ...string[]][] = [["upgrade"], ["uninstall", "--yes"]];
  const starting: [string, ...string[]][] = [
    ["install", "--yes"],
    ["prepare-ci-host", "--yes"],
  ];
  const [hostLock, runnerLock] = ["/run/edox-ops/host.lock", "/run/edox-ops/runner.lock"];
  const other = { pid: 7, command: "edox-ops bootstrap --yes", sinceMs: 0 };

  for (const [command, ...words] of commands) {
    test(`${command}: the service is not stopped while another run holds a lock`, async () => {
      for (const path of [hostLock, runnerLock]) {
        const { host, ops } = await preparedRunner();
        host.locks.set(path, other);
        const { length } = host.ran;
        const { exit, err } = await ops(command, ...words);
        expect([exit, err]).toEqual([75, expect.stringContaining("another run holds the lock: edox-ops bootstrap")]);
        expect(host.ran.slice(length)).toEqual([]);
        expect([...host.locks.keys()]).toEqual([path]);
      }
    });

    test(`${command}: a service that another program starts ends the drain at once, and keeps running`, async () => {
      const { host, ops } = await preparedRunner(Number.POSITIVE_INFINITY);
      host.taught.unshift((argv) => {
        if (argv.join(" ") !== "systemctl stop --no-block gitlab-runner") return undefined;
        host.link(active, "another invocation");
        return ok();
      });
      const startMs = host.now();
      const { exit, err } = await ops(command, ...words);
      expect([exit, err]).toEqual([
        1,
        expect.stringContaining("gitlab-runner was started by another program while it was being stopped"),
      ]);
      expect(host.now() - startMs).toBeLessThan(60_000);
      expect([host.readLink(active), host.locks.size]).toEqual(["another invocation", 0]);
    });

    test(`${command}: a service that is started during the wait for the lock stops the change`, async () => {
      const { host, ops } = await preparedRunner();
      const { sleep } = host;
      host.taught.unshift((argv) => {
        if (argv.join(" ") !== "systemctl stop --no-block gitlab-runner") return undefined;
        host.nodes.delete(active);
        host.locks.set(hostLock, other);
        return ok();
      });
      host.sleep = async (ms) => {
        await sleep(ms);
        host.locks.delete(hostLock);
        host.link(active, "another invocation");
      };
      const { exit, err } = await ops(command, ...words);
      expect([exit, err]).toEqual([1, expect.stringContaining("was started by another program")]);
      expect(host.text("/var/lib/dpkg/status")).toContain(oldRunner);
    });

    test(`${command}: a signal during the drain starts the service again and releases the locks`, async () => {
      const { host, ops } = await preparedRunner(Number.POSITIVE_INFINITY);
      const { sleep } = host;
      host.sleep = async (ms) => {
        host.signal = { name: "SIGTERM", number: 15 };
        // A job may need the host's lock, so other runs continue. Only runs that would start the service are excluded.
        expect([...host.locks.keys()]).toEqual([runnerLock]);
        await sleep(ms);
      };
      const { exit, err } = await ops(command, ...words);
      expect([exit, err]).toEqual([143, expect.stringContaining("interrupted by SIGTERM")]);
      expect(host.ran.at(-1)).toBe("systemctl start --no-block gitlab-runner");
      expect(host.locks.size).toBe(0);
    });
  }

  for (const [command, ...words] of starting) {
    test(`${command}: it exits 75 during the drain of an uninstall`, async () => {
      const { host, ops } = await preparedRunner();
      host.nodes.delete(active);
      host.locks.set(runnerLock, { ...other, command: "edox-ops gitlab-runner uninstall --yes" });
      const { length } = host.ran;
      const { exit, err } = await ops(command, ...words);
      expect([exit, err]).toEqual([75, expect.stringContaining("holds the lock: edox-ops gitlab-runner uninstall")]);
      expect([host.ran.slice(length), host.locks.size]).toEqual([[], 1]);
      expect((await ops(command, "--dry-run")).exit).toBe(0);
    });
  }

  test("uninstall: a confirmed run drains the service too", async () => {
    const { host } = await preparedRunner(2);
    const { exit } = await typedWords(["gitlab-runner", "uninstall"], host, true);
    expect(exit).toBe(0);
    expect(ran(host, "systemctl stop --no-block gitlab-runner")).toBeGreaterThan(0);
    const { host: declined } = await preparedRunner();
    const { length } = declined.ran;
    expect((await typedWords(["gitlab-runner", "uninstall"], declined, false)).exit).toBe(1);
    expect(declined.ran.slice(length).filter((line) => line.startsWith("systemctl"))).toEqual([]);
  });

  test("uninstall: a runner that is registered during the drain keeps its token", async () => {
    const { host, ops } = await preparedRunner(2);
    const { sleep } = host;
    const theirs = `[[runners]]\nname = "theirs"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "shell"\n`;
    host.sleep = async (ms) => {
      await sleep(ms);
      host.put(configPath, theirs, { mode: 0o600 });
    };
    const { exit, err } = await ops("uninstall", "--purge", "--yes");
    expect([exit, err]).toEqual([1, expect.stringContaining("--purge would lose its token")]);
    expect(host.text(configPath)).toBe(theirs);
    expect(host.ran.at(-1)).toBe("systemctl start --no-block gitlab-runner");
  });
});

describe("uninstall", () => {
  test("uninstall: the configuration and the user stay, and the output says so", async () => {
    const { host, ops } = await preparedRunner();
    const { exit, out } = await ops("uninstall", "--yes");
    expect(exit).toBe(0);
    expect(out).toContain(
      "GitLab Runner is uninstalled; /etc/gitlab-runner and user gitlab-runner are kept (--purge removes them).",
    );
    expect(host.stat("/etc/gitlab-runner/config.toml")).not.toBeNull();
    expect(host.stat("/run/docker.sock")).not.toBeNull();
    expect(host.text("/var/lib/dpkg/status")).toContain("Package: docker-ce\n");
  });

  test("uninstall: with all its flags /etc is as it was before the installation", async () => {
    const { host, ops, before } = await preparedRunner();
    expect((await ops("uninstall", "--purge", "--docker", "--yes")).exit).toBe(0);
    const after = host.listing("/etc");
    // Files that the packages themselves leave are ignored.
    const theirs =
      /^\/etc\/(systemd\/system\/(multi-user|docker|gitlab-runner\.service$)|passwd|group|ssl|apt\/keyrings$)/;
    const ours = (all: Record<string, string>) => Object.keys(all).filter((path) => !theirs.test(path));
    expect(ours(after)).toEqual(ours(before));
  });

  test("uninstall --purge: a home that belongs to another user stays, with a warning", async () => {
    const { host, ops } = await preparedRunner();
    host.dir("/home/gitlab-runner", { uid: 4711 });
    const { exit, out } = await ops("uninstall", "--purge", "--yes");
    expect([exit, out]).toEqual([
      0,
      expect.stringContaining("warning: /home/gitlab-runner stays: it belongs to the user 4711"),
    ]);
    expect(host.ran).toContain("userdel gitlab-runner");
  });

  test("uninstall: a foreign runner is not stopped, unless --force is given", async () => {
    const { host, ops } = await preparedRunner();
    const theirs = `[[runners]]\nname = "theirs"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "shell"\n`;
    host.put("/etc/gitlab-runner/config.toml", theirs, { mode: 0o600 });
    const { exit, err } = await ops("uninstall", "--yes");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("runner theirs was not registered by edox-ops: it would stop"),
    ]);
    expect((await ops("uninstall", "--purge", "--force", "--yes")).err).toContain("--purge would lose its token");
    expect((await ops("uninstall", "--force", "--yes")).exit).toBe(0);
    expect(host.text("/etc/gitlab-runner/config.toml")).toBe(theirs);
  });

  test("uninstall: it is refused if apt would remove other packages too", async () => {
    const { host, ops } = await preparedRunner();
    host.taught.unshift((argv) =>
      argv.includes("--simulate") ? ok("Purg docker-ce [1]\nRemv precious [1]\n") : undefined,
    );
    const { exit, err } = await ops("uninstall", "--docker", "--yes");
    expect([exit, err]).toEqual([1, expect.stringContaining("apt would also remove docker-ce, precious")]);
    expect(host.text("/var/lib/dpkg/status")).toContain("Package: gitlab-runner\n");
  });

  const container = (name: string, labels: Record<string, string> | null = {}) => ({
    Id: "0123456789abcdef",
    Names: [`/${name}`],
    Labels: labels,
  });
  const running = (host: FakeHost, containers: unknown) =>
    host.served.unshift((_, asked) => {
      if (!asked.endsWith("/containers/json")) return undefined;
      return { status: 200, body: new TextEncoder().encode(JSON.stringify(containers)) };
    });

  test("uninstall --docker: a running container prevents it by name before any change, and in the plan", async () => {
    const { host, ops } = await preparedRunner();
    running(host, [container("web"), container("db", null)]);
    const before = host.listing();
    const words = ["uninstall", "--docker"];
    for (const more of [["--yes"], ["--dry-run"], ["--check"]]) {
      const { exit, out, err } = await ops(...words, ...more);
      expect([exit, out + err]).toEqual([
        1,
        expect.stringContaining(
          "running containers depend on the engine to be removed: web, db; --force removes it anyway",
        ),
      ]);
    }
    expect(host.listing()).toEqual(before);
    expect(ran(host, "systemctl stop")).toBe(-1);
    expect((await ops("uninstall", "--dry-run")).exit).toBe(0);
    const plan = await ops(...words, "--force", "--dry-run");
    expect([plan.exit, plan.out + plan.err]).toEqual([
      0,
      expect.stringContaining("depend on the engine to be removed: web, db"),
    ]);
    expect((await ops(...words, "--force", "--yes")).exit).toBe(0);
    expect(host.text("/var/lib/dpkg/status")).not.toContain("Package: docker-ce\n");
    expect(host.stat("/run/docker.sock")).toBeNull();
  });

  test("uninstall --docker: a job of gitlab-runner does not prevent it, but a container of another containerd does", async () => {
    const { host, ops } = await preparedRunner();
    running(host, [container("runner-1-project-1", { "com.gitlab.gitlab-runner.managed": "true" })]);
    expect((await ops("uninstall", "--docker", "--dry-run")).exit).toBe(0);
    host.served.shift();
    host.put("/proc/4711/comm", "containerd-shim\n");
    const { exit, out, err } = await ops("uninstall", "--docker", "--dry-run");
    expect([exit, out + err]).toEqual([1, expect.stringContaining("depend on the engine to be removed: pid 4711;")]);
    expect(err).toContain("hint: pgrep -a containerd-shim\n");
    host.put("/proc/4711/comm", "bash\n");
    running(host, { message: "no" });
    const refused = await ops("uninstall", "--docker", "--yes");
    expect([refused.exit, refused.err]).toEqual([
      1,
      expect.stringContaining("which containers run cannot be read from"),
    ]);
    expect(ran(host, "systemctl stop")).toBe(-1);
    expect(host.text("/var/lib/dpkg/status")).toContain("Package: docker-ce\n");
  });

  test("uninstall --docker: an engine that is not from Docker's repository stays, and the report says so", async () => {
    const { host, ops } = await preparedRunner();
    host.remove("/etc/apt/sources.list.d/docker.sources");
    const { exit, out } = await ops("uninstall", "--docker", "--yes");
    expect([exit, out]).toEqual([
      0,
      expect.stringContaining("skipped: what answers at /run/docker.sock was not installed by edox-ops and is kept"),
    ]);
    expect(host.stat("/run/docker.sock")).not.toBeNull();
    expect(host.text("/var/lib/dpkg/status")).toContain("Package: docker-ce\n");
  });

  test("uninstall --docker: Podman's link at Docker's socket and Podman's containers stay", async () => {
    const { host, ops } = await preparedRunner();
    host.link("/run/docker.sock", "/run/podman/podman.sock");
    running(host, [container("web")]);
    const { exit, err } = await ops("uninstall", "--docker", "--yes");
    expect([exit, err]).toEqual([0, ""]);
    expect(host.text("/var/lib/dpkg/status")).not.toContain("Package: docker-ce\n");
    expect(host.readLink("/run/docker.sock")).toBe("/run/podman/podman.sock");
  });

  test("uninstall --purge: a registered runner prevents it, and the hint unregisters it", async () => {
    const { host, ops } = await preparedRunner();
    fakeGitLab(host, url).runners.set(token, 41);
    await ops("register", "--url", url, "--profile", "ci", "--token", token);
    const before = host.listing();
    const said = await ops("uninstall", "--purge", "--yes");
    expect([said.exit, said.err]).toEqual([
      1,
      expect.stringContaining("runner edox-ops CI runner is registered: --purge would lose its token"),
    ]);
    expect(said.err).toContain("hint: edox-ops gitlab-runner unregister 'edox-ops CI runner'");
    expect(host.listing()).toEqual(before);
  });
});

describe("status and list", () => {
  test("status: the service and every runner are shown, and no token", async () => {
    const { host, ops } = await preparedRunner();
    const gitlab = fakeGitLab(host, url);
    gitlab.runners.set(token, 41);
    await ops("register", "--url", url, "--profile", "ci", "--token", token);
    host.taught.unshift((argv) =>
      argv.join(" ") === "gitlab-runner --version" ? ok("Version:      19.4.0\n") : undefined,
    );
    const said = await ops("status");
    expect(said.exit).toBe(0);
    expect(said.out).toMatchSnapshot();
    gitlab.runners.clear();
    const json = JSON.parse((await ops("status", "--json")).out);
    expect(json.runner.runners).toMatchObject([
      { name: "edox-ops CI runner", ours: true, accepted: expect.stringContaining("does not know") },
    ]);
    expect(said.out + JSON.stringify(json)).not.toContain(token);
    expect((await ops("list")).out).toBe(`edox-ops CI runner\t${url}\tdocker\tours\n`);
  });

  test("status: a Docker runner without volumes has no empty entry in its line", async () => {
    const { host, ops } = await preparedRunner();
    const text = `[[runners]]\nname = "a"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "docker"\n[runners.docker]\nimage = "i"\n`;
    host.put(configPath, text, { mode: 0o600 });
    fakeGitLab(host, url).runners.set(token, 41);
    host.taught.unshift((argv) => (argv.join(" ") === "gitlab-runner --version" ? ok("Version: 19.4.0\n") : undefined));
    expect((await ops("status")).out).toContain(`\nrunner a: ${url}, docker, foreign, accepted: `);
  });

  test("status: the service is shown even if a file cannot be read", async () => {
    const { host, ops } = await preparedRunner();
    host.taught.unshift((argv) =>
      argv.join(" ") === "gitlab-runner --version" ? ok("Version:      19.4.0\n") : undefined,
    );
    host.put("/etc/edox-ops/runner.json", "{", { mode: 0o600 });
    const { exit, out } = await ops("status");
    expect(exit).toBe(0);
    expect(out).toStartWith("installed: True\n");
    expect(out).toContain("runners: /etc/edox-ops/runner.json is not JSON\n");
  });

  test("status and list: an invalid section and an invalid entry are reported, and every other runner is shown", async () => {
    const { host, ops } = await preparedRunner();
    host.taught.unshift((argv) =>
      argv.join(" ") === "gitlab-runner --version" ? ok("Version:      19.4.0\n") : undefined,
    );
    fakeGitLab(host, url).runners.set(token, 41);
    await ops("register", "--url", url, "--profile", "ci", "--token", token);
    const config = host.text(configPath) ?? "";
    const odd = `[[runners]]\nname = "odd"\nurl = "${url}"\ntoken = ["s3cret"]\nexecutor = "shell"\n\n`;
    host.put(configPath, config.replace("[[runners]]", `${odd}[[runners]]`), { mode: 0o600 });
    const recordPath = "/etc/edox-ops/runner.json";
    const record = JSON.parse(host.text(recordPath) ?? "");
    const spoilt = { ...record, url: 7, runners: [{ name: "odd", id: "x", url }, ...record.runners] };
    host.put(recordPath, JSON.stringify(spoilt), { mode: 0o600 });
    const faults = [
      `${configPath} has runner 1 wrong: token is a text in quotes`,
      `${recordPath} has an invalid entry, runner 1: id is a number`,
    ];
    expect(await ops("list")).toEqual({
      exit: 0,
      out: `edox-ops CI runner\t${url}\tdocker\tours\n`,
      err: faults.map((fault) => `warning: ${fault}\n`).join(""),
    });
    const { exit, out } = await ops("status");
    expect([exit, out]).toEqual([0, expect.stringContaining(", ours, accepted: yes\n")]);
    expect(out).toEndWith(faults.map((fault) => `runners: ${fault}\n`).join(""));
    expect(JSON.parse((await ops("status", "--json")).out).warnings).toEqual(faults);
    expect(out).not.toContain("s3cret");
    // A changing command needs a file that gitlab-runner can load, and keeps invalid entries of the record.
    expect((await ops("unregister", "edox-ops CI runner")).exit).toBe(1);
    host.put(configPath, config, { mode: 0o600 });
    expect(await ops("unregister", "edox-ops CI runner")).toMatchObject({ exit: 0 });
    expect(JSON.parse(host.text(recordPath) ?? "")).toMatchObject({ url: 7, runners: [{ name: "odd", id: "x", url }] });
  });

  test("status: it exits 1 if gitlab-runner is not installed", async () => {
    const host = fakeDebian();
    host.taught.unshift(([program]) =>
      program === "gitlab-runner" ? { code: 127, stdout: "", stderr: "" } : undefined,
    );
    const { exit, out } = await typedWords(["gitlab-runner", "status"], host);
    expect([exit, out]).toEqual([1, expect.stringMatching(/^installed: False\nservice_installed: False\n/)]);
    expect((await typedWords(["gitlab-runner", "list"])).out).toBe("No runners.\n");
  });
});
