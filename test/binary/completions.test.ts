// The completion scripts in real shells, with a program that answers for a host in memory and with the binary.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { completionScripts } from "../../src/report/completion-scripts.ts";
import { hostile } from "../cli/completion-host.ts";
import { pressTab, shells, typedIn } from "./shell.ts";

const top = `${import.meta.dir}/../..`;
const binary = `${top}/dist/linux-x64/edox-ops`;
const folder = mkdtempSync(`${tmpdir()}/edox-ops-`);
afterAll(() => rmSync(folder, { recursive: true }));

const answering = `exec ${process.execPath} --config=${top}/bunfig.toml ${import.meta.dir}/completing.ts "$@"`;

/** Returns a working directory with the script of a shell, and a program in `bin` that runs these shell commands. */
async function directoryWith(script: string, program: string | null = answering): Promise<string> {
  const dir = mkdtempSync(`${folder}/`);
  for (const name of ["bin", "folder"]) mkdirSync(`${dir}/${name}`);
  for (const name of ["one file", "other file"]) await Bun.write(`${dir}/${name}`, "");
  await Bun.write(`${dir}/script`, script);
  // The completions of sudo are loaded only where it is installed.
  const programs = { sudo: "exit 1", ...(program !== null && { "edox-ops": program }) };
  for (const [name, text] of Object.entries(programs)) {
    await Bun.write(`${dir}/bin/${name}`, `#!/bin/sh\n${text}\n`);
    chmodSync(`${dir}/bin/${name}`, 0o755);
  }
  return dir;
}

const steps = ["bootstrap.complete", "packages.install", "site.directories"];
const stamps = ["20261201T000000Z", "20270114T080000Z", "20270115T070000Z"];
const offers: [string, string[]][] = [
  ["edox-ops pro", ["project"]],
  ["edox-ops project sh", ["show"]],
  ["edox-ops project rm w", ["wiki"]],
  ["edox-ops help project backups ", ["list", "prune"]],
  ["edox-ops nosuch ", []],
  ["edox-ops bundle show x --js", ["--json"]],
  ["edox-ops bundle show --json x --js", []],
  ["edox-ops bootstrap --js", ["--json", "--json=lines"]],
  ["edox-ops bootstrap --json=", ["--json=lines"]],
  ["edox-ops bundle create --arch ", ["amd64", "arm64"]],
  ["edox-ops bundle create --arch=ar", ["arm64"]],
  ["edox-ops project restore docs --backup ", stamps],
  ["edox-ops project restore docs --yes --backup=20270", ["20270114T080000Z", "20270115T070000Z"]],
  ["edox-ops project restore wiki --backup ", ["20270110T080000Z"]],
  ["edox-ops bootstrap --only nginx.prepare,", steps.map((step) => `nginx.prepare,${step}`)],
  ["edox-ops bootstrap --skip=nginx.prepare,p", ["nginx.prepare,packages.install"]],
  ["edox-ops gitlab-runner unregister arm:", ["arm:64"]],
  ["edox-ops project add ", []],
  ["./bin/edox-ops project sh", ["show"]],
];

const inserted: [string, string[]][] = [
  ["edox-ops proj", ["edox-ops", "project"]],
  ["edox-ops bundle create --arch=ar", ["edox-ops", "bundle", "create", "--arch=arm64"]],
  ["edox-ops bootstrap --json=li", ["edox-ops", "bootstrap", "--json=lines"]],
  ["edox-ops bootstrap --bundle ot", ["edox-ops", "bootstrap", "--bundle", "other file"]],
  ["edox-ops bootstrap --bundle=ot", ["edox-ops", "bootstrap", "--bundle=other file"]],
  ["edox-ops project update docs --root-path fo", ["edox-ops", "project", "update", "docs", "--root-path", "folder/"]],
  ["edox-ops project update docs --root-path=fo", ["edox-ops", "project", "update", "docs", "--root-path=folder/"]],
  ["edox-ops gitlab-runner unregister ed", ["edox-ops", "gitlab-runner", "unregister", "edox-ops CI runner"]],
  [
    "edox-ops gitlab-runner unregister edox-ops\\ CI\\ r",
    ["edox-ops", "gitlab-runner", "unregister", "edox-ops CI runner"],
  ],
  ["edox-ops gitlab-runner unregister 'edox-ops C", ["edox-ops", "gitlab-runner", "unregister", "edox-ops CI runner"]],
  ['edox-ops gitlab-runner unregister "edox-ops C', ["edox-ops", "gitlab-runner", "unregister", "edox-ops CI runner"]],
  ["edox-ops gitlab-runner unregister arm:6", ["edox-ops", "gitlab-runner", "unregister", "arm:64"]],
  ["edox-ops gitlab-runner unregister it", ["edox-ops", "gitlab-runner", "unregister", hostile]],
  [
    "edox-ops gitlab-runner prepare-ci-host --runner=it",
    ["edox-ops", "gitlab-runner", "prepare-ci-host", `--runner=${hostile}`],
  ],
  ["edox-ops 'proj", ["edox-ops", "project"]],
];

