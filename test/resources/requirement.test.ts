import { describe, expect, test } from "bun:test";
import { bootstrap } from "../../src/bootstrap/recipe.ts";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts, osRelease } from "../../src/engine/facts.ts";
import { UnknownStateError } from "../../src/host/host.ts";
import { foreignPackages, platform } from "../../src/resources/platform.ts";
import { portFree } from "../../src/resources/port.ts";
import { fakeDebian, type Like } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";

const noWarning = (): void => {};

describe("platform", () => {
  const refused: [string, Like, string][] = [
    ["Debian 11", { version: "11" }, "is not supported"],
    ["Ubuntu 20.04", { id: "ubuntu", version: "20.04", like: "debian" }, "is not supported"],
    ["Fedora", { id: "fedora", version: "44" }, "is not supported"],
    ["a 32-bit userland", { architecture: "armhf" }, "has a armhf userland"],
  ];
  for (const [name, like, reason] of refused) {
    test(`platform: ${name} is refused with the list of supported systems`, async () => {
      const host = fakeDebian(like);
      const unmet = await platform(gatherFacts(host)).check(host, noWarning);
      expect(unmet?.reason).toContain(reason);
      expect(unmet?.reason).toContain("Debian 12 or 13");
    });
  }

  test("platform: a derivative is accepted with a warning", async () => {
    const host = fakeDebian({ id: "linuxmint", version: "22", like: "ubuntu debian" });
    const requirement = platform(gatherFacts(host));
    const warnings: string[] = [];
    expect(await requirement.check(host, (sentence) => warnings.push(sentence))).toBeNull();
    expect(warnings).toEqual([expect.stringContaining("derivative")]);
  });

  const derivatives = [
    ["Debian 13", { version: "13", codename: "trixie" }, "debian trixie", ""],
    ["Ubuntu 24.04", { id: "ubuntu", version: "24.04", codename: "noble", like: "debian" }, "ubuntu noble", ""],
    [
      "Linux Mint 22",
      { id: "linuxmint", version: "22", codename: "wilma", like: "ubuntu debian", release: ["UBUNTU_CODENAME=noble"] },
      ...["ubuntu noble", ""],
    ],
    [
      "LMDE 6",
      { id: "linuxmint", version: "6", codename: "faye", like: "debian", release: ["DEBIAN_CODENAME=bookworm"] },
      ...["debian bookworm", ""],
    ],
    [
      "Pop!_OS 22.04",
      { id: "pop", version: "22.04", codename: "jammy", like: "ubuntu debian", release: ["UBUNTU_CODENAME=jammy"] },
      ...["ubuntu jammy", ""],
    ],
    ["Raspbian 12", { id: "raspbian", version: "12", like: "debian" }, "debian bookworm", ""],
    [
      "Kali",
      { id: "kali", version: "2026.3", codename: "kali-rolling", like: "debian" },
      ...["debian kali-rolling", "its codename is kali-rolling"],
    ],
    [
      "Devuan",
      { id: "devuan", version: "5", codename: "daedalus", like: "debian" },
      ...["debian daedalus", "its codename is daedalus"],
    ],
    [
      "a derivative of an Ubuntu that is not supported",
      { id: "linuxmint", version: "20", codename: "ulyana", like: "ubuntu debian", release: ["UBUNTU_CODENAME=focal"] },
      ...["ubuntu focal", "its codename is focal"],
    ],
    [
      "a derivative without a codename",
      { id: "odd", codename: "", like: "debian" },
      ...["debian ", "it has no VERSION_CODENAME"],
    ],
  ] as [string, Like, string, string][];
  for (const [name, like, parent, refusal] of derivatives) {
    test(`foreign packages: ${name} uses those of its parent, or is refused`, async () => {
      const host = fakeDebian(like);
      const facts = gatherFacts(host);
      expect(`${facts.family} ${facts.codename}`).toBe(parent);
      const unmet = await foreignPackages(facts).check(host, noWarning);
      if (refusal === "") expect(unmet).toBeNull();
      else expect(unmet?.reason).toContain(`Docker and GitLab have no packages for`);
      expect(unmet?.reason ?? "").toContain(refusal);
    });
  }

  for (const [path, reason] of [
    ["/run/systemd/system", "not booted with systemd"],
    ["/usr/bin/apt-get", "no apt-get"],
  ] as const) {
    test(`platform: a host without ${path} is refused: ${reason}`, async () => {
      const host = fakeDebian();
      host.remove(path);
      expect((await platform(gatherFacts(host)).check(host, noWarning))?.reason).toContain(reason);
    });
  }

  test("os-release: comments, quotes and escapes are parsed as in os-release(5)", () => {
    expect(osRelease(`# x\nID=debian\nNAME="Debian \\"GNU\\""\nVERSION_ID='12'\nbad line\n`)).toEqual({
      ID: "debian",
      NAME: 'Debian "GNU"',
      VERSION_ID: "12",
    });
  });
});

