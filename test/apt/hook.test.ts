import { describe, expect, test } from "bun:test";
import { installPackages } from "../../src/apt/apt.ts";
import { failedHook } from "../../src/apt/hook.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";

const conf = "/etc/apt/apt.conf.d";
const aborted = "E: Sub-process returned an error code\n";
const etckeeper = "if [ -x /usr/bin/etckeeper ]; then etckeeper pre-install; fi";
const dpkgFailed = "E: Sub-process /usr/bin/dpkg returned an error code (1)\n";

function installing(stderr: string): FakeHost {
  const host = fakeHost();
  host.put(`${conf}/10apt-listbugs`, '// A comment.\nDPkg::Pre-Install-Pkgs {"/usr/bin/apt-listbugs apt";};\n');
  host.put(`${conf}/05etckeeper`, `DPkg::Pre-Invoke { "${etckeeper}"; };\n`);
  host.put(`${conf}/99after`, 'DPkg::Post-Invoke { "test x$A = xb"; };\n');
  host.taught.push((argv) => (argv.includes("install") ? { code: 100, stdout: "", stderr } : ok()));
  return host;
}

const install = (host: FakeHost) => installPackages(host, { names: ["less"] }, () => null);
const failure = (host: FakeHost) => install(host).catch((error: Error) => error);

describe("apt: a failing hook", () => {
  test("apt: a failed hook is reported with its setting, its command and its file", async () => {
    for (const [stderr, title, path] of [
      [
        "E: Sub-process /usr/bin/apt-listbugs apt returned an error code (1)\nE: Failure running script /usr/bin/apt-listbugs apt\n",
        `apt's hook DPkg::Pre-Install-Pkgs '/usr/bin/apt-listbugs apt' in ${conf}/10apt-listbugs failed`,
        `${conf}/10apt-listbugs`,
      ],
      [
        `E: Problem executing scripts DPkg::Pre-Invoke '${etckeeper}'\n${aborted}`,
        `apt's hook DPkg::Pre-Invoke '${etckeeper}' in ${conf}/05etckeeper failed`,
        `${conf}/05etckeeper`,
      ],
    ] as const) {
      expect(await failure(installing(stderr))).toMatchObject({
        message: `apt-get could not install less: ${title}`,
        hint: ["cat", path],
        stderr,
      });
    }
  });

  test("apt: a failed hook that no configuration file contains is still reported", async () => {
    expect(await failure(installing(`E: Problem executing scripts DPkg::Pre-Invoke 'x'\n${aborted}`))).toMatchObject({
      message: "apt-get could not install less: apt's hook DPkg::Pre-Invoke 'x' failed",
      hint: ["sudo", "apt-get", "install", "--fix-broken", "less"],
    });
  });

  test("apt: a hook that fails after dpkg succeeded causes a warning, and an error if dpkg failed too", async () => {
    const after = `E: Problem executing scripts DPkg::Post-Invoke 'test x$A = xb'\n${aborted}`;
    const title = `apt's hook DPkg::Post-Invoke 'test x$A = xb' in ${conf}/99after failed`;
    expect(await install(installing(after))).toEqual([title]);
    expect(await failure(installing(dpkgFailed + after))).toMatchObject({
      message: `apt-get could not install less: ${title}`,
    });
  });

  test("apt: an installation that fails for another reason reports no hook", () => {
    const host = installing("");
    for (const stderr of [
      "E: Unable to locate package less\n",
      "E: Problem executing scripts APT::Update::Post-Invoke 'x'\n",
      dpkgFailed,
    ]) {
      expect(failedHook(host, { code: 100, stdout: "", stderr })).toBeNull();
    }
  });
});

test("apt: every hook that could ask a question is made non-interactive", async () => {
  const host = installing("");
  const envs: (Record<string, string> | undefined)[] = [];
  const { run } = host;
  host.run = (argv, options) => {
    envs.push(options?.env);
    return run(argv, options);
  };
  await failure(host);
  expect(envs.length).toBeGreaterThan(1);
  for (const env of envs) {
    expect(env).toMatchObject({
      DEBIAN_FRONTEND: "noninteractive",
      APT_LISTBUGS_FRONTEND: "none",
      APT_LISTCHANGES_FRONTEND: "none",
      NEEDRESTART_MODE: "l",
      NEEDRESTART_SUSPEND: "1",
    });
  }
});
