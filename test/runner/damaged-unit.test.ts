// The unit of gitlab-runner after a power cut: gitlab-runner writes it without a sync.

import { expect, test } from "bun:test";
import { unitPath } from "../../src/runner/service.ts";
import { ok } from "../fake-host.ts";
import { mirrors, preparedRunner } from "./prepared-runner.ts";

test("gitlab-runner install: a unit of zeros is written again", async () => {
  const { host, ops } = await preparedRunner();
  host.put(unitPath, "\0".repeat(448));
  host.taught.unshift((argv) => {
    if (argv[0] !== "gitlab-runner" || argv[1] !== "install") return undefined;
    if (host.stat(unitPath) !== null) return { code: 1, stdout: "", stderr: "Init already exists" };
    host.put(unitPath, "[Service]\n");
    return ok();
  });
  expect(await ops("install", "--yes", ...mirrors.slice(2))).toMatchObject({ exit: 0 });
  expect(host.text(unitPath)).toBe("[Service]\n");
});