/** Programs that do not answer: an older one, one that fails, and none. */
const unfit: Record<string, string | null> = {
  older: `echo "error: unknown command" >&2; echo '{"outcome":"refused"}'; echo show; exit 2`,
  helpful: "echo show; echo shown",
  failing: "kill -SEGV $$",
  silent: "exit 0",
  missing: null,
};

for (const shell of ["bash", "zsh", "fish"] as const) {
  describe(shell, () => {
    let dir = "";
    beforeAll(async () => {
      dir = await directoryWith(completionScripts[shell]);
    });

    for (const [line, expected] of offers) {
      test(`completion: offers what fits after "${line}"`, () => {
        expect(names(shells[shell](line, dir), line)).toEqual(expected.toSorted());
      });
    }

    test("completion: offers words with their descriptions, in the order of the program", () => {
      const offered = shells[shell]("edox-ops project restore docs --backup ", dir);
      const described = ["1 hour ago, 2.0 MiB", "1 day ago, 2.0 MiB", "45 days ago, 2.0 MiB"].map(
        (about, i) => `${stamps.toReversed()[i]}\t${about}`,
      );
      expect(offered).toEqual(shell === "bash" ? stamps.toReversed() : described);
    });

    test("completion: offers paths where a file or a directory fits", () => {
      const at = (line: string): string[] =>
        names(shells[shell](line, dir), line).map((each) => each.replaceAll("\\", ""));
      const plain = (line: string): string[] => at(line).map((each) => each.replace(/\/$/, ""));
      expect(plain("edox-ops bootstrap --bundle ")).toEqual(["bin", "folder", "one file", "other file", "script"]);
      expect(plain("edox-ops bootstrap --bundle=o")).toEqual(["one file", "other file"]);
      expect(plain("edox-ops project update docs --root-path ")).toEqual(["bin", "folder"]);
      expect(plain("edox-ops project update docs --root-path=")).toEqual(["bin", "folder"]);
      expect(plain("edox-ops gitlab-runner register --profile ci")).toEqual(["ci", "ci-rootless"]);
    });

    test("completion: executes neither names on the host nor typed text", () => {
      const before = readdirSync(dir);
      for (const line of ["edox-ops gitlab-runner unregister ", "edox-ops project show "]) shells[shell](line, dir);
      for (const typed of ["$(touch canary)", "`touch canary`"]) {
        for (const line of [`edox-ops project show ${typed} `, `edox-ops ${typed}`, `${typed}/edox-ops pro`]) {
          // Unlike the others, bash reads the line afterwards.
          if (shell === "bash") pressTab(line, dir);
          else shells[shell](line, dir);
        }
      }
      expect(readdirSync(dir)).toEqual(before);
    });

    for (const [name, program] of Object.entries(unfit)) {
      test(`completion: a program that is ${name} offers nothing and reports nothing`, async () => {
        const other = await directoryWith(completionScripts[shell], program);
        expect(shells[shell]("edox-ops project sh", other)).toEqual([]);
      });
    }

    test("completion: the binary prints the script, and answers it", async () => {
      const { exitCode, stdout, stderr } = Bun.spawnSync([binary, "completions", shell], { env: {}, stdin: "ignore" });
      expect([exitCode, stderr.toString()]).toEqual([0, ""]);
      const own = await directoryWith(stdout.toString(), `exec ${binary} "$@"`);
      const at = (line: string): string[] => names(shells[shell](line, own), line);
      expect(at("edox-ops boot")).toEqual(["bootstrap"]);
      expect(at("edox-ops bootstrap --dr")).toEqual(["--dry-run"]);
      expect(at("edox-ops --v")).toEqual(["--version"]);
      expect(at("edox-ops completions ")).toEqual(["bash", "fish", "zsh"]);
      expect(at("edox-ops bootstrap --only pack")).toEqual(["packages.install"]);
    });
  });
}

