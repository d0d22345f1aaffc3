import { expect, test } from "bun:test";
import { Text } from "../../src/engine/change.ts";
import { Problem } from "../../src/problem/problem.ts";
import { diffOf } from "../../src/report/diff.ts";
import { stepsOf } from "../../src/report/json.ts";
import { runLog } from "../../src/report/run-log.ts";
import { stepAtTerminal } from "../../src/report/steps-at-terminal.ts";
import { hintFor, styleOf } from "../../src/report/style.ts";
import { problemText, stepText } from "../../src/report/text.ts";
import { linesOf, shellLine } from "../../src/text/lines.ts";
import { coberturaXml, readLcov } from "../cobertura.ts";
import { fakeHost } from "../fake-host.ts";

const plain = styleOf({ colour: false, hint: (argv) => [...argv] });
const attributes = { mode: 0o600, uid: 0, gid: 0 };

test("report: a secret is in no diff and in no JSON", () => {
  const change = { kind: "file" as const, path: "/s", before: null, after: Text.of("canary", true), ...attributes };
  const result = {
    id: "a",
    title: "",
    outcome: "pending" as const,
    changes: [change],
    unknown: [],
    warnings: [],
    ran: [],
  };
  expect(diffOf(change)).not.toContain("canary");
  expect(JSON.stringify([change, stepsOf([result], true, plain)])).not.toContain("canary");
});

test("report: what a step has established is in its text, its JSON and the log, on one line each", () => {
  const sentence = "proven: admin logs in\nat 192.0.2.1:22";
  const result = {
    id: "host.ssh",
    title: "sshd is hardened",
    outcome: "changed" as const,
    changes: [],
    unknown: [],
    warnings: [],
    notes: [sentence],
    ran: [],
  };
  const line = "proven: admin logs in at 192.0.2.1:22";
  expect(stepText(result, plain)).toContain(`\n           ${line}\n`);
  expect(stepAtTerminal(result, { milliseconds: 1, isBrief: false }, plain, 80)).toBe(`${line}\n`);
  expect(stepsOf([result], false, plain)).toMatchObject([{ notes: [line] }]);
  const host = fakeHost();
  host.dir("/var/log/edox-ops");
  runLog("/var/log/edox-ops/a.log", host, () => {}).finished(result);
  expect(host.text("/var/log/edox-ops/a.log")).toContain(`NOTE host.ssh ${line}`);
});

test("diff: shows new, changed and removed files", () => {
  const [one, two] = [Text.of("one\n"), Text.of("two\n")];
  expect(diffOf({ kind: "file", path: "/f", before: null, after: one, ...attributes })).toContain("+one");
  expect(diffOf({ kind: "file", path: "/f", before: one, after: two, ...attributes })).toContain("-one\n+two");
  expect(diffOf({ kind: "removal", path: "/f", before: one })).toContain("-one");
  expect(diffOf({ kind: "packages", names: [] })).toBe("");
});

test("log: the last line of a run that changed something is synced, and one of a converged run does not wait", () => {
  const host = fakeHost();
  host.dir("/var/log/edox-ops");
  const appended: [string, boolean | undefined][] = [];
  const { append } = host;
  host.append = (path, text, mode, synced) => {
    appended.push([text.slice(text.indexOf("] ") + 2), synced]);
    append(path, text, mode, synced);
  };
  const log = runLog("/var/log/edox-ops/a.log", host, () => {});
  const result = { id: "a", title: "", changes: [], unknown: [], warnings: [], ran: [] };
  log.ended("Done.\nMore.", [{ ...result, outcome: "ok" }]);
  log.ended("Done.", [
    { ...result, outcome: "changed" },
    { ...result, outcome: "ok" },
  ]);
  expect(appended).toEqual([
    ["DONE Done.\n", false],
    ["DONE Done.\n", true],
  ]);
});

test("linesOf: output of a program cannot move the cursor", () => {
  expect(linesOf("a\r\nb\rc\u001B[2Jd\u0007\n\n")).toEqual(["a", "b", "cd\\u0007"]);
});

