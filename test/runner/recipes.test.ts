// Tests prepare-ci-host on hosts with a foreign Docker, older sources or foreign runners.

import { describe, expect, test } from "bun:test";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { select } from "../../src/engine/select.ts";
import { UnknownStateError } from "../../src/host/host.ts";
import { waitFor } from "../../src/problem/wait.ts";
import { dindEdits } from "../../src/runner/docker-in-docker.ts";
import { prepareCiHost } from "../../src/runner/recipe.ts";
import { configOf, faultsOf } from "../../src/runner/runners.ts";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { typedWords } from "../cli/typed.ts";
import { dockerKey, fakeDebian, runnerKey } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const fingerprintOf = (key: Uint8Array): string => publicKeys(key)[0]?.fingerprint ?? "";
const good = { docker: { fingerprint: fingerprintOf(dockerKey) }, runner: { fingerprint: fingerprintOf(runnerKey) } };
const install = (name: string) => `Package: ${name}\nStatus: install ok installed\nVersion: 1\n\n`;

function withPackages(...names: string[]): FakeHost {
  const host = fakeDebian();
  host.put("/var/lib/dpkg/status", `${host.text("/var/lib/dpkg/status")}${names.map(install).join("")}`);
  return host;
}

async function run(host: FakeHost, mirrors = good, only?: string) {
  const recipe = prepareCiHost(gatherFacts(host), mirrors);
  const steps = await select(host, recipe, { only, skip: undefined, typed: [] });
  return converge(steps, host, { act: host });
}

test("install: a user gitlab-runner of a directory service is used and not created again", async () => {
  const host = withPackages("ca-certificates");
  const line = "gitlab-runner:x:990:990::/home/gitlab-runner:/bin/bash\n";
  host.taught.unshift((argv) => (argv.join(" ") === "getent passwd gitlab-runner" ? ok(line) : undefined));
  const results = await run(host);
  expect(results.find(({ id }) => id === "runner.user.create")?.outcome).toBe("ok");
  expect(host.ran.filter((each) => each.startsWith("useradd"))).toEqual([]);
});

