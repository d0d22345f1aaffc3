// The completion scripts in real shells, for a sample command tree and as the binary prints them.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { bashCompletion } from "../../src/report/completion-bash.ts";
import { fishCompletion } from "../../src/report/completion-fish.ts";
import { zshCompletion } from "../../src/report/completion-zsh.ts";
import { hostile, tree } from "../command-tree.ts";
import { shells, typedInBash } from "./shell.ts";

const binary = `${import.meta.dir}/../../dist/linux-x64/edox-ops`;
const folder = mkdtempSync(`${tmpdir()}/edox-ops-`);
afterAll(() => rmSync(folder, { recursive: true }));

async function folderWith(script: string): Promise<string> {
  const dir = mkdtempSync(`${folder}/`);
  mkdirSync(`${dir}/folder`);
  for (const name of ["one", "other"]) await Bun.write(`${dir}/${name} file`, "");
  await Bun.write(`${dir}/script`, script);
  return dir;
}

const printed = (shell: string) => Bun.spawnSync([binary, "completions", shell], { env: {}, stdin: "ignore" });

const offers: [string, string[]][] = [
  ["edox-ops ", ["project"]],
  ["edox-ops pro", ["project"]],
  ["edox-ops project ", ["add", "remove"]],
  ["edox-ops project a", ["add"]],
  ["edox-ops add", []],
  ["edox-ops project remove --", ["--json", "--json=lines", "--yes"]],
  ["edox-ops project remove --yes --", ["--json", "--json=lines"]],
  ["edox-ops project remove --json --", ["--yes"]],
  ["edox-ops project remove --json=lines --", ["--yes"]],
  ["edox-ops project remove --js", ["--json", "--json=lines"]],
  ["edox-ops project add --", ["--config", "--into", "--kind", "--name", "--yes"]],
  ["edox-ops project add --yes --name=x --", ["--config", "--into", "--kind"]],
  ["edox-ops project add --kind ", ["spa", "static"]],
  ["edox-ops project add --kind=st", ["static"]],
  ["edox-ops project add --name ", []],
  ["edox-ops project add x", []],
  ["edox-ops project add x ", ["private", "public"]],
  ["edox-ops project add --name public x p", ["private", "public"]],
];

const generators = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
for (const shell of ["bash", "zsh", "fish"] as const) {
  describe(shell, () => {
    test("completion: offers every valid word at each position, and no invalid one", async () => {
      const dir = await folderWith(generators[shell](tree));
      const found = offers.map(([line]) => [line, names(shells[shell](line, dir))]);
      expect(found).toEqual(offers);
    });

    test("completion: does not execute text in descriptions", async () => {
      const dir = await folderWith(generators[shell](tree));
      const before = readdirSync(dir);
      const offered = ["edox-ops pro", "edox-ops project add --y"].flatMap((line) => shells[shell](line, dir));
      const described = [`project\tproject ${hostile}`, `--yes\t--yes ${hostile}`];
      expect(offered).toEqual(shell === "bash" ? ["project", "--yes"] : described);
      expect(readdirSync(dir)).toEqual(before);
    });

    test("completion: the binary's own script works", async () => {
      const { exitCode, stdout, stderr } = printed(shell);
      expect([exitCode, stderr.toString()]).toEqual([0, ""]);
      const dir = await folderWith(stdout.toString());
      expect(names(shells[shell]("edox-ops boot", dir))).toEqual(["bootstrap"]);
      expect(names(shells[shell]("edox-ops bootstrap --dr", dir))).toEqual(["--dry-run"]);
      expect(names(shells[shell]("edox-ops --v", dir))).toEqual(["--version"]);
      expect(names(shells[shell]("edox-ops completions ", dir))).toEqual(["bash", "fish", "zsh"]);
    });
  });
}

test("bash completion: completes words, values and quoted paths on a terminal", async () => {
  const dir = await folderWith(bashCompletion(tree));
  const keys: [string, string[]][] = [
    ["edox-ops proj", ["edox-ops", "project"]],
    ["edox-ops project add --kind=st", ["edox-ops", "project", "add", "--kind=static"]],
    ["edox-ops project remove --json=li", ["edox-ops", "project", "remove", "--json=lines"]],
    ["edox-ops project add --config ot", ["edox-ops", "project", "add", "--config", "other file"]],
    ["edox-ops project add --into fo", ["edox-ops", "project", "add", "--into", "folder/"]],
    ["edox-ops project add --into ot", ["edox-ops", "project", "add", "--into", "ot"]],
  ];
  expect(keys.map(([line]) => [line, typedInBash(line, dir)])).toEqual(keys);
});

for (const shell of ["zsh", "fish"] as const) {
  test(`${shell} completion: offers paths for values that are paths`, async () => {
    const dir = await folderWith(generators[shell](tree));
    const at = (line: string): string => shells[shell](line, dir).join("\n");
    expect(at("edox-ops project add --config ot")).toContain("other");
    expect(at("edox-ops project add --into ")).toContain("folder");
    expect(at("edox-ops project add --into ")).not.toContain("other");
  });
}

/** Returns the offered words without their descriptions, and without the flag before a value. */
function names(offered: string[]): string[] {
  return offered
    .map((each) => each.replace(/\t.*/, "").replace(/^--(?!json=)\w+=(?=\w)/, ""))
    .filter(Boolean)
    .sort();
}
