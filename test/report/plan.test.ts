import { expect, test } from "bun:test";
import { type Change, Text } from "../../src/engine/change.ts";
import type { StepResult } from "../../src/engine/step.ts";
import { closingText } from "../../src/report/closing.ts";
import { applyCommand, planSummary } from "../../src/report/plan.ts";
import { hintFor, styleOf } from "../../src/report/style.ts";

const attributes = { mode: 0o755, uid: 0, gid: 0 };
const empty: StepResult = { id: "a", title: "", outcome: "ok", changes: [], unknown: [], warnings: [], ran: [] };
const planned = (...changes: Change[]): StepResult => ({ ...empty, outcome: "pending", changes });

const style = styleOf({ colour: false, hint: hintFor("/usr/local/bin/edox-ops", false) });
const ascii = styleOf({ colour: false, unicode: false, hint: (argv) => [...argv] });

const file = (path: string): Change => ({ kind: "file", path, before: null, after: Text.of("a"), ...attributes });

test("plan: the summary counts each kind of change, and a path that two steps change once", () => {
  const results = [
    planned({ kind: "packages", names: ["nginx", "git"] }, { kind: "packages", names: ["nginx"], remove: ["apache2"] }),
    planned({ kind: "directory", path: "/a", before: null, ...attributes }, file("/a/b"), file("/c")),
    planned({ kind: "removal", path: "/c", before: Text.of("a") }, { kind: "command", argv: ["true"], reason: "a" }),
  ];
  expect(planSummary(results)).toEqual({ text: "Plan: 3 packages, 1 directory, 2 files, 1 command." });
  expect(planSummary([planned({ kind: "packages", names: [] })])).toEqual({ text: "Plan: 1 command." });
});

test("plan: without changes there is nothing to apply, and an unknown state is counted", () => {
  expect(planSummary([empty], ["true"])).toEqual({ text: "Nothing to change." });
  const unknown: StepResult = { ...empty, outcome: "unknown", unknown: ["file: permission denied"] };
  expect(planSummary([unknown], ["true"])).toEqual({ text: "No changes found. 1 state could not be determined." });
  expect(planSummary([unknown, planned(file("/a"))])).toEqual({
    text: "Plan: 1 file. 1 state could not be determined.",
  });
});

test("plan: the command that applies it has the typed words without the flags of a plan", () => {
  const words = ["sudo", "edox-ops", "bootstrap", "--dry-run", "--diff", "-nv", "-n"];
  expect(applyCommand(words, true)).toEqual(["sudo", "edox-ops", "bootstrap", "-v", "--yes"]);
  expect(applyCommand(words, false)).toEqual(["sudo", "edox-ops", "bootstrap", "-v"]);
  expect(applyCommand(["edox-ops", "bootstrap", "--check", "-y"], true)).toEqual(["edox-ops", "bootstrap", "-y"]);
});

test("closing: a text is wrapped with a hanging indent, and a command stays on one line", () => {
  const summary = planSummary([planned(file("/a"))], ["sudo", "edox-ops", "bootstrap", "--yes"]);
  expect(closingText([summary], style, 80)).toBe("Plan: 1 file. Apply with: sudo edox-ops bootstrap --yes\n");
  expect(closingText([summary], style, 40)).toBe("Plan: 1 file.\nApply with: sudo edox-ops bootstrap --yes\n");
  const missing = {
    mark: "absent" as const,
    text: "HTTPS for docs.example.org is not set up",
    next: { argv: ["edox-ops", "project", "publish", "docs", "--tls"] },
  };
  expect(closingText([missing], style, 40)).toBe(
    "– HTTPS for docs.example.org is not set\n  up\n  → edox-ops project publish docs --tls\n",
  );
  expect(closingText([missing], ascii, 30)).toBe(
    "- HTTPS for docs.example.org\n  is not set up\n  -> edox-ops project publish docs --tls\n",
  );
  expect(closingText([{ text: "", next: { label: "Next:", argv: ["true"] } }], style, 80)).toBe("Next: true\n");
});
