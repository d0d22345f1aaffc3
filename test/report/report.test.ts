import { expect, test } from "bun:test";
import { Text } from "../../src/engine/change.ts";
import { linesOf, shellLine } from "../../src/engine/lines.ts";
import { diffOf } from "../../src/report/diff.ts";
import { stepsOf } from "../../src/report/json.ts";
import { hintFor, voiceOf } from "../../src/report/voice.ts";
import { coberturaXml, readLcov } from "../cobertura.ts";

const attributes = { mode: 0o600, uid: 0, gid: 0 };

test("a secret is in no diff and in no JSON", () => {
  const change = { kind: "file" as const, path: "/s", before: null, after: Text.of("canary", true), ...attributes };
  const result = {
    id: "a",
    title: "",
    outcome: "pending" as const,
    changes: [change],
    unseen: [],
    warnings: [],
    ran: [],
  };
  expect(diffOf(change)).not.toContain("canary");
  expect(
    JSON.stringify([change, stepsOf([result], true, voiceOf({ colour: false, hint: (argv) => [...argv] }))]),
  ).not.toContain("canary");
});

test("a diff shows a new, a changed and a removed file", () => {
  const [one, two] = [Text.of("one\n"), Text.of("two\n")];
  expect(diffOf({ kind: "file", path: "/f", before: null, after: one, ...attributes })).toContain("+one");
  expect(diffOf({ kind: "file", path: "/f", before: one, after: two, ...attributes })).toContain("-one\n+two");
  expect(diffOf({ kind: "removal", path: "/f", before: one })).toContain("-one");
  expect(diffOf({ kind: "packages", names: [] })).toBe("");
});

test("what a program says cannot move a terminal's cursor", () => {
  expect(linesOf("a\r\nb\rc\u001B[2Jd\u0007\n\n")).toEqual(["a", "b", "cd"]);
});

test("a hint is what this person can type here", () => {
  const hint = ["sudo", "edox-ops", "bootstrap", "--yes"];
  expect(hintFor("/usr/local/bin/edox-ops", 1000)(hint)).toEqual(hint);
  expect(hintFor("/usr/local/bin/edox-ops", 0)(hint)).toEqual(["edox-ops", "bootstrap", "--yes"]);
  expect(hintFor("/home/pi/edox-ops", 1000)(hint)).toEqual(["sudo", "/home/pi/edox-ops", "bootstrap", "--yes"]);
});

test("a line to type is quoted for the shell where it must be", () => {
  expect(shellLine(["a", "--b=/c", "it's; $HOME", ""])).toBe(`a --b=/c 'it'\\''s; $HOME' ''`);
});

test("lcov becomes cobertura with true totals", () => {
  const coverage = readLcov("SF:src/a.ts\nDA:1,2\nDA:2,0\nend_of_record\nSF:src/b.ts\nDA:1,1\nDA:2,1\nend_of_record\n");
  expect(coverage).toMatchObject({ lines: 4, hit: 3 });
  expect(coberturaXml(coverage)).toContain('line-rate="0.7500" lines-covered="3" lines-valid="4"');
});
