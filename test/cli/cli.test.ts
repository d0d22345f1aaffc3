import { afterEach, describe, expect, jest, test } from "bun:test";
import * as v from "valibot";
import type { Host } from "../../src/host/host.ts";
import { completionScripts } from "../../src/report/completion-scripts.ts";
import { documentSchema } from "../../src/report/schema.ts";
import { fakeDebian } from "../fake-debian.ts";
import { bootstrap, typed } from "./typed.ts";

const converged = () => bootstrap(fakeDebian());

describe("command line", () => {
  const wrong: [string, string][] = [
    ["bootstrap --dryrun", "unknown flag --dryrun, did you mean --dry-run?"],
    ["bootstrap --fail-step --dry-run", "--fail-step needs a value"],
    ["bootstrap --fail-step=", "--fail-step needs a value, not an empty one"],
    ["bootstrap --fail-step a --fail-step b", "--fail-step is given twice"],
    ["bootstrap --dry-run=no", "--dry-run takes no value"],
    ["bootstrap now", "unexpected word 'now'"],
    ["bootstrap -- --yes", "unexpected word '--yes'"],
    ["bootstrap --yes --fail-step nginx", "unknown step nginx"],
    ["bootstarp", "unknown command 'bootstarp', did you mean bootstrap?"],
    ["constructor", "unknown command 'constructor'"],
    ["--yes", "unknown flag --yes"],
    ["completions", "a shell is missing: bash, zsh, fish"],
    ["completions bsh", "unknown shell 'bsh', did you mean bash?"],
    ["completions tcsh", "unknown shell 'tcsh': there are bash, zsh, fish"],
    ["completions bash zsh", "unexpected word 'zsh'"],
    ["bootstrap -y -x", "unknown flag -x"],
    ["bootstrap -yx", "unknown flag -yx"],
    ["bootstrap -yy", "--yes is given twice"],
    ["bootstrap --yes --no-colour", "unknown flag --no-colour, did you mean --no-color?"],
  ];
  for (const [line, message] of wrong) {
    test(`${line}: is refused with exit 2, and nothing is changed`, async () => {
      const host = fakeDebian();
      const before = host.listing();
      const { exit, out, err } = await typed(line, host);
      expect([exit, out]).toEqual([2, ""]);
      expect(err).toContain(`error: ${message}`);
      expect(host.listing()).toEqual(before);
      const asJson = await typed(
        `${line.replace(" --", " --json --")} --json`.replace(/(--json .*) --json$/, "$1"),
        host,
      );
      expect(asJson.exit).toBe(2);
      expect(v.parse(documentSchema, JSON.parse(asJson.out)).outcome).toBe("refused");
    });
  }

  test("command line: short flags may be combined", async () => {
    const host = fakeDebian();
    expect(await typed("bootstrap -nq", host)).toMatchObject({ exit: 0, out: "" });
    expect((await typed("bootstrap -y", host)).exit).toBe(0);
  });

  test("command line: help, version and the aliases of subcommands are commands", async () => {
    const help = await typed("help project backups");
    expect(help).toMatchObject({ exit: 0, out: (await typed("project backups --help")).out });
    for (const line of ["version", "-V", "--version"]) expect((await typed(line)).out).toBe("0.0.0-test\n");
    expect((await typed("project ls")).out).toBe((await typed("project list")).out);
    expect((await typed("help projetc")).err).toContain("unknown command 'projetc', did you mean project?");
  });

  test("command line: a group that has a default subcommand runs it if the next word is no subcommand", async () => {
    const expected = await typed("project backups list demo");
    expect(await typed("project backups demo")).toEqual(expected);
  });

  test("command line: --flag=value is accepted", async () => {
    const { exit, err } = await typed("bootstrap --yes --fail-step=nginx.prepare");
    expect(exit).toBe(1);
    expect(err).toContain("Bootstrap failed at step nginx.prepare");
  });

  test("hint: a corrected step leaves the other flags as they were typed", async () => {
    const lines: [string, string][] = [
      ["bootstrap --no-color --fail-step nginx --yes", "bootstrap --no-color --fail-step nginx.prepare --yes"],
      ["bootstrap --fail-step=nginx --yes", "bootstrap --fail-step nginx.prepare --yes"],
      ["bootstrap --only nginx --quiet --yes", "bootstrap --only nginx.prepare --quiet --yes"],
      ["bootstrap --skip=ngixn.prepare --yes", "bootstrap --skip nginx.prepare --yes"],
      ["bootstrap --skip=packages.install,x --yes", "bootstrap --yes --dry-run"],
    ];
    for (const [line, hint] of lines) expect((await typed(line)).err).toContain(`hint: edox-ops ${hint}\n`);
  });

  test("help: --help lists every flag of a command", async () => {
    const { exit, out } = await typed("bootstrap --help");
    expect(exit).toBe(0);
    expect(out).toMatchSnapshot();
    expect((await typed("")).out).toMatchSnapshot();
    expect((await typed("completions --help")).out).toMatchSnapshot();
  });
});

