// Tests each command on a gitlab-runner package in every state of dpkg.

import { describe, expect, test } from "bun:test";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { typedWords } from "../cli/typed.ts";
import { dockerKey, fakeDebian, runnerKey } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";
import { fakeDpkg } from "./fake-dpkg.ts";

const name = "gitlab-runner";
const both = "gitlab-runner gitlab-runner-helper-images";
const active = "/run/systemd/units/invocation:gitlab-runner.service";
const fingerprintOf = (key: Uint8Array): string => publicKeys(key)[0]?.fingerprint ?? "";
const mirrors = [
  "--docker-apt-fingerprint",
  fingerprintOf(dockerKey),
  "--runner-apt-fingerprint",
  fingerprintOf(runnerKey),
];

/** Returns a prepared host with the package in this state. The repository has version 2, and no version fails. */
async function hostWith(status: string | null, version = "1") {
  const host = fakeDebian();
  const ops = (...words: string[]) => typedWords(["gitlab-runner", ...words], host);
  host.dir("/etc/edox-ops", { mode: 0o750 });
  expect((await ops("prepare-ci-host", "--yes", ...mirrors)).exit).toBe(0);
  host.dir("/home/gitlab-runner", { uid: 999 });
  const dpkg = fakeDpkg(host);
  for (const each of both.split(" "))
    dpkg.set(each, each === name ? status : status && "install ok installed", version);
  if (status === null)
    host.taught.unshift(([program]) => (program === name ? { code: 127, stdout: "", stderr: "" } : undefined));
  const effects: Record<string, (path: string) => void> = {
    "systemctl stop --no-block": () => host.nodes.delete(active),
    "systemctl start --no-block": () => host.link(active, "again"),
    "rm -r --one-file-system": removeTree,
    rmdir: removeTree,
    "userdel --remove": () => host.put("/etc/passwd", ""),
  };
  host.taught.unshift((argv) => {
    if (argv[0] === name) return ok("Version:      19.4.0\n");
    const effect = effects[argv.slice(0, -1).join(" ")];
    effect?.(argv.at(-1) ?? "");
    return effect && ok();
  });
  return { host, ops, dpkg };

  function removeTree(path: string): void {
    for (const each of [...host.nodes.keys()]) if (`${each}/`.startsWith(`${path}/`)) host.nodes.delete(each);
  }
}

const installed = "install ok installed";
const unhold = "hint: apt-mark unhold gitlab-runner\n";
const states: Record<string, string | null> = {
  "not installed": null,
  removed: "deinstall ok config-files",
  "half-installed": "install reinstreq half-installed",
  unpacked: "install ok unpacked",
  "half-configured": "install ok half-configured",
  "triggers-pending": "install ok triggers-pending",
  installed,
  held: "hold ok installed",
};
type Outcome = [exit: number, state: string | null, words?: string];
const removed: Outcome = [0, "deinstall ok config-files"];
const outcomes: Record<string, Record<string, Outcome>> = {
  "install --yes": {
    "not installed": [0, installed],
    removed: [0, installed],
    "half-installed": [0, installed],
    unpacked: [0, installed],
    "half-configured": [0, installed],
    "triggers-pending": [0, installed],
    installed: [0, installed],
    held: [0, "hold ok installed"],
  },
  upgrade: {
    "not installed": [1, null, "error: GitLab Runner is not installed\n"],
    removed: [1, "deinstall ok config-files", "error: GitLab Runner is not installed\n"],
    "half-installed": [0, installed, "was 1, and is 2"],
    unpacked: [0, installed, "was 1, and is 2"],
    "half-configured": [0, installed, "was 1, and is 2"],
    "triggers-pending": [0, installed, "was 1, and is 2"],
    installed: [0, installed, "was 1, and is 2"],
    held: [1, "hold ok installed", unhold],
  },
  "uninstall --yes": {
    "not installed": [0, null],
    removed,
    "half-installed": removed,
    unpacked: removed,
    "half-configured": removed,
    "triggers-pending": removed,
    installed: removed,
    held: [1, "hold ok installed", unhold],
  },
  "uninstall --purge --yes": {
    "not installed": [0, null],
    removed: [0, null],
    "half-installed": [0, null],
    unpacked: [0, null],
    "half-configured": [0, null],
    "triggers-pending": [0, null],
    installed: [0, null],
    held: [1, "hold ok installed", unhold],
  },
};
outcomes["prepare-ci-host --yes"] = outcomes["install --yes"] ?? {};

