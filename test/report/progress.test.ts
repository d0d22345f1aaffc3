import { expect, test } from "bun:test";
import { Problem } from "../../src/problem/problem.ts";
import { aptProgress } from "../../src/report/apt-progress.ts";
import { progressLine } from "../../src/report/progress.ts";

const install = ["apt-get", "-q", "install", "git"];

function shown(columns = 80, unicode = true) {
  const lines: string[] = [];
  let clock = 0;
  const terminal = {
    err: (text: string) => void lines.push(text),
    columns: () => columns,
    unicode: () => unicode,
  };
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

test("progress: shows the step, apt's percentage as a bar, the current package and the elapsed time", () => {
  const { line, now, pass } = shown();
  line.begin("Installing packages", { step: 1, of: 3 });
  pass(14);
  line.status("pmstatus:libc6:amd64:62.5:Unpacking libc6:amd64 (amd64)");
  expect(now()).toBe("[1/3] Installing packages ━━━━━╺─── 62 % · unpacking libc6:amd64 · 14 s");
  line.status("pmstatus:libc6:amd64:100:Installed libc6:amd64 (amd64)");
  expect(now()).toBe("[1/3] Installing packages ━━━━━━━━━ 100 % · installed libc6:amd64 · 14 s");
  line.clear();
});

test("progress: a terminal with ASCII only has a bar of ASCII", () => {
  const { line, now } = shown(60, false);
  line.begin("Installing packages", { step: 1, of: 3 });
  line.status("pmstatus:git:58.5:Unpacking git (amd64)");
  expect(now()).toBe("[1/3] Installing packages ====>-- 58 % - unpacking... - 0 s");
  line.clear();
});

test("progress: 40 columns show the step, the percentage and the time, without a bar", () => {
  const { line, now, pass } = shown(40);
  line.begin("Installing packages", { step: 1, of: 3 });
  pass(5);
  line.status("pmstatus:git:58.5:Unpacking git (amd64)");
  expect(now()).toBe("[1/3] Installing packages 58 % · 5 s");
  line.clear();
});

test("progress: the download and the installation share one scale that never goes back", () => {
  const { line, now } = shown();
  const percent = (): number => Number(/(\d+) %/.exec(now() ?? "")?.[1]);
  line.begin("Installing packages");
  line.running(install);
  line.output("Need to get 17.9 MB of archives.\n");
  const seen = [
    "dlstatus:1:20.0:Retrieving file 1 of 3",
    "dlstatus:1:100.0:Retrieving file 3 of 3",
    "pmstatus:dpkg-exec:0.0:Running dpkg",
    "pmstatus:git:50.0:Unpacking git (amd64)",
    "pmstatus:git:30.0:Configuring git (amd64)",
    "pmstatus:git:100.0:Installed git (amd64)",
  ].map((each) => {
    line.status(each);
    return percent();
  });
  expect(seen).toEqual([10, 50, 50, 75, 75, 100]);
  // The next step begins anew.
  line.begin("Installing Docker");
  line.running(install);
  line.status("pmstatus:git:30.0:Configuring git (amd64)");
  expect(percent()).toBe(30);
  line.clear();
});

test("progress: an installation without a download has the whole scale", () => {
  const { line, now } = shown();
  line.begin("Installing packages");
  line.running(install);
  line.output("Need to get 0 B/17.9 MB of archives.\n");
  line.status("dlstatus:1:100.0:Retrieving file 3 of 3");
  expect(now()).toContain(" 0 %");
  line.status("pmstatus:git:30.0:Configuring git (amd64)");
  expect(now()).toContain(" 30 %");
  line.clear();
});

test("progress: the update of package lists has no percentage, which would begin again for the packages", () => {
  const { line, now } = shown();
  line.begin("Installing packages");
  line.running(["apt-get", "-q", "update"]);
  line.status("dlstatus:1:90.0:Retrieving file 6 of 7");
  expect(now()).toBe("Installing packages · updating package lists · 0 s");
  line.clear();
});

test("progress: shows the downloaded bytes once apt has printed the total", () => {
  const { line, now } = shown();
  line.begin("Downloading packages");
  line.status("dlstatus:1:20.0:Retrieving file 1 of 3");
  expect(now()).toContain("20 % · retrieving file 1 of 3");
  line.output("Need to get 17.9 MB of archives.\n");
  line.status("dlstatus:1:50.0:Retrieving file 2 of 3");
  expect(now()).toContain("50 % · downloading 8.9 of 17.9 MB");
  line.output("Need to get 1,024 kB/17.9 MB of archives.\n");
  line.status("dlstatus:1:50.0:Retrieving file 2 of 3");
  expect(now()).toContain("50 % · downloading 512.0 of 1024 kB");
  line.clear();
});

test("progress: stays on one line with any text and in a narrow terminal", () => {
  const { line, now, resize } = shown();
  line.begin("packages.install");
  line.say("a\nb\u001B[2J\rc".repeat(20));
  expect(Bun.stringWidth(now() ?? "")).toBe(79);
  expect(now()).not.toMatch(/\p{Cc}/u);
  for (const columns of [20, 5, 2]) {
    resize(columns);
    line.say("世".repeat(40), 0.5);
    expect(Bun.stringWidth(now() ?? "")).toBeLessThanOrEqual(columns - 1);
  }
  line.clear();
});

test("progress: an interruption is announced once, with the program that finishes first", () => {
  const { line, lines, state } = shown();
  line.begin("Installing packages");
  line.running(install);
  state.ending = true;
  line.status("pmstatus:git:10.0:Unpacking git");
  line.status("pmstatus:git:20.0:Unpacking git");
  expect(lines.filter((each) => each.includes("Stopping"))).toEqual([
    "\r\u001B[KStopping after apt finishes (safe)…\n",
  ]);
  line.clear();

  const other = shown(80, false);
  other.line.begin("Deploying docs");
  other.line.running(["/usr/sbin/nginx", "-t"]);
  other.line.ran();
  other.state.ending = true;
  other.line.say("");
  expect(other.lines).toContain("\r\u001B[KStopping safely...\n");
  other.line.clear();
});

test("progress: ignores other lines, and leaves nothing behind", () => {
  const { line, now, lines } = shown();
  line.status("nonsense");
  expect(lines).toEqual([]);
  line.say("waiting");
  expect(now()).toBe("waiting · 0 s");
  line.clear();
  expect(lines.at(-1)).toBe("\r\u001B[K");
  line.clear();
  line.status("pmstatus:git:10.0:Unpacking git");
  expect(now()).toBe("");
});

test("progress: the status of apt leaves room for the name of the package", () => {
  const apt = aptProgress();
  apt.running(["apt-get", "install"]);
  const shown = (text: string) => apt.status(`pmstatus:git:50:${text}`)?.what;
  expect(shown("Preparing to configure git (amd64)")).toBe("configuring git");
  expect(shown("Preparing to remove git (amd64)")).toBe("removing git");
  expect(shown("Running post-installation trigger man-db")).toBe("running the trigger of man-db");
});