for (const shell of ["bash", "zsh", "fish"] as const) {
  test(`completions: the script for ${shell} is printed, and the host is not accessed`, async () => {
    const noHost = new Proxy({ uid: 1000 } as Host, {
      get: (_, name) => (name === "uid" ? 1000 : expect.unreachable(`the host is asked for ${String(name)}`)),
    });
    expect(await typed(`completions ${shell}`, noHost)).toEqual({ exit: 0, out: completionScripts[shell], err: "" });
  });
}

describe("bootstrap", () => {
  test("bootstrap: without --yes and a terminal it is refused", async () => {
    const { exit, err } = await typed("bootstrap");
    expect(exit).toBe(2);
    expect(err.split("\n")[0]).toBe(
      "error: bootstrap needs confirmation: pass --yes to apply, or --dry-run to preview",
    );
  });

  test("bootstrap: on a terminal it shows the plan and asks for confirmation", async () => {
    const host = fakeDebian();
    const refused = await typed("bootstrap", host, false);
    expect([refused.exit, refused.err]).toEqual([1, ""]);
    expect(refused.out).toContain("install nginx");
    expect(refused.out).toEndWith("Apply these changes? [y/N] Nothing was changed.\n");
    expect(host.ran).toEqual([]);
    expect((await typed("bootstrap", host, true)).exit).toBe(0);
  });

  test("bootstrap: on a terminal a converged host is reported once, without a question", async () => {
    const host = await converged();
    const { exit, out } = await typed("bootstrap", host, false);
    expect(exit).toBe(0);
    expect(out).toBe((await typed("bootstrap --yes", host)).out);
    expect(out.match(/nginx\.prepare/g)).toHaveLength(1);
    expect(out).toEndWith("Bootstrap installation phase completed successfully.\n");
  });

  test("bootstrap: on a terminal the plan lists only the steps that change", async () => {
    const host = await converged();
    host.put("/etc/nginx/nginx.conf", `${host.text("/etc/nginx/nginx.conf")}stream { server { listen 443; } }`);
    const refused = await typed("bootstrap", host, false);
    expect(refused.out).toMatch(/^pending {2}nginx\.prepare/);
    expect(refused.out).not.toContain("packages.install");
    const { exit, out } = await typed("bootstrap", host, true);
    expect(exit).toBe(0);
    expect(out.match(/packages\.install/g)).toHaveLength(1);
  });

  test("bootstrap: on a terminal warnings of requirements are printed with the plan, and not again", async () => {
    const { out } = await typed("bootstrap", fakeDebian({ architecture: "arm64", model: "Raspberry Pi 4" }), true);
    const warnings = out.match(/^warning: .+$/gm) ?? [];
    expect(warnings.length).toBeGreaterThan(0);
    expect(new Set(warnings).size).toBe(warnings.length);
    expect(out.indexOf("warning: ")).toBeLessThan(out.indexOf("pending  packages.install"));
  });

  test("bootstrap: on a terminal a plan that failed is not offered for confirmation", async () => {
    const host = await converged();
    host.link("/etc/systemd/system/nginx.service", "/dev/null");
    const { exit, out, err } = await typed("bootstrap", host, true);
    expect([exit, err]).toEqual([1, expect.stringContaining("error: nginx.prepare: nginx is masked")]);
    expect(out).toMatch(/^failed {3}nginx\.prepare/);
  });

  test("bootstrap: without root the hint has sudo, and a dry run still shows the plan", async () => {
    const host = fakeDebian({ uid: 1000 });
    const { exit, err } = await typed("bootstrap --yes", host);
    expect(exit).toBe(2);
    expect(err).toContain("hint: sudo edox-ops bootstrap --yes");
    const dry = await typed("bootstrap --dry-run", host);
    expect(dry.exit).toBe(0);
    expect(dry.out).toMatchSnapshot();
  });

  test("bootstrap: the log has the lines of the contract", async () => {
    const host = await converged();
    await typed("bootstrap --yes", host);
    await typed("bootstrap --yes --fail-step site.directories", host);
    const log = host.text("/var/log/edox-ops/bootstrap.log") ?? "";
    expect(log.replace(/^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\]/gm, "[TIME]")).toMatchSnapshot();
    expect(host.stat("/var/log/edox-ops/bootstrap.log")?.mode).toBe(0o644);
  });

  test("bootstrap: a refused run writes no log", async () => {
    const host = fakeDebian({ id: "fedora", version: "44" });
    const { exit, err } = await typed("bootstrap --yes", host);
    expect(exit).toBe(1);
    expect(err).toContain("is not supported: edox-ops needs Debian 12 or 13");
    expect(host.stat("/var/log/edox-ops")).toBeNull();
  });

  test("bootstrap: a signal during apt lets apt end cleanly, starts no further change, and prints a hint last", async () => {
    for (const [name, number] of [
      ["SIGHUP", 1],
      ["SIGINT", 2],
      ["SIGTERM", 15],
    ] as const) {
      const host = fakeDebian();
      host.taught.unshift((argv) => {
        if (argv.includes("install")) host.signal = { name, number };
        return undefined;
      });
      const { exit, err } = await typed("bootstrap --yes", host);
      expect(exit).toBe(128 + number);
      expect(err).toBe(`error: packages.install: interrupted by ${name}\nhint: edox-ops bootstrap --yes\n`);
      expect(host.ran.length).toBe(2);
      host.signal = null;
      expect((await typed("bootstrap --yes", host)).exit).toBe(0);
    }
  });

  test("bootstrap: a signal between a file and its reload rolls the file back, and JSON has the outcome interrupted", async () => {
    const host = fakeDebian();
    host.taught.unshift((argv) => {
      if (argv[0] === "nginx") host.signal = { name: "SIGINT", number: 2 };
      return undefined;
    });
    const { exit, out } = await typed("bootstrap --yes --json", host);
    expect(exit).toBe(130);
    expect(v.parse(documentSchema, JSON.parse(out))).toMatchObject({
      outcome: "interrupted",
      exit: 130,
      error: {
        code: "interrupted",
        message: "interrupted by SIGINT; the previous files were restored",
        hint: ["edox-ops", "bootstrap", "--yes", "--json"],
      },
    });
    expect(host.list("/etc/nginx/conf.d")).toEqual([]);
    expect(host.readLink("/etc/nginx/sites-enabled/default")).not.toBeNull();
  });

  test("bootstrap: a signal while a requirement is polled ends the run", async () => {
    const host = fakeDebian();
    host.locks.set("/var/lib/dpkg/lock", { pid: 7, command: "apt", sinceMs: 0 });
    const { sleep } = host;
    host.sleep = async (ms) => {
      host.signal = { name: "SIGTERM", number: 15 };
      await sleep(ms);
    };
    expect((await typed("bootstrap --yes", host)).exit).toBe(143);
    expect(host.ran).toEqual([]);
  });

  test("bootstrap: a held lock names its holder and exits 75, in JSON too", async () => {
    const host = fakeDebian();
    host.locks.set("/run/edox-ops/host.lock", { pid: 4711, command: "edox-ops bootstrap --yes", sinceMs: 0 });
    const { exit, err } = await typed("bootstrap --yes", host);
    expect(exit).toBe(75);
    expect(err).toContain("edox-ops bootstrap --yes (pid 4711, since 1970-01-01T00:00:00Z)");
    const { out } = await typed("bootstrap --yes --json", host);
    expect(v.parse(documentSchema, JSON.parse(out))).toMatchObject({ outcome: "busy", exit: 75 });
    expect((await typed("bootstrap --dry-run", host)).exit).toBe(0);
  });

  test("bootstrap --check: it exits 3 with pending changes, and 0 without", async () => {
    expect((await typed("bootstrap --check")).exit).toBe(3);
    expect((await typed("bootstrap --check", await converged())).exit).toBe(0);
  });

  test("bootstrap --json: it prints one document, with file contents only with --diff", async () => {
    const plain = await typed("bootstrap --dry-run --json");
    expect(v.parse(documentSchema, JSON.parse(plain.out)).outcome).toBe("pending");
    expect(plain.out).not.toContain("limit_req_zone");
    expect((await typed("bootstrap --dry-run --json --diff")).out).toContain("limit_req_zone");
    const done = await typed("bootstrap --yes --json");
    expect(v.parse(documentSchema, JSON.parse(done.out)).outcome).toBe("changed");
    const failed = await typed("bootstrap --yes --json --fail-step nginx.prepare");
    expect(v.parse(documentSchema, JSON.parse(failed.out)).error?.code).toBe("failed-on-purpose");
  });

  test("bootstrap: an edit of an admin to a managed file is shown, and kept as a copy that nginx does not include", async () => {
    const host = await converged();
    host.put("/etc/nginx/conf.d/edox-ops-limits.conf", "# mine\n");
    const { out } = await typed("bootstrap --dry-run --diff", host);
    expect(out).toContain("-# mine");
    await typed("bootstrap --yes", host);
    const [kept] = host.list("/etc/edox-ops/replaced") ?? [];
    expect(host.text(`/etc/edox-ops/replaced/${kept}`)).toBe("# mine\n");
  });

  test("bootstrap --diff: the applied changes are shown too", async () => {
    const { out } = await typed("bootstrap --yes --diff");
    expect(out).toContain("+limit_req_zone ");
  });

  test("bootstrap: a report that cannot be written does not stop the run, and is a failure at its end", async () => {
    for (const [code, said] of [
      ["ENOSPC", "error: stdout cannot be written: it takes nothing\n"],
      ["EPIPE", ""],
    ] as const) {
      const host = fakeDebian();
      const { exit, err } = await typed("bootstrap --yes", host, undefined, code);
      expect([exit, err.split("\n").slice(0, 1).join()]).toEqual([1, said.trim()]);
      expect((await typed("bootstrap --check", host)).exit).toBe(0);
    }
  });

  test("bootstrap: --quiet prints nothing, and --verbose prints the commands", async () => {
    const host = fakeDebian();
    const quiet = await typed("bootstrap --yes --quiet", host);
    expect([quiet.exit, quiet.out, quiet.err]).toEqual([0, "", ""]);
    expect((await typed("bootstrap --yes --verbose")).err).toContain("$ apt-get ");
  });
});