describe("port", () => {
  const line = "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1";
  const taken = (command: string, uid = 0) => {
    const host = fakeDebian({ uid });
    host.put("/proc/net/tcp", `header\n${line}\n`);
    host.put("/proc/55/comm", `${command}\n`);
    host.dir("/proc/55/fd");
    host.link("/proc/55/fd/3", "socket:[777]");
    return host;
  };

  test("port: another server on it is reported with its name and pid", async () => {
    const unmet = await portFree(80, "nginx", () => false).check(taken("apache2"), noWarning);
    expect(unmet?.reason).toBe("port 80 is taken by apache2 (pid 55), which nginx needs");
  });

  test("port: nginx itself may listen on it, and other ports do not matter", async () => {
    expect(await portFree(80, "nginx", () => false).check(taken("nginx"), noWarning)).toBeNull();
    expect(await portFree(443, "nginx", () => false).check(taken("apache2"), noWarning)).toBeNull();
  });

  test("port: a process whose open files even root may not see hides the listener of no other process", async () => {
    const host = taken("apache2");
    host.link("/proc/1/fd/0", "/dev/null");
    const { readLink } = host;
    host.readLink = (path) => {
      if (path === "/proc/1/fd/0") throw new UnknownStateError(`${path} may only be read by root`);
      return readLink(path);
    };
    const unmet = await portFree(80, "nginx", () => false).check(host, noWarning);
    expect(unmet?.reason).toBe("port 80 is taken by apache2 (pid 55), which nginx needs");
  });

  test("port: another user cannot identify the listener, and an unidentified one is refused for root", () => {
    const host = taken("apache2", 1000);
    host.hidden.add("/proc/55/fd");
    expect(() => portFree(80, "nginx", () => false).check(host, noWarning)).toThrow("only root can see");
    const hidden = taken("apache2");
    hidden.remove("/proc/55/fd/3");
    expect(portFree(80, "nginx", () => false).check(hidden, noWarning)).toMatchObject({
      reason: expect.stringContaining("port 80 is taken by a process that this host does not list"),
    });
  });
});