describe("Docker", () => {
  test("docker: a foreign engine that responds is left unchanged", async () => {
    const host = withPackages("docker.io");
    host.put("/run/docker.sock", "");
    host.put("/etc/apt/sources.list.d/docker.list", "deb https://download.docker.com/linux/debian bookworm stable\n");
    const before = host.listing();
    expect(await run(host, good, "docker.install")).toMatchObject([{ outcome: "ok" }]);
    expect([host.listing(), host.ran]).toEqual([before, []]);
  });

  test("docker: an engine of the distribution that does not respond is replaced, unless apt would remove more", async () => {
    for (const [gone, outcome] of [
      ["docker.io", "changed"],
      ["precious", "failed"],
    ] as const) {
      const host = withPackages("docker.io", "containerd", "ca-certificates");
      host.taught.unshift((argv) =>
        argv.includes("--simulate") ? { code: 0, stdout: `Remv ${gone} [1]\n`, stderr: "" } : undefined,
      );
      const [result] = await run(host, good, "docker.install");
      expect(result?.outcome).toBe(outcome);
      const installs = host.ran.filter((line) => line.includes("docker.io- containerd-"));
      expect(installs.some((line) => !line.includes("--simulate"))).toBe(outcome === "changed");
      if (outcome === "failed") expect(result?.problem?.message).toContain("apt would also remove precious");
    }
  });

  test("docker: an engine is not replaced if Docker is a snap or containers run", async () => {
    const snap = fakeDebian();
    snap.link("/snap/docker/current", "2893");
    const running = withPackages("containerd");
    running.put("/proc/4711/comm", "containerd-shim\n");
    for (const [host, message] of [
      [snap, "Docker is installed as a snap"],
      [running, "containers run (pid 4711)"],
    ] as const) {
      const before = host.listing();
      const [result] = await run(host, good, "docker.install");
      expect(result?.problem?.message).toContain(message);
      expect(host.listing()).toEqual(before);
    }
  });

  test("docker: older sources and keyrings are migrated and kept as copies", async () => {
    const host = fakeDebian();
    const list =
      "deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.gpg] https://download.docker.com/linux/debian bookworm stable\n";
    host.put("/etc/apt/sources.list.d/docker.list", list);
    host.put("/etc/apt/keyrings/docker.gpg", "old key");
    host.put(
      "/etc/apt/sources.list.d/other.list",
      "deb [signed-by=/etc/apt/keyrings/other.gpg] https://other.test/ x main\n",
    );
    host.put("/etc/apt/keyrings/other.gpg", "other key");
    expect(await run(host, good, "docker.install")).toMatchObject([{ outcome: "changed" }]);
    expect(host.list("/etc/apt/sources.list.d")).toEqual(["docker.sources", "other.list"]);
    expect(host.list("/etc/apt/keyrings")).toEqual(["docker.asc", "other.gpg"]);
    const kept = (host.list("/etc/edox-ops/replaced") ?? []).map((name) => name.replace(/\.\w{12}$/, ""));
    expect(kept).toEqual(["docker.gpg", "docker.list"]);
  });

  test("docker: conflicting sources of a foreign engine stop the run before any change, and the hint disables one", async () => {
    const host = withPackages("docker-ce");
    host.put("/run/docker.sock", "");
    const uri = "https://download.docker.com/linux/debian";
    const [list, sources] = ["/etc/apt/sources.list.d/docker.list", "/etc/apt/sources.list.d/docker.sources"];
    host.put(list, `deb [signed-by=/etc/apt/keyrings/docker.gpg] ${uri} bookworm stable\n`);
    host.put(sources, `Types: deb\nURIs: ${uri}\nSuites: bookworm\nComponents: stable\nSigned-By: /etc/docker.asc\n`);
    host.put("/etc/apt/keyrings/docker.gpg", "");
    host.put("/etc/docker.asc", "");
    const stderr = `E: Conflicting values set for option Signed-By regarding source ${uri}/ bookworm: a != b\n`;
    host.taught.unshift((argv) => (argv.includes("indextargets") ? { code: 100, stdout: "", stderr } : undefined));
    const before = host.listing();
    const results = await run(host);
    expect(results.map(({ outcome }) => outcome).slice(0, 3)).toEqual(["ok", "failed", "skipped"]);
    expect(results[1]?.problem).toMatchObject({
      message: `apt cannot read its sources: ${list} and ${sources} name ${uri} bookworm with different values of Signed-By`,
      hint: ["sudo", "mv", list, `${list}.disabled`],
    });
    expect([host.listing(), host.ran]).toEqual([before, []]);
  });

  describe("prepare-ci-host: a daemon.json that dockerd would reject", () => {
    const path = "/etc/docker/daemon.json";
    const refused = "unable to configure the Docker daemon: directives don't match: bogus";
    const dockerd = (host: FakeHost) =>
      host.taught.unshift((argv) =>
        argv[0] === "dockerd" ? { code: argv.at(-1) === path ? 1 : 0, stdout: "", stderr: `${refused}\n` } : undefined,
      );
    const prepared = (host: FakeHost) => {
      host.put("/run/docker.sock", "");
      host.link("/run/systemd/units/invocation:docker.service", "0");
      return host;
    };
    const cases: [string, string, string][] = [
      ["invalid JSON", "bogus", `${path} is not JSON: `],
      ["an unknown option", '{ "bogus": 1 }', `dockerd refuses its configuration: ${refused}`],
    ];
    for (const [what, text, said] of cases) {
      for (const flag of ["--yes", "--check", "--dry-run"]) {
        test(`prepare-ci-host: daemon.json with ${what}: ${flag} names the file, exits 1 and changes nothing`, async () => {
          const host = prepared(fakeDebian());
          await host.sleep(1000);
          host.put(path, text);
          dockerd(host);
          const before = host.listing();
          const { exit, err } = await typedWords(["gitlab-runner", "prepare-ci-host", flag], host);
          expect([exit, err]).toEqual([1, expect.stringContaining(`error: ${said}`)]);
          expect(err).toContain(`hint: cat -n ${path}\n`);
          expect([host.listing(), host.ran]).toEqual([before, []]);
        });
      }
    }

    test("gitlab-runner install: a config.toml that is not TOML is named, and nothing is changed", async () => {
      const host = fakeDebian();
      host.put("/etc/gitlab-runner/config.toml", "concurrent = 1\nbogus\n", { mode: 0o600 });
      const before = host.listing();
      for (const flag of ["--yes", "--check"]) {
        const { exit, err } = await typedWords(["gitlab-runner", "install", flag], host);
        expect([exit, err]).toEqual([
          1,
          expect.stringContaining("/etc/gitlab-runner/config.toml is no TOML at line 2"),
        ]);
      }
      expect([host.listing(), host.ran]).toEqual([before, []]);
    });

    test("prepare-ci-host: a daemon.json that dockerd has loaded, or cannot validate, does not stop the run", async () => {
      const host = fakeDebian();
      host.put(path, '{ "mtu": 1400 }');
      host.taught.unshift((argv) =>
        argv[0] === "dockerd" ? { code: 125, stdout: "", stderr: "unknown flag: --validate\n" } : undefined,
      );
      const check = () =>
        prepareCiHost(gatherFacts(host), good)
          .requires.at(-1)
          ?.check(host, () => {});
      expect(await check()).toBeNull();
      host.put(path, "bogus");
      await host.sleep(1000);
      prepared(host);
      expect(await check()).toBeNull();
    });
  });

  describe("a dockerd that does not start", () => {
    const sourcePath = "/etc/apt/sources.list.d/docker.sources";
    const refusing = () => {
      const host = fakeDebian();
      let isMended = false;
      host.taught.unshift((argv) => {
        const line = argv.join(" ");
        if (isMended) return undefined;
        if (line.includes("_SYSTEMD_UNIT=docker.service")) return ok("invalid character '}' in daemon.json\n");
        if (line !== "systemctl reload-or-restart docker") return undefined;
        return { code: 1, stdout: "", stderr: "Job for docker.service failed.\n" };
      });
      // Both the package and the run start the service.
      const run = host.run;
      host.run = async (argv, options) => {
        const answer = await run(argv, options);
        if (!isMended && argv.includes("install") && host.stat("/run/docker.sock")) {
          host.remove("/run/docker.sock");
          host.remove("/run/systemd/units/invocation:docker.service");
        }
        return answer;
      };
      const mend = () => {
        isMended = true;
        host.put("/run/docker.sock", "");
        host.link("/run/systemd/units/invocation:docker.service", "0");
      };
      return { host, mend };
    };

    test("docker: if dockerd does not start, its source and key stay, its own error is reported, and the next run succeeds", async () => {
      const { host, mend } = refusing();
      const [failed] = await run(host, good, "docker.install");
      expect(failed?.problem).toMatchObject({
        message: "systemctl reload-or-restart docker failed",
        stderr: "Job for docker.service failed.\ninvalid character '}' in daemon.json\n",
      });
      expect([host.stat(sourcePath)?.type, host.stat("/etc/apt/keyrings/docker.asc")?.type]).toEqual(["file", "file"]);
      mend();
      expect(await run(host, good, "docker.install")).toMatchObject([{ outcome: "ok" }]);
    });

    test("docker: a docker-ce that an earlier version left without a source gets it, even if it responds by now", async () => {
      const { host, mend } = refusing();
      host.taught.unshift((argv) =>
        argv[0] === "apt-cache" ? ok(" *** 5:28.0.0 100\n        100 /var/lib/dpkg/status\n") : undefined,
      );
      await run(host, good, "docker.install");
      for (const path of [sourcePath, "/etc/apt/keyrings/docker.asc"]) host.remove(path);
      mend();
      const [healed] = await run(host, good, "docker.install");
      expect(healed?.changes.map((change) => "path" in change && change.path)).toEqual([
        "/etc/apt/keyrings/docker.asc",
        sourcePath,
      ]);
      expect(await run(host, good, "docker.install")).toMatchObject([{ outcome: "ok" }]);
    });

    test("docker: a docker-ce that responds stays foreign if any other mirror offers it, or apt cannot report its origin", async () => {
      const host = withPackages("docker-ce");
      host.put("/run/docker.sock", "");
      const policy = " *** 99 500\n        500 https://mirror.test/ce bookworm/stable amd64 Packages\n";
      const unreadable = { code: 100, stdout: "", stderr: "E: The list of sources could not be read.\n" };
      for (const answer of [ok(policy), unreadable]) {
        host.taught.unshift((argv) => (argv[0] === "apt-cache" ? answer : undefined));
        expect(await run(host, good, "docker.install")).toMatchObject([{ outcome: "ok", changes: [] }]);
      }
    });
  });

  test("docker: a failed installation restores the older sources, although ca-certificates was installed", async () => {
    const host = fakeDebian();
    const path = "/etc/apt/sources.list.d/docker.list";
    host.put(path, "deb https://download.docker.com/linux/debian bookworm stable\n");
    host.taught.unshift((argv) =>
      argv.includes("docker-ce")
        ? { code: 100, stdout: "", stderr: "E: Unable to locate package docker-ce\n" }
        : undefined,
    );
    const before = host.listing("/etc/apt");
    const [result] = await run(host, good, "docker.install");
    expect(result?.problem?.message).toContain("the previous files were restored");
    expect(host.listing("/etc/apt")).toMatchObject(before);
    expect(host.list("/etc/apt/sources.list.d")).toEqual(["docker.list"]);
  });

  test("docker: a repository that is also listed in a foreign file stops the installation, and both are named", async () => {
    const host = fakeDebian();
    const text = `${host.text("/etc/apt/sources.list")}deb https://download.docker.com/linux/debian bookworm stable\n`;
    host.put("/etc/apt/sources.list", text);
    const [result] = await run(host, good, "docker.install");
    expect(result?.problem?.message).toContain(
      "/etc/apt/sources.list names https://download.docker.com/linux/debian besides",
    );
    expect(host.text("/etc/apt/sources.list")).toBe(text);
  });
});