describe("doctor", () => {
  test("doctor: a bare host fails, and each finding has a hint", async () => {
    const { exit, out, err } = await typed("doctor");
    expect(exit).toBe(1);
    expect(out).toMatchSnapshot();
    expect(err).toMatch(/^Doctor found \d+ failing check\(s\)\.\n$/);
  });

  test("doctor: a converged host is ready", async () => {
    const { exit, out } = await typed("doctor", await converged());
    expect(out).toMatchSnapshot();
    expect(exit).toBe(0);
    expect(out).toEndWith("Doctor: host looks ready.\n");
  });

  test("doctor --json: the findings are one document", async () => {
    const { exit, out } = await typed("doctor --json");
    expect(exit).toBe(1);
    const { findings = [] } = v.parse(documentSchema, JSON.parse(out));
    expect(findings.filter(({ status }) => status === "error").every(({ hint }) => hint !== undefined)).toBe(true);
  });
});

describe("selected steps", () => {
  test("bootstrap --only: only the named steps run, in the order of the recipe, and success of the whole is not claimed", async () => {
    const host = fakeDebian();
    const { exit, out } = await typed("bootstrap --yes --only site.directories,packages.install", host);
    expect(exit).toBe(0);
    expect(out.split("\n").map((line) => line.slice(0, 25))).toEqual([
      "changed  packages.install",
      "changed  site.directories",
      "",
    ]);
    expect(host.stat("/etc/nginx/conf.d/edox-ops-limits.conf")).toBeNull();
  });

  test("bootstrap --skip: the step is left out, and so is the completion mark", async () => {
    const { out } = await typed("bootstrap --dry-run --json --skip nginx.prepare");
    const { steps } = v.parse(documentSchema, JSON.parse(out));
    expect(steps?.map(({ id }) => id)).toEqual(["packages.install", "site.directories"]);
  });

  test("bootstrap: a step that depends on an excluded one is named, and nothing is run", async () => {
    const all = "packages.install,site.directories,nginx.prepare";
    for (const [flags, hint] of [
      ["--only nginx.prepare", "--yes --only packages.install,nginx.prepare"],
      ["--skip packages.install", `--yes --only ${all}`],
      ["--skip=packages.install --quiet", `--yes --quiet --only ${all}`],
      ["--only nginx.prepare --dry-run", "--yes --only packages.install,nginx.prepare --dry-run"],
    ]) {
      const host = fakeDebian();
      const { exit, err } = await typed(`bootstrap --yes ${flags}`, host);
      expect(exit).toBe(1);
      expect(err).toContain("error: nginx.prepare needs packages.install, which is left out: nginx not installed\n");
      expect(err).toContain(`hint: edox-ops bootstrap ${hint}\n`);
      expect(host.ran).toEqual([]);
    }
    expect((await typed("bootstrap --yes --only nginx.prepare", await converged())).exit).toBe(0);
  });

  test("bootstrap --only: an unknown step and an empty selection are wrong invocations", async () => {
    expect((await typed("bootstrap --yes --only nginx")).exit).toBe(2);
    const { exit, err } = await typed("bootstrap --yes --only nginx.prepare --skip nginx.prepare");
    expect([exit, err.split("\n")[0]]).toEqual([2, "error: no step is left"]);
  });
});

