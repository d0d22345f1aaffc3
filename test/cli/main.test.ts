import { expect, test } from "bun:test";
import { localConsole } from "../../src/host/local-console.ts";
import { main } from "../../src/main.ts";

test("--version prints the bare version number", async () => {
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

test("a report that cannot be written is exit code 1", async () => {
  const full = (): Promise<void> => Promise.reject(new Error("ENOSPC"));
  expect(await main(["--help"], { ...localConsole, out: full, err: () => {} })).toBe(1);
});

test("the console writes to its descriptors", async () => {
  const { out, err, interactive } = localConsole;
  err("");
  await out("");
  expect(typeof interactive()).toBe("boolean");
});