describe("packages.install", () => {
  const steps = (host: ReturnType<typeof fakeDebian>) => bootstrap(gatherFacts(host)).steps.slice(0, 1);

  test("packages.install: a held lock is waited for, and its holder is reported on timeout", async () => {
    const host = fakeDebian();
    host.locks.set("/var/lib/apt/lists/lock", { pid: 7, command: "unattended-upgrade", sinceMs: 0 });
    const reasons: string[] = [];
    const watch = { waiting: (_: unknown, { reason }: { reason: string }) => void reasons.push(reason) };
    const [result] = await converge(steps(host), host, { act: host, watch });
    expect(result?.problem?.message).toBe(
      "/var/lib/apt/lists/lock is held by unattended-upgrade (pid 7), and was so for 10 min",
    );
    expect(reasons.length).toBe(1);
    expect(host.ran).toEqual([]);
  });

  test("packages.install: an interrupted dpkg is finished first", async () => {
    const host = fakeDebian();
    host.put("/var/lib/dpkg/updates/0001", "");
    const [result] = await converge(steps(host), host, { act: host });
    expect(result?.outcome).toBe("changed");
    expect(host.ran[0]).toStartWith("dpkg --configure -a");
    expect(host.ran.length).toBe(4);
  });

  test("packages.install: after an interruption the certificate links are rebuilt, if update-ca-certificates exists", async () => {
    const host = fakeDebian();
    host.put("/var/lib/dpkg/updates/0001", "");
    host.put("/usr/sbin/update-ca-certificates", "");
    host.taught.unshift((argv) => (argv[0] === "/usr/sbin/update-ca-certificates" ? ok() : undefined));
    await converge(bootstrap(gatherFacts(host)).steps, host, { act: host });
    expect(host.ran).toContain("/usr/sbin/update-ca-certificates --fresh");
    const again = fakeDebian();
    again.put("/usr/sbin/update-ca-certificates", "");
    await converge(bootstrap(gatherFacts(again)).steps, again, { act: again });
    expect(again.ran.join()).not.toContain("--fresh");
  });

  test("packages.install: a half-unpacked package is finished without a fetch of the lists", async () => {
    const host = fakeDebian();
    await converge(steps(host), host, { act: host });
    const unpacked = "Package: theirs\nStatus: install ok unpacked\nVersion: 1\n\n";
    host.put("/var/lib/dpkg/status", `${host.text("/var/lib/dpkg/status")}${unpacked}`);
    host.ran.length = 0;
    const [result] = await converge(steps(host), host, { act: host });
    expect(result?.outcome).toBe("changed");
    expect(host.ran.some((line) => line.endsWith(" update"))).toBe(false);
  });

  test("packages.install: apt repairs half-installed packages before the requested ones, and its failure is reported", async () => {
    const host = fakeDebian();
    const theirs = (state: string): string => {
      return `Package: theirs\nStatus: install ${state}\nArchitecture: i386\nVersion: 1\n\n`;
    };
    const asked = async (...states: string[]): Promise<string[]> => {
      host.put("/var/lib/dpkg/status", states.map(theirs).join(""));
      host.ran.length = 0;
      await converge(steps(host), host, { act: host });
      const words = host.ran.filter((line) => line.includes("--fix-broken"));
      return words.map((line) => line.slice(line.indexOf("--no-install-recommends") + 24));
    };
    const ours = "install nginx git curl rsync ca-certificates";
    expect(await asked("ok unpacked")).toEqual([ours]);
    const again = "install --reinstall theirs:i386";
    expect(await asked("reinstreq unpacked")).toEqual(["install", again, ours]);
    expect(await asked("ok half-installed")).toEqual(["install", again, ours]);
    // No source has it, and the requested packages do not need it.
    host.taught.unshift((argv) =>
      argv.includes("--reinstall") ? { code: 100, stdout: "", stderr: "E: none\n" } : undefined,
    );
    expect(await asked("ok half-installed")).toEqual(["install", again, ours]);

    host.taught.unshift((argv) => {
      if (argv[0] === "dpkg") return { code: 1, stdout: "", stderr: "dpkg: cannot go on\n" };
      return argv.includes("--fix-broken") ? { code: 100, stdout: "", stderr: "E: dpkg was interrupted\n" } : undefined;
    });
    host.put(
      "/var/lib/dpkg/status",
      "Package: dpkg\nStatus: install ok installed\n\nPackage: x\nStatus: install ok unpacked\n\n",
    );
    const [result] = await converge(steps(host), host, { act: host });
    expect(result?.problem?.stderr).toBe("dpkg: cannot go on\nE: dpkg was interrupted\n");
  });

  test("packages.install: a failed source is a warning if the others had every package", async () => {
    const host = fakeDebian();
    const reason = "Failed to fetch http://mirror.test/dists/x/InRelease: Could not resolve 'mirror.test'";
    const stderr = `W: ${reason.replace(": ", "  ")}\nW: Some index files failed to download. They have been ignored.\n`;
    host.taught.unshift((argv) => (argv.includes("update") ? { code: 0, stdout: "", stderr } : undefined));
    const [result] = await converge(steps(host), host, { act: host });
    expect(result).toMatchObject({ outcome: "changed", warnings: [reason] });
  });

  test("packages.install: a failed source is part of the error if a package is missing", async () => {
    const host = fakeDebian();
    host.taught.unshift((argv) => {
      if (argv.includes("update")) return { code: 0, stdout: "", stderr: "W: Failed to fetch mirror.test\n" };
      if (argv.includes("install")) return { code: 100, stdout: "", stderr: "E: Unable to locate package nginx\n" };
      return undefined;
    });
    const [result] = await converge(steps(host), host, { act: host });
    expect(result?.problem).toMatchObject({ code: "package-failed", returncode: 100 });
    expect(result?.problem?.message).toContain("these sources failed: Failed to fetch mirror.test");
  });

  test("packages.install: an apt-get that exceeds its limit is reported with its last line", async () => {
    for (const [what, minutes] of [
      ["update", 20],
      ["install", 60],
    ] as const) {
      const host = fakeDebian();
      const stdout = "Get:1 http://mirror.test x InRelease [1 kB]\nGet:2 http://mirror.test git [7 MB]\n";
      host.taught.unshift((argv) => (argv.includes(what) ? { code: 124, stdout, stderr: "" } : undefined));
      const [result] = await converge(steps(host), host, { act: host });
      expect(result?.problem).toMatchObject({
        code: "timeout",
        message: `apt-get ${what} timed out after ${minutes} min; its last output is Get:2 http://mirror.test git [7 MB]`,
        hint: ["sudo", "apt-get", "update"],
      });
    }
  });

  test("packages.install: a dpkg that hangs while it configures is reported with its last line and a hint", async () => {
    const host = fakeDebian();
    host.put("/var/lib/dpkg/updates/0001", "");
    const limits: (number | undefined)[] = [];
    const stdout = "Setting up demo (1.0) ...\n";
    const run: typeof host.run = async (argv, options) => {
      limits.push(options?.limitMs);
      return argv[0] === "dpkg" ? { code: 124, stdout, stderr: "" } : host.run(argv, options);
    };
    const [result] = await converge(steps(host), host, { act: { ...host, run } });
    expect(result?.problem).toMatchObject({
      code: "timeout",
      message: "dpkg --configure -a timed out after 60 min; its last output is Setting up demo (1.0) ...",
      hint: ["sudo", "dpkg", "--configure", "-a"],
    });
    expect([limits, host.ran]).toEqual([[3_600_000], []]);
  });

  test("packages.install: apt's advice is not reported as a source failure, and a package that stops dpkg is named", async () => {
    const host = fakeDebian();
    host.put("/var/lib/dpkg/updates/0001", "");
    host.taught.unshift((argv) => {
      if (argv.includes("update")) return { code: 0, stdout: "", stderr: "W: Key is stored in legacy trusted.gpg\n" };
      if (argv.includes("install")) {
        return {
          code: 100,
          stdout: "",
          stderr: "Errors were encountered while processing:\n theirs\n others\nE: dpkg\n",
        };
      }
      return undefined;
    });
    const [result] = await converge(steps(host), host, { act: host });
    expect(result?.problem?.message).toBe(
      "apt-get could not install nginx, git, curl, rsync, ca-certificates: dpkg stops at theirs, others",
    );
    expect(result?.problem?.hint).toContain("--fix-broken");
  });

  test("packages.install: a held lists lock is retried", async () => {
    const host = fakeDebian();
    let tries = 0;
    host.taught.unshift((argv) => {
      if (!argv.includes("update") || ++tries > 2) return undefined;
      return {
        code: 100,
        stdout: "",
        stderr: "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7\n",
      };
    });
    const [result] = await converge(steps(host), host, { act: host });
    expect([result?.outcome, tries]).toEqual(["changed", 3]);
  });

  test("packages.install: a lists lock that cannot be opened fails without a wait", async () => {
    const host = fakeDebian();
    const stderr = "E: Could not open lock file /var/lib/apt/lists/lock - open (28: No space left on device)\n";
    const start = host.now();
    host.taught.unshift((argv) => (argv[0] === "apt-get" ? { code: 100, stdout: "", stderr } : undefined));
    const [result] = await converge(steps(host), host, { act: host });
    expect(result?.problem?.message).toStartWith("no space left at /");
    expect(host.now() - start).toBeLessThan(60_000);
  });

  for (const unit of ["cloud-final", "cloud-init-main", "cloud-init"]) {
    test(`packages.install: a run that cloud-init started in ${unit} does not wait for its end`, async () => {
      const host = fakeDebian();
      host.put("/run/cloud-init/enabled", "");
      host.put("/proc/self/cgroup", `1:cpu:/\n0::/system.slice/${unit}.service\n`);
      const reasons: string[] = [];
      const watch = { waiting: (_: unknown, { reason }: { reason: string }) => void reasons.push(reason) };
      const [result] = await converge(steps(host), host, { act: host, watch });
      expect([result?.outcome, reasons]).toEqual(["changed", []]);
    });
  }

  test("packages.install: the run continues as soon as cloud-init has finished", async () => {
    const host = fakeDebian();
    host.put("/run/cloud-init/enabled", "");
    const reasons: string[] = [];
    const watch = {
      waiting(_: unknown, { reason }: { reason: string }) {
        reasons.push(reason);
        host.put("/run/cloud-init/result.json", "{}");
      },
    };
    const [result] = await converge(steps(host), host, { act: host, watch });
    expect([result?.outcome, reasons]).toEqual(["changed", ["cloud-init is still running"]]);
  });

  test("packages.install: a clock before the build date times out after two minutes, before anything runs", async () => {
    const host = fakeDebian();
    const { now } = host;
    const start = now();
    host.now = () => now() - start;
    const [result] = await converge(steps(host), host, { act: host });
    expect(result?.problem?.message).toMatch(/^the clock of this host is at 1970-.+, and was so for 2 min$/);
    expect(host.ran).toEqual([]);
  });

  test("packages.install: lists that are not valid yet are retried, then reported with a hint at the clock", async () => {
    const early = "E: Release file for http://mirror.test/x is not valid yet (invalid for another 1d)\n";
    const host = fakeDebian();
    let tries = 0;
    host.taught.unshift((argv) => {
      if (argv.includes("install")) return { code: 100, stdout: "", stderr: "E: Unable to locate package nginx\n" };
      return argv.includes("update") && ++tries > 0 ? { code: 100, stdout: "", stderr: early } : undefined;
    });
    const [result] = await converge(steps(host), host, { act: host });
    expect(tries).toBeGreaterThan(100);
    expect(result?.problem?.message).toContain("is not valid yet");
    expect(result?.problem?.hint).toEqual(["timedatectl", "status"]);
  });
});