describe("doctor's flags", () => {
  const aged = async () => {
    const host = await converged();
    host.put("/run/reboot-required", "");
    return host;
  };

  test("doctor --strict: a warning counts as a failure", async () => {
    const host = await aged();
    expect((await typed("doctor", host)).exit).toBe(0);
    const { exit, out, err } = await typed("doctor --strict --quiet", host);
    expect([exit, err]).toEqual([1, "Doctor found 1 failing check(s).\n"]);
    expect(out).toStartWith("[WARN] host:reboot: ");
  });

  test("doctor --junit: the findings are written as JUnit XML, replacing an older file", async () => {
    const host = await aged();
    host.dir("/out");
    host.put("/out/doctor.xml", "older");
    await typed("doctor --junit /out/doctor.xml", host);
    const xml = host.text("/out/doctor.xml") ?? "";
    expect(xml).toMatch(/<testsuites tests="\d+" failures="0">/);
    expect(xml).toContain(
      '<testcase classname="doctor" name="package:nginx"><system-out>nginx is installed</system-out>',
    );
    await typed("doctor --strict --junit /out/doctor.xml", host);
    expect(host.text("/out/doctor.xml")).toContain('name="host:reboot"><failure message="required by a package"/>');
  });

  test("doctor --fix --dry-run: shows what would change, as text and as JSON, and changes nothing", async () => {
    const host = await converged();
    host.remove("/etc/nginx/conf.d/edox-ops-limits.conf");
    host.ran.length = 0;
    const before = host.listing();
    const { exit, out } = await typed("doctor --fix --dry-run", host);
    expect(exit).toBe(0);
    expect(out).toMatch(
      /^pending {2}nginx\.prepare .*\n +write \/etc\/nginx\/conf\.d\/edox-ops-limits\.conf \(0644 root:root\)\n/,
    );
    expect(out).toContain("run systemctl reload-or-restart nginx");
    const { outcome, steps } = v.parse(
      documentSchema,
      JSON.parse((await typed("doctor --fix --dry-run --json", host)).out),
    );
    expect([outcome, steps?.map(({ id }) => id)]).toEqual(["pending", ["nginx.prepare"]]);
    expect([host.listing(), host.ran]).toEqual([before, []]);
  });

  test("doctor --fix --check: exits 3 with pending changes, and 0 without", async () => {
    const host = await converged();
    expect(await typed("doctor --fix --check", host)).toMatchObject({ exit: 0 });
    host.remove("/etc/nginx/conf.d/edox-ops-limits.conf");
    const before = host.listing();
    expect((await typed("doctor --fix --check", host)).exit).toBe(3);
    expect(host.listing()).toEqual(before);
  });

  test("doctor --fix --dry-run: without failing steps it only prints the findings", async () => {
    const { exit, out } = await typed("doctor --fix --dry-run", await converged());
    expect([exit, out]).toEqual([0, expect.stringMatching(/Doctor: host looks ready\.\n$/)]);
  });

  test("doctor --fix: shows the plan, asks, runs the steps that repair the findings, and checks again", async () => {
    const host = await converged();
    host.remove("/etc/nginx/conf.d/edox-ops-limits.conf");
    host.ran.length = 0;
    const declined = await typed("doctor --fix", host, false);
    expect([declined.exit, declined.err]).toEqual([1, ""]);
    expect(declined.out).toContain("write /etc/nginx/conf.d/edox-ops-limits.conf");
    expect(declined.out).toEndWith("Apply these changes? [y/N] Nothing was changed.\n");
    expect((await typed("doctor --fix", host)).err).toContain("hint: edox-ops doctor --fix --yes");
    expect(host.ran).toEqual([]);
    const { exit, out } = await typed("doctor --fix --yes", host);
    expect(exit).toBe(0);
    expect(out).toStartWith("changed  nginx.prepare");
    expect(out).toEndWith("Doctor: host looks ready.\n");
    expect((await typed("doctor --fix --yes", host)).out).not.toContain("nginx.prepare");
    host.put("/etc/nginx/conf.d/edox-ops-limits.conf", "# of another version\n");
    expect((await typed("doctor --fix --yes", host)).out).toStartWith("changed  nginx.prepare");
  });
});

