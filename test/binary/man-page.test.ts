import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { manPage } from "../../build/man-page.ts";
import { hostile, tree } from "../command-tree.ts";

const folder = mkdtempSync(`${tmpdir()}/edox-ops-`);
afterAll(() => rmSync(folder, { recursive: true }));
const docs = `${import.meta.dir}/../../docs`;

function said(...argv: string[]): string {
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" };
  const { stdout, stderr } = Bun.spawnSync(argv, { env, stdin: "ignore" });
  return stdout.toString() + stderr;
}

test("man page: mandoc reports no warnings", () => {
  expect(said("/usr/bin/mandoc", "-T", "lint", "-W", "all", `${docs}/edox-ops.1`)).toBe("");
});

test("man page: any text in a description is shown as written", async () => {
  await Bun.write(`${folder}/page.1`, manPage(tree));
  expect(said("/usr/bin/mandoc", "-T", "lint", "-W", "warning", `${folder}/page.1`)).toBe("");
  const read = said("/usr/bin/mandoc", "-T", "utf8", "-O", "width=300", `${folder}/page.1`).replace(/.[\b]/g, "");
  // The name, two commands, eight flags and two values. Each begins with a capital letter.
  expect(read.split(hostile.slice(1)).length - 1).toBe(13);
});