test("hintFor: adapts sudo and the program's path to the user", () => {
  const hint = ["sudo", "edox-ops", "bootstrap", "--yes"];
  expect(hintFor("/usr/local/bin/edox-ops", false)(hint)).toEqual(hint);
  expect(hintFor("/usr/local/bin/edox-ops", true)(hint)).toEqual(["edox-ops", "bootstrap", "--yes"]);
  expect(hintFor("/home/pi/edox-ops", false)(hint)).toEqual(["sudo", "/home/pi/edox-ops", "bootstrap", "--yes"]);
});

test("hintFor: replaces only the command, and not a project, a package or a sought program of the same name", () => {
  const adapt = hintFor("/home/pi/edox-ops", false);
  for (const words of [["project", "show", "edox-ops"], ["self-update"]]) {
    expect(adapt(["sudo", "EDOX_BASE_URL=https://a.test", "edox-ops", ...words])).toEqual([
      "sudo",
      "EDOX_BASE_URL=https://a.test",
      "/home/pi/edox-ops",
      ...words,
    ]);
  }
  for (const hint of [
    ["command", "-v", "edox-ops"],
    ["sudo", "apt-get", "remove", "edox-ops"],
  ])
    expect(adapt(hint)).toEqual(hint);
});

test("hintFor: names a program whose file was removed by its path", () => {
  const adapt = hintFor("/opt/edox-ops (deleted)", true);
  expect(adapt(["edox-ops", "doctor"])).toEqual(["/opt/edox-ops", "doctor"]);
});

test("shellLine: quotes words where the shell requires it", () => {
  expect(shellLine(["a", "--b=/c", "it's; $HOME", ""])).toBe(`a --b=/c 'it'\\''s; $HOME' ''`);
});

test("log and terminal: a warning or a reason cannot forge a line", () => {
  const host = fakeHost();
  const step = { id: "a", title: "", resources: [] };
  const problem = new Problem("conflict", "one\ntwo\u001B[2J", { stderr: "three\n" });
  const evil = "x\n[2026-01-01T00:00:00Z] STEP a SUCCESS returncode=0";
  const result = {
    ...step,
    outcome: "failed" as const,
    changes: [],
    unknown: [evil],
    warnings: [evil],
    ran: [],
    problem,
  };
  const log = runLog("/var/log/edox-ops/a.log", host, () => {});
  host.dir("/var/log");
  log.started(step);
  log.finished(result);
  const lines =
    host
      .text("/var/log/edox-ops/a.log")
      ?.trim()
      .split("\n")
      .map((line) => line.slice(23)) ?? [];
  expect(lines).toEqual([
    "STEP a START action=''",
    "STEP a FAILURE returncode=1",
    "WARNING a x [2026-01-01T00:00:00Z] STEP a SUCCESS returncode=0",
    "REASON a one two: three",
  ]);
  expect(stepText(result, plain).split("\n").length).toBe(4);
  expect(problemText(problem, "a", plain)).toBe("error: a: one two\n  three\n");
});

test("coverage: lcov is converted to Cobertura with correct totals", () => {
  const coverage = readLcov("SF:src/a.ts\nDA:1,2\nDA:2,0\nend_of_record\nSF:src/b.ts\nDA:1,1\nDA:2,1\nend_of_record\n");
  expect(coverage).toMatchObject({ lines: 4, hit: 3 });
  expect(coberturaXml(coverage)).toContain('line-rate="0.7500" lines-covered="3" lines-valid="4"');
});

test("report: an endless line of a program is truncated", () => {
  const problem = new Problem("command-failed", "one", { stderr: "x".repeat(1_000_000) });
  expect(problemText(problem, null, plain)).toBe(`error: one\n  ${"x".repeat(1000)}…\n`);
});

test("log: a log that ends with an incomplete line continues on a new line", () => {
  const host = fakeHost();
  host.dir("/var/log/edox-ops");
  host.put("/var/log/edox-ops/a.log", "whole\nha");
  const log = runLog("/var/log/edox-ops/a.log", host, () => {});
  log.started({ id: "a", title: "", resources: [] });
  expect(host.text("/var/log/edox-ops/a.log")).toMatch(/^whole\nha\n\[.+\] STEP a START action=''\n$/);
});