describe("an apt repository", () => {
  test("apt repository: a key with another fingerprint is rejected by name before anything is written", async () => {
    const host = fakeDebian();
    const before = host.listing();
    const mirrors = { ...good, docker: { fingerprint: "A".repeat(40) } };
    const [result] = await run(host, mirrors);
    expect(result?.problem?.message).toContain(`it is ${good.docker.fingerprint}, and not ${"A".repeat(40)}`);
    expect([host.listing(), host.ran]).toEqual([before, []]);
  });

  test("apt repository: a key that is invalid, missing or cannot be fetched is rejected", async () => {
    for (const [served, message] of [
      [{ status: 200, body: new TextEncoder().encode("<html>") }, "it is no OpenPGP key"],
      [{ status: 404 }, "could not be fetched: it answers 404"],
      [{ status: 0, reason: "network is unreachable" }, "could not be fetched: network is unreachable"],
    ] as const) {
      const host = fakeDebian();
      host.served.unshift((_, url) => (url.endsWith("/gpg") ? served : undefined));
      const before = host.listing();
      expect((await run(host))[0]?.problem?.message).toContain(message);
      expect(host.listing()).toEqual(before);
    }
  });

  test("apt repository: a mirror stays selected, with its fingerprint, in later runs", async () => {
    const host = fakeDebian();
    host.put("/srv/key.gpg", dockerKey);
    const mirror = ["--docker-apt-url", "https://mirror.test/docker/", "--docker-apt-key", "/srv/key.gpg"];
    const fingerprint = (good.docker.fingerprint.match(/.{4}/g) ?? []).join(" ");
    const words = ["gitlab-runner", "prepare-ci-host", "--yes", "--only", "docker.install"];
    const first = await typedWords([...words, ...mirror, "--docker-apt-fingerprint", fingerprint], host);
    expect(first).toMatchObject({ exit: 0 });
    expect(host.text("/etc/apt/sources.list.d/docker.sources")).toMatchSnapshot();
    expect(host.text("/etc/apt/keyrings/docker.asc")).toStartWith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
    const before = host.listing("/etc");
    expect((await typedWords(words, host)).out).toStartWith("ok       docker.install");
    expect(host.listing("/etc")).toEqual(before);
  });

  test("apt repository: flags accept only addresses, key paths and fingerprints", async () => {
    for (const [words, message] of [
      [["--docker-apt-url", "file:///x"], "use http or https, without a password"],
      [["--docker-apt-url", "https://a b/"], "use http or https, without a password"],
      [["--docker-apt-url", "https://a.test/x\nSigned-By: /y"], "use http or https, without a password"],
      [["--runner-apt-url", "https://user:secret@a.test/"], "use http or https, without a password"],
      [["--runner-apt-key", "ftp://user:secret@a.test/key"], "invalid value 'ftp://a.test/key' for --runner-apt-key"],
      [["--runner-apt-key", "key.asc"], "neither a URL nor an absolute path"],
      [["--runner-apt-fingerprint", "0EBFCD88"], "is not 40 hexadecimal digits"],
    ] as const) {
      const { exit, err } = await typedWords(["gitlab-runner", "prepare-ci-host", "--yes", ...words]);
      expect([exit, err]).toEqual([2, expect.stringContaining(message)]);
      expect(err).not.toContain("secret");
    }
  });
});

