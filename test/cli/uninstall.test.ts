// What keeps the program from being uninstalled.

import { describe, expect, test } from "bun:test";
import { backupLockPath } from "../../src/backup/paths.ts";
import { cleanupLockPath } from "../../src/runner/paths.ts";
import { watchLockPath } from "../../src/watch/paths.ts";
import { fakeDebian } from "../fake-debian.ts";
import { bootstrap, typed } from "./typed.ts";

describe("uninstall:", () => {
  for (const [command, path] of [
    ["backup run", backupLockPath],
    ["watch run", watchLockPath],
    ["gitlab-runner cleanup run", cleanupLockPath],
  ] as const) {
    test(`while ${command} runs, which would write its state again, nothing is removed`, async () => {
      const host = await bootstrap(fakeDebian());
      host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
      for (const dir of ["/var/lib/edox-ops/backup", "/var/lib/edox-ops/watch", "/var/lib/edox-ops/cleanup"])
        host.dir(dir);
      host.locks.set(path, { pid: 7, command: `edox-ops ${command}`, sinceMs: host.now() });
      const { exit, err } = await typed("uninstall --yes", host);
      expect([exit, err]).toEqual([
        75,
        expect.stringContaining(`another run holds the lock: edox-ops ${command} (pid 7`),
      ]);
      expect(host.stat("/usr/local/bin/edox-ops")).not.toBeNull();
      expect(host.list("/var/lib/edox-ops")).toHaveLength(3);
    });
  }
});