describe("gitlab-runner: package states", () => {
  for (const [command, table] of Object.entries(outcomes)) {
    for (const [state, [exit, after, words = ""]] of Object.entries(table)) {
      test(`${command}: a package that is ${state} ends with exit code ${exit} as ${after ?? "unknown to dpkg"}`, async () => {
        const { host, ops, dpkg } = await hostWith(states[state] ?? null);
        const said = await ops(...command.split(" "));
        expect([said.exit, dpkg.get(name), said.out + said.err]).toEqual([exit, after, expect.stringContaining(words)]);
        if (exit !== 0) expect(host.ran.some((line) => line.startsWith("systemctl stop"))).toBe(false);
        expect(said.err.match(/^error: /gm) ?? []).toHaveLength(exit === 0 ? 0 : 1);
      });
    }
  }

  for (const state of ["half-installed", "unpacked", "half-configured", "triggers-pending"]) {
    test(`status and doctor: a package that is ${state} is reported with the command that finishes it`, async () => {
      const { host, ops } = await hostWith(states[state] ?? null);
      const { exit, out } = await ops("status");
      const finish = `apt-get install ${name}`;
      expect([exit, out]).toEqual([0, expect.stringContaining(`dpkg did not finish it (run: sudo ${finish})\n`)]);
      const doctor = await typedWords(["doctor"], host);
      const reason = `dpkg did not finish installing ${name}`;
      expect(doctor.out).toContain(`[FAIL] dpkg:configured: ${reason} (run: ${finish})
[FAIL] runner:binary: ${reason} (follows from dpkg:configured)
`);
    });
  }

  test("gitlab-runner: a version whose script fails stops every command with one error and a hint", async () => {
    const { ops, dpkg } = await hostWith(installed);
    dpkg.broken.add("2");
    for (const command of ["upgrade", "upgrade", "install --yes", "prepare-ci-host --yes"]) {
      const { exit, err } = await ops(...command.split(" "));
      expect([command, exit, err]).toEqual([command, 1, expect.stringContaining(": dpkg stops at gitlab-runner\n")]);
      expect(err.match(/^error: /gm)).toHaveLength(1);
      expect(err.match(/error processing package/g)).toHaveLength(1);
      expect(err).toContain(`hint: apt-get install ${name}\n`);
      expect(dpkg.get(name)).toBe("install ok half-configured");
    }
  });

  test("install: a failing package that no source offers any more is reported with dpkg's own reason", async () => {
    const { host, ops, dpkg } = await hostWith("install ok half-configured");
    dpkg.broken.add("1");
    host.taught.unshift((argv) => {
      if (argv[0] !== "apt-get" || argv.at(-1) === "install" || !argv.includes("--fix-broken")) return undefined;
      return { code: 100, stdout: "", stderr: "E: Package 'gitlab-runner' has no installation candidate\n" };
    });
    const { exit, err } = await ops("install", "--yes");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("could not install gitlab-runner: dpkg stops at gitlab-runner\n"),
    ]);
    expect(err).toContain(`hint: apt-get install ${name}\n`);
  });

  test("a release whose script fails: its script runs once or twice in each command", async () => {
    const { ops, dpkg } = await hostWith(installed);
    dpkg.broken.add("2");
    for (const command of ["upgrade", "upgrade", "install --yes", "prepare-ci-host --yes"]) {
      dpkg.scripts.length = 0;
      expect((await ops(...command.split(" "))).exit).toBe(1);
      expect(dpkg.scripts.filter((each) => each === name).length).toBeWithin(1, 3);
    }
  });

  for (const [command, after] of [
    ["uninstall --yes", "deinstall ok config-files"],
    ["uninstall --purge --yes", null],
  ] as const) {
    test(`${command}: a runner whose script fails is removed beside another package that fails, which is named`, async () => {
      const warning = "warning: dpkg did not finish installing theirs (run: sudo apt-get install theirs)\n";
      const { ops, dpkg } = await hostWith("install ok half-configured");
      dpkg.broken.add("1");
      dpkg.failing.add("theirs");
      dpkg.set("theirs", "install ok half-configured", "1");
      const { exit, out } = await ops(...command.split(" "));
      expect([exit, out]).toEqual([0, expect.stringContaining(warning)]);
      expect([dpkg.get(name), dpkg.get("theirs")]).toEqual([after, "install ok half-configured"]);
      expect(dpkg.scripts).not.toContain(name);
    });
  }

  for (const command of ["upgrade", "install --yes", "prepare-ci-host --yes", "uninstall --yes"]) {
    test(`${command}: a version whose script fails is replaced by the next one, or removed`, async () => {
      const { host, ops, dpkg } = await hostWith(installed);
      dpkg.broken.add("2");
      expect((await ops("upgrade")).exit).toBe(1);
      expect(host.readLink(active)).not.toBeNull();
      dpkg.offered = "3";
      const { exit, err } = await ops(...command.split(" "));
      expect([exit, err]).toEqual([0, ""]);
      const isGone = command.startsWith("uninstall");
      expect([dpkg.get(name), dpkg.version(name)]).toEqual(
        isGone ? ["deinstall ok config-files", "2"] : [installed, "3"],
      );
    });
  }

  test("install: a held package that dpkg did not finish is finished, and a failing one gets the hint apt-mark unhold", async () => {
    const { ops, dpkg } = await hostWith("hold ok half-configured");
    expect((await ops("install", "--yes")).exit).toBe(0);
    expect(dpkg.get(name)).toBe("hold ok installed");
    dpkg.broken.add("1");
    dpkg.set(name, "hold ok half-configured", "1");
    const { exit, err } = await ops("install", "--yes");
    expect([exit, err]).toEqual([1, expect.stringContaining("gitlab-runner is held with apt-mark")]);
    expect(err).toContain(unhold);
  });
});
