// Runs command lines with the Python tool and with this program, and compares the results.

import { expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import type { Row } from "./python-table.ts";
import { pythonTool } from "./python-tool.ts";
import type { Ended } from "./run.ts";
import type { TestHost } from "./test-host.ts";

const page = readFileSync(`${import.meta.dir}/../../docs/coming-from-python.md`, "utf8").replace(/\s+/g, " ");

/** Delimiters around the exit code of a line, after its output. */
const unit = "\u001f";
const record = "\u001e";

/** Loads the tool once and runs each line in a forked process, because its start takes most of a line's time. */
const runner = `
import os, shlex, sys
from edox_ops.cli import app
for line in open("/root/lines").read().splitlines():
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.argv = ["edox-ops", *shlex.split(line)]
        app()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(f"${unit}{code}${record}", end="", flush=True)
`;

/** The result of a line, without the slugs and times of this run. */
type End = Pick<Ended, "code" | "stdout">;

/** Runs all lines with the Python tool, then with this program. Returns both results of each line. */
export function bothEnds(host: TestHost, rows: readonly Row[], words: Record<string, string> = {}): [End, End][] {
  const [python, ours] = [endsOf("py", runPython), endsOf("ts", runOurs)];
  return rows.map((_, i) => [python[i], ours[i]] as [End, End]);

  function endsOf(slug: string, runAll: typeof runPython): End[] {
    const all: Record<string, string> = { SLUG: slug, ...words };
    const lines = rows.map(({ line }) => line.replace(/\b(SLUG|URL|TOKEN)\b/g, (word) => all[word] ?? word));
    const ends = runAll(host, lines);
    expect(ends).toHaveLength(rows.length);
    expect(ends.every(({ code }) => Number.isInteger(code))).toBe(true);
    return ends.map(({ code, stdout }) => {
      const plain = stdout.replace(new RegExp(`\\b${slug}\\b`, "g"), "SLUG").replace(/\b\d{8}T\d{6}Z\b/g, "TIME");
      return { code, stdout: plain };
    });
  }
}

/** Returns the faults of a row. */
export function faultsOf({ line, differs }: Row, ends: [End, End] | undefined): string[] {
  if (ends === undefined) return [`${line}: did not run`];
  const [python, ours] = ends;
  const isSame = Bun.deepEquals(python, ours);
  const both = `${line}: ${JSON.stringify({ python, ours })}`;
  if (differs === undefined) return isSame ? [] : [both];
  const { says, code = python.code, stdout = /^/, lastLine } = differs;
  const lastOf = (end: End): string => end.stdout.trimEnd().split("\n").at(-1) ?? "";
  const faults = {
    "ends as with the Python tool: the page need not say more": isSame,
    "ends otherwise than expected": ours.code !== code || !stdout.test(ours.stdout),
    "has another last line": lastLine === true && (lastOf(python) !== lastOf(ours) || lastOf(ours) === ""),
    [`is not told on the page: ${says}`]: !page.includes(says),
  };
  return Object.entries(faults).flatMap(([fault, isTrue]) => (isTrue ? [`${both} ${fault}`] : []));
}

/** Runs each line with the Python tool, and returns the results in order. A line begins after the program name. */
function runPython(host: TestHost, lines: readonly string[]): End[] {
  writeFileSync(`${host.root}/root/lines`, lines.join("\n"));
  writeFileSync(`${host.root}/root/lines.py`, runner);
  return endsIn(host.run([pythonTool.replace(/[^/]*$/, "python3"), "/root/lines.py"]).stdout);
}

/** Runs the same lines with this program. */
function runOurs(host: TestHost, lines: readonly string[]): End[] {
  const script = lines.map((line) => `edox-ops ${line} 2>/dev/null; printf '${unit}%s${record}' $?\n`);
  return endsIn(host.sh(script.join("")).stdout);
}

function endsIn(output: string): End[] {
  return output
    .split(record)
    .slice(0, -1)
    .map((each) => {
      const [stdout = "", code] = each.split(unit);
      return { code: Number(code), stdout };
    });
}
