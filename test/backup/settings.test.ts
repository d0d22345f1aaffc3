// The records of a repository: each fault of a file is named, and no secret is printed.

import { describe, expect, test } from "bun:test";
import { environmentPath, passwordPath, settingsPath, statePath } from "../../src/backup/paths.ts";
import {
  accessOf,
  environmentText,
  readEnvironment,
  readPassword,
  readSettings,
  theSettings,
} from "../../src/backup/settings.ts";
import { readState, writeState } from "../../src/backup/state.ts";
import { fakeHost } from "../fake-host.ts";

const settings = { repository: "/repo", host: "alpha", with_releases: false, keep: null };

describe("backup settings", () => {
  test("backup settings: without a file there is none, and a command names the one that sets it up", () => {
    const host = fakeHost();
    expect(readSettings(host)).toBeNull();
    expect(() => theSettings(host)).toThrow("no backup repository is set up on this host");
  });

  test.each([
    ["{", "it is not JSON"],
    [JSON.stringify({ ...settings, host: "-x" }), "host: a host has letters"],
    [JSON.stringify({ ...settings, keep: { daily: -1, weekly: 0, monthly: 0 } }), "keep.daily: "],
    [JSON.stringify({ repository: "/repo" }), "host: "],
  ])("backup settings: the fault of %s is named", (text, why) => {
    const host = fakeHost();
    host.put(settingsPath, text);
    expect(() => readSettings(host)).toThrow(`${settingsPath} is invalid: ${why}`);
  });

  test("backup settings: the password is the first line of its file, and the credentials are redacted", () => {
    const host = fakeHost();
    host.put(passwordPath, "canary one\nsecond line\n");
    host.put(environmentPath, "# S3\nAWS_ACCESS_KEY_ID=id\n\nAWS_SECRET_ACCESS_KEY=canary=two\n");
    const access = accessOf(host, settings);
    expect(access.password.reveal()).toBe("canary one");
    expect([...access.environment].map(([name, value]) => [name, value.reveal()])).toEqual([
      ["AWS_ACCESS_KEY_ID", "id"],
      ["AWS_SECRET_ACCESS_KEY", "canary=two"],
    ]);
    expect(JSON.stringify(access)).not.toContain("canary");
    expect(String(environmentText(access.environment))).toBe("[redacted]");
    expect(environmentText(new Map())).toBeNull();
  });

  test.each([
    ["AWS_ACCESS_KEY_ID", "is not NAME=VALUE"],
    ["LD_PRELOAD=/tmp/canary.so", "sets LD_PRELOAD: only AWS_*"],
    ["RESTIC_PASSWORD=canary", "sets RESTIC_PASSWORD: only AWS_*"],
    ["export AWS_ACCESS_KEY_ID=canary", "is not NAME=VALUE"],
  ])("backup settings: the line %s is refused without its value", (line, why) => {
    const host = fakeHost();
    host.put("/root/env", `# first\n${line}\n`);
    const read = () => readEnvironment(host, "/root/env");
    expect(read).toThrow(`line 2 of /root/env ${why}`);
    expect(read).not.toThrow("canary");
  });

  test("backup settings: an empty, a missing and a special password file are refused", () => {
    const host = fakeHost();
    host.put("/root/empty", "\nsecond\n");
    host.dir("/root/dir");
    expect(() => readPassword(host, "/root/empty")).toThrow("the first line of /root/empty is empty");
    expect(() => readPassword(host, "/root/none")).toThrow("does not exist");
    expect(() => readPassword(host, "/root/dir")).toThrow("is a directory, and should be a file");
    expect(() => readEnvironment(host, "/root/none")).toThrow("does not exist");
  });
});

describe("backup state", () => {
  test("backup state: changes are kept for one repository, and another one begins anew", () => {
    const host = fakeHost();
    host.dir("/var/lib");
    writeState(host, "/repo", { backedUpMs: 5 });
    writeState(host, "/repo", { failure: "why" });
    expect(readState(host, "/repo")).toMatchObject({ backedUpMs: 5, verifiedMs: null, failure: "why", part: 1 });
    expect(readState(host, "/other")).toMatchObject({ backedUpMs: null, failure: null });
  });

  test.each(["", "{", "[]", '{"repository":"/repo"}', "[".repeat(200)])(
    "backup state: the invalid file %s counts as none",
    (text) => {
      const host = fakeHost();
      host.put(statePath, text);
      expect(readState(host, "/repo").backedUpMs).toBeNull();
    },
  );
});
