// What doctor says about backups.

import { describe, expect, test } from "bun:test";
import { backupChecks } from "../../src/backup/checks.ts";
import { environmentPath, settingsPath, statePath } from "../../src/backup/paths.ts";
import { type State, writeState } from "../../src/backup/state.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { project } from "../sites/tree.ts";
import { recordBackup } from "./recorded.ts";

const day = 24 * 60 * 60_000;

async function setUp(state: Partial<State> = {}): Promise<FakeHost> {
  const host = fakeDebian();
  await recordBackup(host, state);
  return host;
}

async function look(host: FakeHost, name: string, online = false) {
  const check = backupChecks(online).find((each) => each.name === name);
  if (check === undefined || check.appliesTo?.(host) === false) return null;
  return check.run(host);
}

describe("doctor", () => {
  test("backup:repo: without a repository there is a warning once the host has a site", async () => {
    const host = fakeDebian();
    for (const name of ["repo", "age", "verify"]) expect(await look(host, `backup:${name}`)).toBeNull();
    host.put("/etc/edox-ops/projects.json", JSON.stringify({ demo: project }));
    expect(await look(host, "backup:repo")).toMatchObject({
      status: "warning",
      detail: "1 site would be lost with this disk: no backup is set up",
      hint: ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"],
    });
    expect(await look(host, "backup:age")).toBeNull();
  });

  test("backup: for a user other than root, doctor leaves the checks out", async () => {
    const host = fakeHost(1000);
    host.hidden.add("/etc/edox-ops");
    for (const name of ["repo", "age", "verify"]) expect(await look(host, `backup:${name}`)).toBeNull();
  });

  test("backup:repo: a readable password is an error, and with --online the repository is opened", async () => {
    const host = await setUp();
    expect(await look(host, "backup:repo")).toEqual({ status: "ok", detail: "backups go to /repo" });
    host.put(environmentPath, "AWS_ACCESS_KEY_ID=x\n", { mode: 0o644 });
    expect(await look(host, "backup:repo")).toMatchObject({
      status: "error",
      hint: ["sudo", "chmod", "600", environmentPath],
    });
    host.nodes.delete(environmentPath);
    host.taught.unshift((argv) =>
      argv.join(" ") === "restic cat config --no-lock" ? ok('{"id":"51f18db7"}') : undefined,
    );
    expect(await look(host, "backup:repo", true)).toMatchObject({ status: "ok", detail: "/repo can be opened" });
    host.taught.unshift(() => ({ code: 0, stdout: "", stderr: "Is there a repository at the following location?\n" }));
    expect(await look(host, "backup:repo", true)).toMatchObject({
      status: "error",
      detail: "there is no repository at /repo",
    });
  });

  test.each([
    [{ backedUpMs: null, failure: null }, "error", "never backed up"],
    [{ backedUpMs: null, failure: "repository /repo: no space is left" }, "error", "no space is left"],
    [
      { failure: "repository /repo: it cannot be reached" },
      "warning",
      "the next one failed: repository /repo: it cannot be reached",
    ],
  ] as const)("backup:age: %j is a %s", async (state, status, detail) => {
    expect(await look(await setUp(state), "backup:age")).toMatchObject({
      status,
      detail: expect.stringContaining(detail),
    });
  });

  test("backup:age: the hint is that of the recorded failure, and without one the command that makes a backup", async () => {
    const failure = "repository /repo: the password is wrong";
    const hint = ["sudo", "edox-ops", "backup", "init", "--repo", "/repo", "--password-file", "FILE"];
    const run = ["sudo", "edox-ops", "backup", "run"];
    for (const backedUpMs of [null, 1.7e12]) {
      expect(await look(await setUp({ backedUpMs, failure, hint }), "backup:age")).toMatchObject({ hint });
      expect(await look(await setUp({ backedUpMs, failure, hint: [] }), "backup:age")).toMatchObject({ hint: run });
      // A host that was set up again has the failure of another time.
      expect(await look(await setUp({ backedUpMs, failure: null, hint }), "backup:age")).toMatchObject({ hint: run });
    }
  });

  test("backup:age: a failed retention is a warning beside a recent backup, and the failure of a later backup goes first", async () => {
    const hint = ["df", "-h", "/repo"];
    const upkeep = { failure: "old snapshots were not removed: repository /repo: no space is left", hint };
    const host = await setUp({ upkeep });
    expect(await look(host, "backup:age")).toEqual({
      ...{ status: "warning", detail: `the last backup was made just now; ${upkeep.failure}`, hint },
    });
    writeState(host, "/repo", { upkeep: { ...upkeep, hint: [] } });
    expect(await look(host, "backup:age")).toMatchObject({ hint: ["sudo", "edox-ops", "backup", "run"] });
    writeState(host, "/repo", { upkeep, failure: "it cannot be reached", hint: ["ping", "nas"] });
    expect(await look(host, "backup:age")).toMatchObject({
      status: "warning",
      detail: "the last backup was made just now; the next one failed: it cannot be reached",
      hint: ["ping", "nas"],
    });
    writeState(host, "/repo", { upkeep, failure: null, backedUpMs: host.now() - 8 * day });
    expect(await look(host, "backup:age")).toMatchObject({
      status: "error",
      detail: `the last backup was made 8 days ago; ${upkeep.failure}`,
      hint,
    });
  });

  test("backup:age: the state of an earlier version is read", async () => {
    const host = await setUp();
    const { upkeep, ...earlier } = JSON.parse(host.text(statePath) ?? "");
    expect(upkeep).toBeNull();
    host.put(statePath, JSON.stringify(earlier));
    expect(await look(host, "backup:age")).toMatchObject({ status: "ok" });
  });

  test("backup:age, backup:verify: a time in the future is no recent one, and small differences of clocks are", async () => {
    const host = await setUp();
    const at = (ms: number) => writeState(host, "/repo", { backedUpMs: host.now() + ms, verifiedMs: host.now() + ms });
    for (const name of ["backup:age", "backup:verify"]) {
      at(60_000);
      expect(await look(host, name)).toMatchObject({ status: "ok" });
      at(2 * day);
      expect(await look(host, name)).toMatchObject({
        status: "warning",
        detail: expect.stringMatching(/has a time in the future, .*: the clock was wrong then, or is now$/),
        hint: ["sudo", "edox-ops", "backup", name === "backup:age" ? "run" : "verify"],
      });
    }
  });

  test("backup:age: a late backup is a warning, a very late one an error, and without a timer nothing makes the next", async () => {
    const host = await setUp();
    const at = async (days: number) => {
      writeState(host, "/repo", { backedUpMs: host.now() - days * day });
      return look(host, "backup:age");
    };
    expect(await at(1.5)).toMatchObject({ status: "ok", detail: "the last backup was made 1 day ago" });
    expect(await at(2.5)).toMatchObject({ status: "warning" });
    expect(await at(8)).toMatchObject({ status: "error" });
    host.nodes.delete("/etc/systemd/system/edox-ops-backup.timer");
    host.nodes.delete("/etc/systemd/system/edox-ops-backup.service");
    expect(await at(0)).toMatchObject({ status: "warning", hint: ["sudo", "edox-ops", "backup", "enable", "--yes"] });
  });

  test("backup:age: a timer that is stopped, or of which a file is empty, is a warning", async () => {
    const hint = ["sudo", "edox-ops", "backup", "enable", "--yes"];
    const made = "the last backup was made just now, and the timer needs a repair: ";
    for (const path of ["edox-ops-backup.timer", "edox-ops-backup.service"].map(
      (name) => `/etc/systemd/system/${name}`,
    )) {
      const host = await setUp();
      host.put(path, "");
      const detail = `${made}${path} differs from what edox-ops writes`;
      expect(await look(host, "backup:age")).toEqual({ status: "warning", detail, hint });
    }
    const host = await setUp();
    host.remove("/run/systemd/units/timer:edox-ops-backup.timer");
    const detail = `${made}edox-ops-backup.timer is inactive`;
    expect(await look(host, "backup:age")).toEqual({ status: "warning", detail, hint });
    for (const [days, status] of [
      [3, "warning"],
      [9, "error"],
    ] as const) {
      writeState(host, "/repo", { backedUpMs: host.now() - days * day });
      const late = detail.replace("just now", `${days} days ago`);
      expect(await look(host, "backup:age")).toEqual({ status, detail: late, hint });
    }
  });

  test("backup:verify: a damage is an error, and a late or missing verification a warning", async () => {
    expect(await look(await setUp(), "backup:verify")).toMatchObject({ status: "ok" });
    expect(await look(await setUp({ damage: "repository /repo: it is damaged" }), "backup:verify")).toMatchObject({
      status: "error",
      hint: ["sudo", "edox-ops", "backup", "verify", "--all"],
    });
    expect(await look(await setUp({ verifiedMs: null }), "backup:verify")).toMatchObject({ status: "warning" });
    expect(await look(await setUp({ verifiedMs: null, backedUpMs: null }), "backup:verify")).toMatchObject({
      status: "not-set-up",
    });
    const host = await setUp();
    writeState(host, "/repo", { verifiedMs: host.now() - 32 * day });
    expect(await look(host, "backup:verify")).toMatchObject({ status: "warning" });
  });

  test("backup:repo: an invalid file is reported once, under one name", async () => {
    const host = await setUp();
    host.put(settingsPath, "{");
    expect(await look(host, "backup:repo").catch((error) => error)).toMatchObject({ code: "invalid-config" });
    expect([await look(host, "backup:age"), await look(host, "backup:verify")]).toEqual([null, null]);
  });
});