describe("the group docker", () => {
  test("docker group: without a shell runner the membership is skipped, and the log has the reason", async () => {
    const host = fakeDebian();
    const results = await run(host);
    const access = results.find(({ id }) => id === "runner.docker.access");
    expect(access).toMatchObject({ outcome: "ok", reason: expect.stringContaining("equivalent to root") });
    host.put("/etc/gitlab-runner/config.toml", '[[runners]]\nname = "s"\nexecutor = "shell"\n', { mode: 0o600 });
    const again = await run(host);
    expect(again.find(({ id }) => id === "runner.docker.access")?.outcome).toBe("changed");
    expect(host.text("/etc/group")).toContain("docker:x:998:gitlab-runner\n");
  });
});

describe("runners for Docker-in-Docker", () => {
  const section = (name: string, docker: string, executor = "docker") =>
    `[[runners]]\nname = "${name}"\nurl = "https://g.test"\ntoken = "t-${name}"\nexecutor = "${executor}"\n[runners.docker]\nimage = "a"\n${docker}\n`;
  const edited = (text: string, ours: Record<string, boolean> = {}, named: string[] = []) => {
    const warnings: string[] = [];
    const edits = dindEdits(
      configOf(text),
      ({ name }) => ours[name] ?? null,
      named,
      (line) => warnings.push(line),
    );
    return { edits: edits.map((edit) => ("index" in edit ? `${edit.index} ${edit.kind}` : edit.kind)), warnings };
  };

  test("docker-in-docker: runners registered for it, the only runner and privileged runners are edited", () => {
    const one = section("a", "");
    expect(edited(one).edits).toEqual(["0 set", "0 add-items"]);
    expect(edited(one, { a: false }).edits).toEqual([]);
    expect(edited(one + section("s", "", "shell")).edits).toEqual(["0 set", "0 add-items"]);
    const two = one + section("b", "privileged = true\nvolumes = ['/cache', '/h:/certs/client:ro']");
    expect(edited(two)).toEqual({ edits: [], warnings: [expect.stringContaining("runner a is not privileged")] });
    expect(edited(two, { a: true }).edits).toEqual(["0 set", "0 add-items"]);
    expect(edited(two, {}, ["a"])).toEqual({ edits: ["0 set", "0 add-items"], warnings: [] });
    expect(edited(one + section("b", "privileged = true\nvolumes = []")).edits).toEqual(["1 add-items"]);
  });

  test("prepare-ci-host --runner: an unknown name and a runner without Docker are rejected", async () => {
    const host = fakeDebian();
    await run(host);
    for (const config of ["", section("s", "", "shell")]) {
      host.put("/etc/gitlab-runner/config.toml", config, { mode: 0o600 });
      const words = ["gitlab-runner", "prepare-ci-host", "--yes", "--only", "runner.docker.config", "--runner", "s"];
      const { exit, err } = await typedWords(words, host);
      expect([exit, err]).toEqual([1, expect.stringContaining("there is no runner s with the docker executor")]);
    }
  });

  test("prepare-ci-host: warns once about privileged runners beside a site, and suggests ci-rootless", async () => {
    for (const [config, names] of [
      [section("a", ""), "a"],
      [section("a", "") + section("b", "privileged = true"), "b"],
      [section("a", "privileged = true") + section("b", "services_privileged = true"), "a, b"],
      [section("a", "") + section("b", ""), null],
      [section("s", "", "shell"), null],
    ] as const) {
      const host = fakeDebian();
      await run(host);
      const prepared = async (...more: string[]) => {
        const words = ["gitlab-runner", "prepare-ci-host", "--yes", "--only", "runner.docker.config", ...more];
        const { exit, out, err } = await typedWords(words, host);
        expect(exit).toBe(0);
        return (out + err).split("\n").filter((line) => line.includes("ci-rootless"));
      };
      host.put("/etc/gitlab-runner/config.toml", config, { mode: 0o600 });
      expect(await prepared("--dry-run")).toEqual([]);
      host.link("/etc/nginx/sites-enabled/edox-ops-handbook", "/etc/nginx/sites-available/edox-ops-handbook");
      const expected =
        names === null
          ? []
          : [expect.stringContaining(`runner ${names} is privileged on the host that serves handbook`)];
      for (const more of [["--dry-run"], [], []]) expect(await prepared(...more)).toEqual(expected);
    }
  });

  test("docker-in-docker: sections are edited in place, with a copy of the file, and the service reloads them", async () => {
    const host = fakeDebian();
    await run(host);
    const text = `concurrent = 1\n${section("a", 'privileged = false # no\nvolumes = ["/cache"]')}`;
    host.put("/etc/gitlab-runner/config.toml", text, { mode: 0o600 });
    const results = await run(host);
    expect(results.find(({ id }) => id === "runner.docker.config")?.outcome).toBe("changed");
    expect(host.text("/etc/gitlab-runner/config.toml")).toBe(
      text.replace("false # no", "true # no").replace('["/cache"]', '["/cache", "/certs/client"]'),
    );
    expect(host.text("/etc/gitlab-runner/config.toml.before-edox-ops")).toBe(text);
    expect(host.stat("/etc/gitlab-runner/config.toml.before-edox-ops")?.mode).toBe(0o600);
    expect(host.ran.at(-1)).toBe("systemctl kill --kill-who=main --signal=SIGHUP gitlab-runner");
  });

  test("docker-in-docker: a config.toml that the service rejects is rolled back", async () => {
    const host = fakeDebian();
    await run(host);
    const text = section("a", "");
    host.put("/etc/gitlab-runner/config.toml", text, { mode: 0o600 });
    host.taught.unshift(([program]) =>
      program === "journalctl" ? { code: 0, stdout: "ERROR: Failed to load config x\n", stderr: "" } : undefined,
    );
    const results = await run(host, good, "runner.docker.config");
    expect(results[0]?.problem?.message).toContain(
      "gitlab-runner has not loaded its configuration after applying all changes",
    );
    expect(results[0]?.problem?.message).toContain("the previous files were restored");
    expect(host.text("/etc/gitlab-runner/config.toml")).toBe(text);
  });

  test("config.toml: faults that gitlab-runner does not report are listed", () => {
    const text = `concurrent = 0\n${section("a", "").replace('image = "a"', "")}${section("b", "", "Docker")}${section("c", "")}${section("c", "")}[[runners]]\nexecutor = "shell"\n`;
    expect(faultsOf(configOf(text))).toEqual([
      "concurrent is less than 1: no job would run",
      "a has no docker.image",
      "b has an unknown executor",
      "c has the token of runner 3: they are one runner for GitLab",
      "runner 5 has no url or no token",
    ]);
  });
});

