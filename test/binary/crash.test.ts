// Without our handler, the runtime would print its own source with a stack trace. The compiled binary prints one line.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { compile } from "../../build/build.ts";

const folder = mkdtempSync(`${tmpdir()}/edox-ops-crash-`);
afterAll(() => rmSync(folder, { recursive: true }));
await compile(`${import.meta.dir}/crash.ts`, `${folder}/bin/crash`, "linux-x64");

const hint = "hint: set EDOX_DEBUG=1 to see where in the source this happened\n";

test.each([
  ["rejection", "a error: b\\u202e"],
  ["timer", "a error: b\\u202e"],
  ["start", "a error: b\\u202e"],
  ["string", "a error: b"],
  ["nothing", "undefined"],
])(
  "crash: an unhandled error (%s) prints one line and exits with 1, and EDOX_DEBUG adds its location",
  (way, message) => {
    const run = (env: Record<string, string>) => {
      const { exitCode, stdout, stderr } = Bun.spawnSync([`${folder}/bin/crash`, way], { env, stdin: "ignore" });
      return { exit: exitCode, out: stdout.toString(), err: stderr.toString() };
    };
    const first = `error: internal error: ${message}\n`;
    expect(run({})).toEqual({ exit: 1, out: "", err: `${first}${hint}` });
    const { exit, err } = run({ EDOX_DEBUG: "1" });
    expect([exit, err.startsWith(first)]).toEqual([1, true]);
    if (way !== "string" && way !== "nothing") expect(err).toMatch(/\bat failure \(/);
  },
);
