// The unit of gitlab-runner after a power cut: gitlab-runner writes it without a sync.

import { expect, test } from "bun:test";
import { unitPath } from "../../src/runner/service.ts";
import { ok } from "../fake-host.ts";
import { active, mirrors, preparedRunner } from "./prepared-runner.ts";

test.each([
  ["of zeros", "\0".repeat(448)],
  ["that is empty", ""],
])("gitlab-runner install: a unit %s is written again, and the service started", async (_, text) => {
  const { host, ops } = await preparedRunner();
  host.put(unitPath, text);
  host.remove(active);
  host.taught.unshift((argv) => {
    if (argv[0] !== "gitlab-runner" || argv[1] !== "install") return undefined;
    if (host.stat(unitPath) !== null) return { code: 1, stdout: "", stderr: "Init already exists" };
    host.put(unitPath, "[Service]\n");
    return ok();
  });
  expect(await ops("install", "--yes", ...mirrors.slice(2))).toMatchObject({ exit: 0 });
  expect(host.text(unitPath)).toBe("[Service]\n");
  expect(host.readLink(active)).not.toBeNull();
});

test("gitlab-runner install: a unit that somebody has masked stays masked", async () => {
  const { host, ops } = await preparedRunner();
  host.link(unitPath, "/dev/null");
  const { exit, err } = await ops("install", "--yes", ...mirrors.slice(2));
  expect(exit).toBe(1);
  expect(err).toContain("gitlab-runner is masked");
  expect(host.readLink(unitPath)).toBe("/dev/null");
});
