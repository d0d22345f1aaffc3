import { expect, test } from "bun:test";
import { Problem } from "../../src/problem/problem.ts";
import { progressLine } from "../../src/report/progress.ts";

function shown(columns = 60) {
  const lines: string[] = [];
  let clock = 0;
  const terminal = { err: (text: string) => void lines.push(text), columns: () => columns };
  const state = { ending: false };
  const stop = () => (state.ending ? new Problem("interrupted", "interrupted by SIGINT") : null);
  const line = progressLine(terminal, () => clock, stop);
  const resize = (to: number): void => {
    columns = to;
  };
  const pass = (seconds: number): void => {
    clock += seconds * 1000;
  };
  /** Returns the current text of the line. Each write begins by clearing it. */
  const now = (): string | undefined => lines.at(-1)?.replace("\r\u001B[K", "");
  return { line, now, lines, pass, resize, state };
}

test("progress: shows apt's percentage, the current package and the elapsed time", () => {
  const { line, now, pass } = shown();
  line.begin("packages.install");
  pass(14);
  line.status("pmstatus:libc6:amd64:62.5:Unpacking libc6:amd64 (amd64)");
  expect(now()).toBe("packages.install  63 %  Unpacking libc6:amd64 (amd64)  14 s");
  line.clear();
});

test("progress: shows the downloaded bytes once apt has printed the total", () => {
  const { line, now } = shown();
  line.begin("packages.install");
  line.status("dlstatus:1:20.0:Retrieving file 1 of 3");
  expect(now()).toContain("20 %  Retrieving file 1 of 3");
  line.output("Need to get 17.9 MB of archives.\n");
  line.status("dlstatus:1:50.0:Retrieving file 2 of 3");
  expect(now()).toContain("50 %  8.9 of 17.9 MB");
  line.output("Need to get 1,024 kB/17.9 MB of archives.\n");
  line.status("dlstatus:1:50.0:Retrieving file 2 of 3");
  expect(now()).toContain("50 %  512.0 of 1024 kB");
  line.clear();
});

test("progress: stays on one line with any text and in a narrow terminal", () => {
  const { line, now, resize } = shown();
  line.begin("packages.install");
  line.say("a\nb\u001B[2J\rc".repeat(20));
  expect(Bun.stringWidth(now() ?? "")).toBe(59);
  expect(now()).not.toMatch(/\p{Cc}/u);
  resize(20);
  line.say("世".repeat(40));
  expect(Bun.stringWidth(now() ?? "")).toBeLessThanOrEqual(19);
  line.clear();
});

test("progress: ignores other lines, shows an interruption, and leaves nothing behind", () => {
  const { line, now, lines, state } = shown();
  line.status("nonsense");
  expect(lines).toEqual([]);
  line.say("waiting");
  state.ending = true;
  line.status("pmstatus:git:10.0:Unpacking git");
  expect(now()).toBe("interrupted by SIGINT, ending in order  10 %  Unpacking gi…");
  line.clear();
  expect(lines.at(-1)).toBe("\r\u001B[K");
  line.clear();
  line.status("pmstatus:git:10.0:Unpacking git");
  expect(now()).toBe("");
});