for (const shell of ["bash", "zsh"] as const) {
  test(`${shell} completion: inserts words that the shell reads as the offered ones`, async () => {
    const dir = await directoryWith(completionScripts[shell]);
    for (const [line, words] of inserted) {
      // zsh leaves the slash out once the word has ended.
      const read = shell === "zsh" ? words.map((word) => word.replace(/\/$/, "")) : words;
      expect([line, ...typedIn(shell, line, dir)]).toEqual([line, ...read]);
    }
    expect(readdirSync(dir)).not.toContain("canary");
  });
}

for (const shell of ["bash", "zsh"] as const) {
  test(`${shell} completion: completes the word at the cursor within a line`, async () => {
    const dir = await directoryWith(completionScripts[shell]);
    const toTheEndOfSh = "\x1bb\x02\t";
    const read = typedIn(shell, "edox-ops project sh docs", dir, toTheEndOfSh);
    expect(read).toEqual(["edox-ops", "project", "show", "docs"]);
  });
}

test("bash completion: completes after = and : where neither separates words", async () => {
  const dir = await directoryWith(`COMP_WORDBREAKS=\${COMP_WORDBREAKS//[:=]/}\n${completionScripts.bash}`);
  expect(typedIn("bash", "edox-ops bundle create --arch=ar", dir).at(-1)).toBe("--arch=arm64");
  expect(typedIn("bash", "edox-ops gitlab-runner unregister arm:", dir).at(-1)).toBe("arm:64");
});

test("bash completion: completes after sudo, as bash-completion calls it", async () => {
  // Without the package, bash completes no command after sudo.
  const offset = `_shifted() {
    COMP_LINE=\${COMP_LINE#sudo}; COMP_POINT=$((COMP_POINT - 4))
    COMP_WORDS=("\${COMP_WORDS[@]:1}"); COMP_CWORD=$((COMP_CWORD - 1)); _edox_ops
  }
  complete -F _shifted sudo`;
  const dir = await directoryWith(`${completionScripts.bash}\n${offset}`);
  expect(typedIn("bash", "sudo edox-ops project sh", dir)).toEqual(["sudo", "edox-ops", "project", "show"]);
  expect(typedIn("bash", "sudo edox-ops bundle create --arch=ar", dir).at(-1)).toBe("--arch=arm64");
});

for (const shell of ["zsh", "fish"] as const) {
  test(`${shell} completion: completes after sudo`, async () => {
    const dir = await directoryWith(completionScripts[shell]);
    const line = "sudo edox-ops project sh";
    expect(names(shells[shell](line, dir), line)).toEqual(["show"]);
  });
}

test("zsh completion: works from a directory of $fpath, and is silent without compinit", async () => {
  const dir = await directoryWith("");
  await Bun.write(`${dir}/_edox-ops`, completionScripts.zsh);
  await Bun.write(`${dir}/script`, "fpath=($PWD $fpath); compinit -u -d $HOME/zcompdump-of-fpath");
  for (let i = 0; i < 2; i++) expect(names(shells.zsh("edox-ops project sh", dir), "")).toEqual(["show"]);
  const { exitCode, stdout, stderr } = Bun.spawnSync(["/usr/bin/zsh", "-f", "-c", "source ./_edox-ops"], { cwd: dir });
  expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([0, "", ""]);
});

/** Returns the offered words, sorted, without their descriptions and the flag before a value of the line's last word. */
function names(offered: string[], line: string): string[] {
  const flag = /(?<= )--(?!json)[a-z-]+=/.exec(
    line.split(" ").at(-1) === "" ? "" : line.slice(line.lastIndexOf(" ")),
  )?.[0];
  return offered
    .map((each) => each.replace(/\t.*/, ""))
    .map((each) => (flag !== undefined && each.startsWith(flag) ? each.slice(flag.length) : each))
    .filter(Boolean)
    .sort();
}
