// States of a CI host in memory with a GitLab, each with the hint that it produces.

import { lockPath } from "../../src/engine/paths.ts";
import { runnerLockPath, selftestLockPath } from "../../src/runner/paths.ts";
import { makeBundle } from "../bundle/small.ts";
import { secretLine } from "../cli/typed.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addDocker } from "../runner/cleanup/fake-docker.ts";
import { type FakeGitLab, fakeGitLab } from "../runner/fake-gitlab.ts";
import { preparedRunner } from "../runner/prepared-runner.ts";
import { type Case, hold, release } from "./cases.ts";

const url = "https://gitlab.test";
const other = "https://other.test";
const configPath = "/etc/gitlab-runner/config.toml";
const statePath = "/etc/edox-ops/runner.json";
const token = "glrt-canary-0123456789";
const register = `gitlab-runner register --url ${url} --profile ci --description a`;

const fromMirror = `gitlab-runner install --yes --runner-apt-url http://mirror.test/runner --runner-apt-fingerprint ${"A".repeat(40)}`;

export interface Runners {
  host: FakeHost;
  gitlab: FakeGitLab;
  /** The address of a second GitLab. */
  second: FakeGitLab;
  ops(...words: string[]): Promise<{ exit: number; out: string; err: string }>;
}

export type RunnerCase = Omit<Case, "state"> & { state(runners: Runners): unknown };

/**
 * A prepared CI host, two GitLabs and gitlab.com that accept the token on stdin, and a gitlab-runner that can
 * unregister.
 */
export async function runnerHost(): Promise<Runners> {
  const { host, ops } = await preparedRunner(0);
  const all = [url, other, "https://gitlab.com"].map((each) => fakeGitLab(host, each));
  for (const gitlab of all) gitlab.runners.set(secretLine, 50).set(token, 41);
  const [gitlab, second] = all as [FakeGitLab, FakeGitLab];
  host.taught.unshift((argv) => {
    if (argv.join(" ") === "gitlab-runner --version") return ok("Version:      19.4.0\n");
    if (argv.slice(0, 3).join(" ") !== "gitlab-runner unregister --name") return undefined;
    const [head = "", ...sections] = (host.text(configPath) ?? "").split("[[runners]]");
    const left = sections.filter((each) => !each.includes(`name = "${argv[3]}"`));
    host.put(configPath, [head, ...left].join("[[runners]]"), { mode: 0o600 });
    return ok();
  });
  host.dir("/srv");
  await host.sleep(1000);
  return { host, gitlab, second, ops };
}

const config = (text: string) => (runners: Runners) => runners.host.put(configPath, text, { mode: 0o600 });
const section = (more: string) => `[[runners]]\nname = "theirs"\nurl = "${url}"\ntoken = "${token}"\n${more}`;

async function registered({ ops }: Runners, ...more: string[]): Promise<void> {
  const { exit, err } = await ops(...register.split(" ").slice(1), "--token", token, ...more);
  if (exit !== 0) throw new Error(err);
}

