// A stop that lets jobs end, an upgrade behind it, and what uninstalling takes and leaves.

import { describe, expect, test } from "bun:test";
import { typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { fakeGitLab } from "./fake-gitlab.ts";
import { preparedRunner } from "./prepared-runner.ts";

const url = "https://gitlab.test";
const token = "glrt-0123456789";
const configPath = "/etc/gitlab-runner/config.toml";

const ran = (host: FakeHost, start: string): number => host.ran.findIndex((line) => line.startsWith(start));

describe("upgrade", () => {
  test("is nothing where there is nothing newer, and the service is not stopped", async () => {
    const { host, ops } = await preparedRunner();
    host.taught.unshift((argv) => (argv.includes("--only-upgrade") ? ok() : undefined));
    expect(await ops("upgrade")).toMatchObject({
      exit: 0,
      out: expect.stringContaining("GitLab Runner is up to date.\n"),
    });
    expect(ran(host, "systemctl stop")).toBe(-1);
  });

  test("drains first, and then installs", async () => {
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

  test("gives up behind jobs that do not end, and the service goes on", async () => {
    const { host, ops } = await preparedRunner(Number.POSITIVE_INFINITY);
    const { exit, err } = await ops("upgrade", "--drain", "90s");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("jobs were still running after 1.5 min: nothing was changed"),
    ]);
    expect(host.ran.at(-1)).toBe("systemctl start --no-block gitlab-runner");
  });

  test("is refused where a stop would abort jobs, and where there is no runner", async () => {
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

describe("uninstall", () => {
  test("leaves the configuration and the user, and says so", async () => {
    const { host, ops } = await preparedRunner();
    const { exit, out } = await ops("uninstall", "--yes");
    expect(exit).toBe(0);
    expect(out).toContain("GitLab Runner is gone; /etc/gitlab-runner and the user gitlab-runner stay (--purge).");
    expect(host.stat("/etc/gitlab-runner/config.toml")).not.toBeNull();
    expect(host.stat("/run/docker.sock")).not.toBeNull();
    expect(host.text("/var/lib/dpkg/status")).toContain("Package: docker-ce\n");
  });

  test("with all its flags leaves /etc as it was before", async () => {
    const { host, ops, before } = await preparedRunner();
    expect((await ops("uninstall", "--purge", "--docker", "--yes")).exit).toBe(0);
    const after = host.listing("/etc");
    // What the packages themselves leave is theirs.
    const theirs =
      /^\/etc\/(systemd\/system\/(multi-user|docker|gitlab-runner\.service$)|passwd|group|ssl|apt\/keyrings$)/;
    const ours = (all: Record<string, string>) => Object.keys(all).filter((path) => !theirs.test(path));
    expect(ours(after)).toEqual(ours(before));
  });

  test("does not stop runners of somebody else, unless it is forced", async () => {
    const { host, ops } = await preparedRunner();
    const theirs = `[[runners]]\nname = "theirs"\nurl = "${url}"\ntoken = "${token}"\nexecutor = "shell"\n`;
    host.put("/etc/gitlab-runner/config.toml", theirs, { mode: 0o600 });
    const { exit, err } = await ops("uninstall", "--yes");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("runner theirs was registered by somebody else: it would stop"),
    ]);
    expect((await ops("uninstall", "--purge", "--force", "--yes")).err).toContain("--purge would lose its token");
    expect((await ops("uninstall", "--force", "--yes")).exit).toBe(0);
    expect(host.text("/etc/gitlab-runner/config.toml")).toBe(theirs);
  });

  test("is not done where other packages would go too", async () => {
    const { host, ops } = await preparedRunner();
    host.taught.unshift((argv) =>
      argv.includes("--simulate") ? ok("Purg docker-ce [1]\nRemv precious [1]\n") : undefined,
    );
    const { exit, err } = await ops("uninstall", "--docker", "--yes");
    expect([exit, err]).toEqual([1, expect.stringContaining("apt would take away docker-ce, precious too")]);
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

  test("uninstall --docker: a running container stops it by name before anything is changed, and in the plan", async () => {
    const { host, ops } = await preparedRunner();
    running(host, [container("web"), container("db", null)]);
    const before = host.listing();
    const words = ["uninstall", "--docker"];
    for (const more of [["--yes"], ["--dry-run"], ["--check"]]) {
      const { exit, out, err } = await ops(...words, ...more);
      expect([exit, out + err]).toEqual([
        1,
        expect.stringContaining(
          "containers run that would lose their engine: web, db; --force removes it all the same",
        ),
      ]);
    }
    expect(host.listing()).toEqual(before);
    expect((await ops("uninstall", "--dry-run")).exit).toBe(0);
    const plan = await ops(...words, "--force", "--dry-run");
    expect([plan.exit, plan.out + plan.err]).toEqual([0, expect.stringContaining("would lose their engine: web, db")]);
    expect((await ops(...words, "--force", "--yes")).exit).toBe(0);
    expect(host.text("/var/lib/dpkg/status")).not.toContain("Package: docker-ce\n");
    expect(host.stat("/run/docker.sock")).toBeNull();
  });

  test("uninstall --docker: a job of gitlab-runner does not stop it, a container of another containerd does", async () => {
    const { host, ops } = await preparedRunner();
    running(host, [container("runner-1-project-1", { "com.gitlab.gitlab-runner.managed": "true" })]);
    expect((await ops("uninstall", "--docker", "--dry-run")).exit).toBe(0);
    host.served.shift();
    host.put("/proc/4711/comm", "containerd-shim\n");
    const { exit, out, err } = await ops("uninstall", "--docker", "--dry-run");
    expect([exit, out + err]).toEqual([1, expect.stringContaining("would lose their engine: pid 4711;")]);
    host.put("/proc/4711/comm", "bash\n");
    running(host, { message: "no" });
    expect((await ops("uninstall", "--docker", "--yes")).exit).toBe(1);
    expect(host.text("/var/lib/dpkg/status")).toContain("Package: docker-ce\n");
  });

  test("takes no runner's token with it: it is to be unregistered first", async () => {
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

describe("looking", () => {
  test("status tells the service and every runner, and no token", async () => {
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

  test("status tells the service also where a file cannot be read", async () => {
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
    // A change waits for a file that gitlab-runner can load, and keeps what it cannot use of the record.
    expect((await ops("unregister", "edox-ops CI runner")).exit).toBe(1);
    host.put(configPath, config, { mode: 0o600 });
    expect(await ops("unregister", "edox-ops CI runner")).toMatchObject({ exit: 0 });
    expect(JSON.parse(host.text(recordPath) ?? "")).toMatchObject({ url: 7, runners: [{ name: "odd", id: "x", url }] });
  });

  test("status ends with 1 where there is no runner", async () => {
    const host = fakeDebian();
    host.taught.unshift(([program]) =>
      program === "gitlab-runner" ? { code: 127, stdout: "", stderr: "" } : undefined,
    );
    const { exit, out } = await typedWords(["gitlab-runner", "status"], host);
    expect([exit, out]).toEqual([1, expect.stringMatching(/^installed: False\nservice_installed: False\n/)]);
    expect((await typedWords(["gitlab-runner", "list"])).out).toBe("No runners.\n");
  });
});
