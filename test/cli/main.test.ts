import { expect, test } from "bun:test";
import { localConsole } from "../../src/host/local-console.ts";
import { main } from "../../src/main.ts";

test("--version prints the bare version number", async () => {
  let out = "";
  const console = {
    ...localConsole(),
    out(text: string) {
      out += text;
    },
  };
  expect(await main(["--version"], console)).toBe(0);
  expect(out).toBe("0.0.0-test\n");
});

test("a report that cannot be written is exit code 1", async () => {
  const full = (): void => {
    throw new Error("ENOSPC");
  };
  expect(await main(["--help"], { ...localConsole(), out: full, err: full })).toBe(1);
});

test("the console writes whole texts to its descriptors", () => {
  const { out, err, interactive } = localConsole();
  out("");
  err("");
  expect(typeof interactive()).toBe("boolean");
});