describe("waits of more than a minute", () => {
  afterEach(() => void jest.useRealTimers());

  test("bootstrap: a wait of more than a minute is reported once, with the command and the timeout", async () => {
    for (const quiet of ["", " --quiet"]) {
      jest.useFakeTimers();
      const host = fakeDebian();
      host.taught.unshift((argv) => {
        if (argv.includes("update")) jest.advanceTimersByTime(180_000);
        return undefined;
      });
      const { exit, err } = await typed(`bootstrap --yes${quiet}`, host);
      expect([exit, err]).toEqual([0, quiet ? "" : "waiting at most 20 min for apt-get update\n"]);
    }
  });

  test("signal: a run that waits for dpkg's script names it, its process, and the command that ends it", async () => {
    const install = "apt-get install nginx git curl rsync ca-certificates";
    for (const [owner, script, suffix] of [
      [0, "/var/lib/dpkg/info/demo.postinst", ", which runs /var/lib/dpkg/info/demo.postinst (kill 4711 ends that)"],
      [0, "/var/lib/dpkg/tmp.ci/preinst", ", which runs /var/lib/dpkg/tmp.ci/preinst (kill 4711 ends that)"],
      [1000, "/var/lib/dpkg/info/demo.postinst", ""],
      [0, "/root/demo.postinst", ""],
    ] as const) {
      jest.useFakeTimers();
      const host = fakeDebian();
      host.dir("/proc/4711", { mode: 0o555, uid: owner, gid: owner });
      host.put("/proc/4711/cmdline", `/bin/sh\0${script}\0configure\0`);
      host.taught.unshift((argv) => {
        if (!argv.includes("install")) return undefined;
        host.signal = { name: "SIGINT", number: 2 };
        jest.advanceTimersByTime(40_000);
        return undefined;
      });
      const { exit, err } = await typed("bootstrap --yes", host);
      const [first, second] = err.split("\n");
      expect([exit, first]).toEqual([130, `interrupted by SIGINT: still waiting for ${install}${suffix}`]);
      expect(second).toBe("error: packages.install: interrupted by SIGINT");
    }
  });

  test("signal: a child that ends within five seconds is not mentioned", async () => {
    jest.useFakeTimers();
    const host = fakeDebian();
    host.taught.unshift((argv) => {
      if (!argv.includes("install")) return undefined;
      host.signal = { name: "SIGINT", number: 2 };
      jest.advanceTimersByTime(5000);
      return undefined;
    });
    expect((await typed("bootstrap --yes", host)).err).toStartWith("error: packages.install: interrupted by SIGINT");
  });

  test("timeout: an apt-get that continues after its timeout is named with the script that it waits for", async () => {
    jest.useFakeTimers();
    const host = fakeDebian();
    host.put("/proc/4711/cmdline", "/bin/sh\0/var/lib/dpkg/info/demo.postinst\0configure\0");
    host.taught.unshift((argv) => {
      if (!argv.includes("install")) return undefined;
      host.sleep(61 * 60_000);
      jest.advanceTimersByTime(65_000);
      return undefined;
    });
    const { exit, err } = await typed("bootstrap --yes", host);
    expect(exit).toBe(0);
    expect(err).toContain(
      "the limit of 60 min has passed: still waiting for apt-get install nginx git curl rsync ca-certificates, which runs /var/lib",
    );
  });
});
