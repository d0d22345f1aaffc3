import { expect, test } from "bun:test";
import { localConsole } from "../../src/host/local-console.ts";
import { OutputError } from "../../src/host/system-error.ts";
import { crashed, main } from "../../src/main.ts";

test("main: --version prints the bare version number", async () => {
  let out = "";
  const console = {
    ...localConsole,
    async out(text: string) {
      out += text;
    },
  };
  expect(await main(["--version"], console)).toBe(0);
  expect(out).toBe("0.0.0-test\n");
});

/** Returns the exit code and stderr of a run whose stdout fails with this error code. */
async function withoutStdout(typed: string[], code: string): Promise<[number, string]> {
  let err = "";
  const cause = Object.assign(new Error(`${code}: no space left on device, write`), { code });
  const console = {
    ...localConsole,
    out: (): Promise<void> => Promise.reject(new OutputError(cause)),
    err(text: string) {
      err += text;
    },
  };
  return [await main(typed, console), err];
}

test.each([
  ["--version", 1, "error: stdout cannot be written: no space left on device\n"],
  ["--help", 1, "error: stdout cannot be written: no space left on device\n"],
  ["doctor --json", 1, "error: stdout cannot be written: no space left on device\n"],
  ["nonsense --json", 2, "error: unknown command 'nonsense'\nhint: "],
])("edox-ops %s: a full stdout exits %i, and stderr says why", async (line, code, why) => {
  const [exit, err] = await withoutStdout(line.split(" "), "ENOSPC");
  expect([exit, err.slice(0, why.length)]).toEqual([code, why]);
});

test("main: a closed pipe prints no error", async () => {
  expect(await withoutStdout(["--version"], "EPIPE")).toEqual([1, ""]);
  expect(await withoutStdout(["--help"], "EPIPE")).toEqual([1, ""]);
});

test("main: an internal error is one line with a hint, and with EDOX_DEBUG it has a stack trace", () => {
  const read = (error: unknown): string => {
    let err = "";
    crashed(error, {
      err(text) {
        err += text;
      },
    });
    return err;
  };
  const bug = new TypeError("x is no function\nerror: forged\u202e");
  const first = "error: internal error: x is no function error: forged\\u202e\n";
  expect(read(bug)).toBe(`${first}hint: set EDOX_DEBUG=1 to see where in the source this happened\n`);
  process.env.EDOX_DEBUG = "1";
  try {
    expect(read(bug)).toStartWith(first);
    expect(read(bug)).toContain("main.test.ts:");
  } finally {
    delete process.env.EDOX_DEBUG;
  }
});

test("console: output is written to the file descriptors", async () => {
  const { out, err, interactive } = localConsole;
  err("");
  await out("");
  expect(typeof interactive()).toBe("boolean");
});