export const runnerCases: RunnerCase[] = [
  // config.toml and runner.json
  {
    of: 'problem/show-file.ts ["sudo", "sed", "-n", `{line}p`, path]',
    state: config("concurrent = 1\nbogus\n"),
    from: "gitlab-runner list",
    shows: "bogus",
  },
  {
    of: 'problem/show-file.ts ["sudo", "sed", "-n", `{line}p`, path]',
    state: ({ host }) => host.put(configPath, Buffer.from("# one\nname = \xff here\n", "latin1"), { mode: 0o600 }),
    from: "gitlab-runner list",
    shows: "here",
  },
  {
    of: `problem/show-file.ts ["sudo", "grep", "-nv", 'token *= *"', path]`,
    state: config(section("executor = 7\n")),
    from: `${register} --token ${token}`,
    shows: "5:executor = 7\n",
  },
  {
    of: `problem/show-file.ts ["sudo", "grep", "-nv", 'token *= *"', path]`,
    state: config(section('executor = "shel"\n')),
    from: "ci-runner:config",
    shows: 'executor = "shel"',
  },
  {
    of: `problem/show-file.ts ["sudo", "grep", "-nv", 'token *= *"', path]`,
    state: config('[[runners]]\ntoken = 7\nexecutor = "shell"\n'),
    from: `${register} --token ${token}`,
    shows: "2:token = 7",
  },
  {
    of: 'problem/show-file.ts ["sudo", "cat", "-n", path]',
    state: ({ host }) => host.put(statePath, '{\n"runners": oops}', { mode: 0o600 }),
    from: `${register} --token ${token}`,
    shows: '2\t"runners": oops}',
  },
  {
    of: 'problem/show-file.ts ["sudo", "cat", "-n", path]',
    state: ({ host }) => host.put("/etc/docker/daemon.json", "{\nbogus\n}\n"),
    from: "gitlab-runner prepare-ci-host --yes",
    shows: "2\tbogus",
  },
  {
    of: 'problem/regular-file.ts ["ls", "-ld", path]',
    state({ host }) {
      host.remove(configPath);
      host.dir(configPath);
    },
    from: `${register} --token ${token}`,
    shows: "drwx",
  },
  {
    of: 'runner/runners.ts ["ls", "-l", runnerConfigPath]',
    state({ host }) {
      host.remove(configPath);
      host.link(configPath, "/srv/config.toml");
    },
    from: `${register} --token ${token}`,
    shows: "-> /srv/config.toml",
  },
  // cleanup
  {
    of: 'runner/cleanup/checks.ts ["sudo", "edox-ops", "gitlab-runner", "cleanup", "enable", "--yes"]',
    state({ host }) {
      host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
      addDocker(host).free = 2e9;
    },
    from: "ci-runner:disk",
    after: "ci-runner:cleanup",
  },
  {
    of: 'runner/cleanup/run.ts ["sudo", "edox-ops", "gitlab-runner", "cleanup", "enable", "--yes"]',
    state({ host }) {
      host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
      addDocker(host);
    },
    from: "gitlab-runner cleanup run",
  },
  // register
  {
    of: 'runner/registration/admission.ts ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"]',
    state: withoutRunner,
    from: `${register} --token ${token}`,
  },
  {
    of: 'runner/registration/admission.ts ["edox-ops", "gitlab-runner", "list"]',
    async state(runners) {
      runners.gitlab.accessTokens.add("glpat-01234567");
      const words = [...register.split(" ").slice(1), "--access-token", "glpat-01234567", "--project", "7"];
      await runners.ops(...words);
    },
    from: `${register} --access-token glpat-01234567 --group 3`,
    shows: `a\t${url}\tdocker\tours`,
  },
  {
    of: 'runner/registration/admission.ts [...server.again, "--replace"]',
    async state(runners) {
      runners.gitlab.registrationTokens.add("GR1348941older");
      await runners.ops(...register.split(" ").slice(1), "--token", "GR1348941older");
      runners.gitlab.runners.delete("made-102");
    },
    from: `${register} --token GR1348941older`,
    after: "ci-runner:token",
  },
  {
    of: 'cli/gitlab-runner/register-request.ts ["sudo", "edox-ops", ...typed, ...(isTyped ? [] : [kind === "access" ? "--access-token" : "--token", "-"])]',
    state: () => {},
    from: `${register} --token glrt-mistyped-0123`,
    after: "ci-runner:token",
  },
  {
    of: 'cli/gitlab-runner/register-request.ts ["sudo", "edox-ops", ...rest, flag, "-"]',
    state: () => {},
    from: register,
    after: "ci-runner:token",
  },
  {
    of: 'cli/gitlab-runner/register-request.ts (["edox-ops", ...context.typed], "--url", "https://gitlab.com")',
    state: () => {},
    from: `gitlab-runner register --profile ci --token ${token}`,
    after: "ci-runner:token",
  },
  {
    of: 'cli/gitlab-runner/register-request.ts ["openssl", "x509", "-in", path, "-noout", "-subject"]',
    state: ({ host }) => host.put("/etc/ssl/ours.pem", "no certificate\n"),
    from: `${register} --ca-file /etc/ssl/ours.pem --token ${token}`,
    shows: "certificate",
  },
  {
    of: 'runner/registration/section.ts (registration.server.again, "--url", other.url)',
    state: config(section('executor = "shell"\n').replace(url, other).replace(token, secretLine)),
    from: `${register} --token ${secretLine}`,
    after: "ci-runner:token",
  },
  {
    of: 'runner/registration/gitlab-response.ts (again, "--url", base)',
    state: ({ gitlab }) => {
      gitlab.next.push({ status: 301, headers: { location: `${other}/api/v4/runners/verify` } });
    },
    from: `${register} --token ${token}`,
    after: "ci-runner:token",
  },
  {
    of: 'cli/gitlab-runner/register-profile.ts (["edox-ops", ...typed], "--profile", near)',
    state: () => {},
    from: `gitlab-runner register --url ${url} --profile cii --description a --token ${token}`,
    after: "ci-runner:token",
  },
  {
    of: 'runner/registration/profile.ts ["edox-ops", "gitlab-runner", "register", "--help"]',
    state: ({ host }) => host.put("/etc/profile.toml", "x = 1\n"),
    from: `gitlab-runner register --url ${url} --profile /etc/profile.toml --token ${token}`,
    shows: "TOML file with [[runners]]",
  },
  {
    of: 'runner/docker-in-docker.ts ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"]',
    state: withoutDocker,
    from: `${register} --token ${token}`,
  },
  // unregister and uninstall
  {
    of: 'runner/registration/unregister.ts ["edox-ops", "gitlab-runner", "list"]',
    state: (runners) => registered(runners),
    from: "gitlab-runner unregister b",
    shows: `a\t${url}`,
  },
  {
    of: 'runner/registration/unregister.ts ["sudo", "gitlab-runner", "unregister", "--name", name]',
    state: config(section('executor = "shell"\n')),
    from: "gitlab-runner unregister theirs",
    after: "gitlab-runner uninstall --purge --yes",
  },
  {
    of: 'runner/registration/unregister.ts ["sudo", "gitlab-runner", "unregister", "--name", recorded.name]',
    async state(runners) {
      await registered(runners);
      const text = runners.host.text(configPath) ?? "";
      config(text.replace(url, other).replace("id = 41", "id = 7"))(runners);
    },
    from: "gitlab-runner unregister a",
  },
  {
    of: 'runner/registration/unregister.ts (typed, "--url", url)',
    state: twins,
    from: "gitlab-runner unregister a",
  },
  {
    of: 'runner/uninstall.ts ["sudo", "edox-ops", "gitlab-runner", "unregister", first.name, ...which]',
    state: (runners) => registered(runners),
    from: "gitlab-runner uninstall --purge --yes",
  },
  {
    of: 'runner/uninstall.ts ["sudo", "edox-ops", "gitlab-runner", "unregister", first.name, ...which]',
    // The name alone would be ambiguous.
    state: twins,
    from: "gitlab-runner uninstall --purge --yes",
    steps: 2,
  },
  {
    of: 'runner/uninstall.ts ["sudo", "gitlab-runner", "unregister", "--name", foreign.name]',
    state: config(section('executor = "shell"\n')),
    from: "gitlab-runner uninstall --yes",
  },
  // upgrade, prepare-ci-host and selftest
  {
    of: 'runner/upgrade.ts ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"]',
    state: withoutRunner,
    from: "gitlab-runner upgrade",
  },
  {
    of: 'runner/upgrade.ts ["sudo", "apt-get", "update"]',
    state({ host }) {
      const stderr = "E: Failed to fetch https://packages.gitlab.com/runner/gitlab-runner/debian/InRelease  503\n";
      host.taught.unshift((argv) =>
        argv[0] === "apt-get" && argv.includes("update") ? { code: 100, stdout: "", stderr } : undefined,
      );
    },
    from: "gitlab-runner upgrade",
    shows: "Failed to fetch https://packages.gitlab.com",
  },
  {
    of: 'runner/service.ts [path, "--version"]',
    state(runners) {
      withoutRunner(runners);
      runners.host.put("/usr/local/bin/gitlab-runner", "#!/bin/sh\necho Version: 17.0.0\n", { mode: 0o755 });
    },
    from: "gitlab-runner upgrade",
    shows: "Version: 17.0.0",
  },
  {
    of: 'engine/transact.ts ["sudo", ...argv]',
    state({ host }) {
      const path = "/etc/systemd/system/gitlab-runner.service.d/edox-ops.conf";
      host.remove(path);
      const stderr = "Failed to reload daemon: Connection timed out\n";
      host.taught.unshift((argv) =>
        argv.join(" ") === "systemctl daemon-reload" ? { code: 1, stdout: "", stderr } : undefined,
      );
    },
    from: "gitlab-runner install --yes",
    shows: "Failed to reload daemon: Connection timed out",
  },
  // The repositories of apt
  {
    of: 'resources/apt-repository.ts ["ls", "-l", origin]',
    state: () => {},
    from: `${fromMirror} --runner-apt-key /srv/none.asc`,
    shows: "'/srv/none.asc': No such file or directory",
  },
  {
    of: 'resources/apt-repository.ts ["gpg", "--show-keys", keyOrigin]',
    state: ({ host }) => host.put("/srv/other.gpg", "a web page\n"),
    from: `${fromMirror} --runner-apt-key /srv/other.gpg`,
    shows: "no valid OpenPGP data found",
  },
  {
    of: 'resources/apt-repository.ts ["cat", "-n", path]',
    state({ host }) {
      const ours = "deb https://packages.gitlab.com/runner/gitlab-runner/debian bookworm main\n";
      host.put("/etc/apt/sources.list.d/both.list", `${ours}deb http://other.test x main\n`);
    },
    from: "gitlab-runner install --yes",
    shows: "2\tdeb http://other.test x main",
  },
  {
    // Nothing listens on this port of this machine.
    of: 'resources/apt-repository.ts ["curl", "-fsSLI", url]',
    state: () => {},
    from: `${fromMirror} --runner-apt-key http://127.0.0.1:1/key.asc`,
    shows: "curl: (7)",
  },
  {
    of: 'runner/drain.ts ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"]',
    state(runners) {
      runners.host.remove("/etc/systemd/system/gitlab-runner.service.d/edox-ops.conf");
      runJobs(runners);
    },
    from: "gitlab-runner uninstall --yes",
  },
  {
    of: 'runner/drain.ts ["sudo", "edox-ops", "gitlab-runner", "status"]',
    state(runners) {
      runJobs(runners);
      runners.host.taught.unshift((argv) => (argv.join(" ").startsWith("systemctl stop") ? ok() : undefined));
    },
    from: "gitlab-runner uninstall --drain 2s --yes",
    shows: "jobs",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state: ({ host }) => hold(host, runnerLockPath),
    lifts: release,
    from: "gitlab-runner uninstall --yes",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state: ({ host }) => hold(host, lockPath),
    lifts: release,
    from: "gitlab-runner uninstall --yes",
  },
  {
    of: 'runner/docker-in-docker.ts ["edox-ops", "gitlab-runner", "list"]',
    state: (runners) => registered(runners),
    from: "gitlab-runner prepare-ci-host --runner b --yes",
    shows: `a\t${url}\tdocker`,
  },
  {
    of: 'runner/selftest.ts ["sudo", "grep", "-n", "url", runnerConfigPath]',
    state: config(section('executor = "docker"\n').replace(url, "ftp://gitlab.test")),
    from: "gitlab-runner selftest",
    shows: 'url = "ftp://gitlab.test"',
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state(runners) {
      withEngine(runners);
      hold(runners.host, selftestLockPath);
    },
    lifts: release,
    from: "gitlab-runner selftest",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...environment.typed]',
    state(runners) {
      withEngine(runners);
      runners.host.signal = { name: "SIGTERM", number: 15 };
    },
    lifts(host) {
      host.signal = null;
    },
    from: "gitlab-runner selftest",
  },
  {
    of: 'runner/selftest-image.ts ["sudo", ...withFlag(typed, "--image", "dind.tar")]',
    // The file is what `docker save` wrote on a host that can pull the image.
    state: (runners) => withEngine(runners, /^(pull|image inspect docker)/),
    from: "gitlab-runner selftest",
    after: "gitlab-runner selftest --image dind.tar",
  },
  {
    of: 'bundle/show-hint.ts ["edox-ops", "bundle", "show", path]',
    state(runners) {
      withEngine(runners);
      runners.host.dir("/srv");
      return makeBundle(runners.host, "/srv/edox.tar", {});
    },
    from: "gitlab-runner selftest --bundle /srv/edox.tar",
    shows: "images: 0",
  },
  {
    of: 'cli/gitlab-runner/selftest.ts [ "sudo", "edox-ops", "gitlab-runner", "register", "--profile", "ci", "--url", "https://gitlab.com", "--token", "-", ]',
    state: () => {},
    from: "gitlab-runner selftest",
    after: "ci-runner:token",
  },
  // doctor
  {
    of: 'runner/checks.ts ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"]',
    state: ({ host }) => host.put("/etc/passwd", "root:x:0:0::/root:/bin/bash\n"),
    from: "runner:user:gitlab-runner",
  },
  {
    of: 'runner/checks.ts ["sudo", "install", "-d", "-m", "0750", ...owner, missing]',
    state: () => {},
    from: "runner:home:/home/gitlab-runner",
  },
  {
    of: 'runner/checks.ts ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"]',
    state(runners) {
      config(section('executor = "shell"\n'))(runners);
      runners.host.put("/etc/group", "root:x:0:\ndocker:x:998:\n");
    },
    from: "ci-runner:docker-group",
  },
  {
    of: 'runner/checks.ts ["sudo", "edox-ops", "gitlab-runner", "status"]',
    state: config(section('executor = "shell"\n').replace(token, "glrt-unknown-0123")),
    from: "ci-runner:token",
    shows: "accepted: no",
  },
  {
    of: 'runner/checks.ts ["sudo", "grep", "-nE", "concurren|name", runnerConfigPath]',
    state: config(`concurrent = 2\n${section('executor = "shell"\n')}`),
    from: "ci-runner:polling",
    shows: "1:concurrent = 2",
  },
  {
    of: 'runner/checks.ts ["sudo", "edox-ops", ...register]',
    async state(runners) {
      await registered(runners);
      runners.host.link("/etc/nginx/sites-enabled/edox-ops-demo", "/etc/nginx/sites-available/edox-ops-demo");
    },
    from: "ci-runner:shared-host",
    shows: "GitLab Runner registered successfully.",
  },
];

