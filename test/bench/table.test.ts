import { expect, test } from "bun:test";
import { startedIn } from "../../bench/inside.ts";
import { atLeast, atMost, head, median, row, table } from "../../bench/table.ts";

const slow = { name: "slow", times: [300, 100, 200], children: 7, peak: 20.4 };
const fast = { name: "fast", times: [10, 20, 30, 40], children: -1, peak: 0 };

test("bench median: is that of the sorted values, and the middle of two for an even count", () => {
  expect(median([9, 100, 10])).toBe(10);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test("bench row: prints ratios to the other programs, and leaves unmeasured values empty", () => {
  expect(row(slow, [fast, undefined])).toEqual(["slow", "3", "200", "100 to 300", "8.00", "", "7", "20", ""]);
  expect(row(fast, [fast])).toEqual(["fast", "4", "25.0", "10.0 to 40.0", "1.00", "", "", ""]);
});

test("bench goal: is met at its limit, and missed beyond it", () => {
  const goals = [atMost("× a", 2.5, 2.5), atMost("× b", 2.6, 2.5), atLeast("× c", 80, 80), atLeast("× d", 79, 80)];
  expect(row(slow, [], goals).at(-1)).toBe(
    "at most 2.5 × a: met; at most 2.5 × b: missed; at least 80 × c: met; at least 80 × d: missed",
  );
});

test("bench table: is Markdown with aligned columns", () => {
  const lines = table([head(["× fast"]), row(slow, [fast]), row(fast, [fast])])
    .trimEnd()
    .split("\n");
  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[1]).toMatch(/^\| -+ \| -+: \| .* \| -+ \|$/);
  expect(lines[2]).toStartWith("| slow |");
});

test("bench trace: counts each started process once, and no thread or restarted call", () => {
  const trace = [
    "10 vfork( <unfinished ...>",
    "11 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = ? ERESTARTNOINTR (To be restarted)",
    "11 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 12",
    "10 <... vfork resumed>)              = 11",
    "12 clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_SETTLS, exit_signal=0} => {parent_tid=[13]}, 88) = 13",
    "12 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0}, 88 <unfinished ...>",
    "12 <... clone3 resumed>)             = 14",
    "12 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88 <unfinished ...>",
    "12 <... clone3 resumed>)             = 15",
    "12 +++ exited with 0 +++",
  ];
  expect(startedIn(trace.join("\n"))).toBe(3);
});