test("prepare-ci-host: a derivative gets the repositories and the release that it derives from", async () => {
  const mint = { id: "linuxmint", version: "22", codename: "wilma", like: "ubuntu debian" };
  const host = fakeDebian({ ...mint, release: ["UBUNTU_CODENAME=noble"] });
  for (const { outcome } of await run(host)) expect(outcome).not.toBe("failed");
  for (const [file, uri] of [
    ["docker", "https://download.docker.com/linux/ubuntu"],
    ["runner_gitlab-runner", "https://packages.gitlab.com/runner/gitlab-runner/ubuntu"],
  ])
    expect(host.text(`/etc/apt/sources.list.d/${file}.sources`)).toContain(`URIs: ${uri}\nSuites: noble\n`);
});

test("prepare-ci-host: a derivative without packages of Docker and GitLab is refused before anything is changed", async () => {
  const host = fakeDebian({ id: "kali", version: "2026.3", codename: "kali-rolling", like: "debian" });
  const before = host.listing();
  for (const word of ["prepare-ci-host", "install"]) {
    const { exit, err } = await typedWords(["gitlab-runner", word, "--yes"], host);
    expect([exit, err]).toEqual([1, expect.stringContaining("Docker and GitLab have no packages for kali")]);
  }
  expect([host.listing(), host.ran]).toEqual([before, []]);
});

test("prepare-ci-host: a dry run without root reports unknown steps and plans the rest", async () => {
  const host = fakeDebian();
  await run(host);
  host.hidden.add("/etc/gitlab-runner/");
  const other = { ...host, uid: 1000, get: host.get };
  other.stat = (path) => {
    if (path.startsWith("/etc/gitlab-runner/")) throw new UnknownStateError("only root may look");
    return host.stat(path);
  };
  const results = await converge(prepareCiHost(gatherFacts(other), good).steps, other, {});
  expect(results.map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok", "ok", "unknown", "unknown", "unknown"]);
});

test("prepare-ci-host: the requirements are met on a prepared host", async () => {
  const host = fakeDebian();
  await run(host);
  const { steps } = prepareCiHost(gatherFacts(host), good);
  for (const requirement of steps.flatMap(({ requires = [] }) => requires))
    expect(await waitFor(host, requirement)).toEqual([]);
});