function withoutRunner({ host }: Runners): void {
  const all = (host.text("/var/lib/dpkg/status") ?? "").split("\n\n");
  host.put("/var/lib/dpkg/status", all.filter((each) => !each.startsWith("Package: gitlab-runner")).join("\n\n"));
  host.nodes.delete("/run/systemd/units/invocation:gitlab-runner.service");
}

/** The daemon creates the socket when it starts. */
function withoutDocker({ host }: Runners): void {
  host.nodes.delete("/run/docker.sock");
  host.nodes.delete("/run/systemd/units/invocation:docker.service");
  host.taught.unshift((argv) => {
    if (argv.join(" ") === "systemctl reload-or-restart docker") host.put("/run/docker.sock", "");
    return undefined;
  });
}

/** Two runners with the same name at two GitLabs. */
async function twins(runners: Runners): Promise<void> {
  await registered(runners);
  const words = register.replace(url, other).split(" ").slice(1);
  runners.second.runners.set("glrt-second-0123", 42);
  await runners.ops(...words, "--token", "glrt-second-0123");
}

/** An engine with the commands that a selftest runs, of which those that match fail, and a privileged runner. */
function withEngine(runners: Runners, fails = /^$/): void {
  config(section('executor = "docker"\n[runners.docker]\nimage = "x"\nprivileged = true\n'))(runners);
  runners.host.taught.unshift((argv) => {
    if (argv[0] !== "docker") return undefined;
    const line = argv.slice(1).join(" ");
    if (fails.test(line)) return { code: 1, stdout: "", stderr: "not found\n" };
    if (argv[1] === "load") return ok("Loaded image: dind:1\n");
    return ok(line.includes("Config.Volumes") ? "/cache\n/var/lib/docker\n\n" : "0123\n");
  });
}

function runJobs({ host }: Runners): void {
  const job = [{ Labels: { "com.gitlab.gitlab-runner.managed": "true", "com.gitlab.gitlab-runner.job.id": "1" } }];
  host.served.unshift((_, asked, { socketPath }) => {
    if (socketPath === undefined || !asked.includes("containers/json")) return undefined;
    return { status: 200, body: new TextEncoder().encode(JSON.stringify(job)) };
  });
}
