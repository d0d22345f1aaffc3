// The status line at the bottom of a terminal: the current action, its progress, and the elapsed time.

import type { Stop } from "../problem/wait.ts";
import { aptProgress } from "./apt-progress.ts";
import { type Place, statusText } from "./status-line.ts";

const tickMs = 500;
const clearLine = "\r\u001B[K";

interface Terminal {
  err(text: string): void;
  /** Returns the current width. */
  columns(): number;
  /** Returns whether the terminal shows more than ASCII. */
  unicode(): boolean;
}

export interface Progress {
  /** Shows the line and starts the elapsed time. */
  begin(label: string, place?: Place): void;
  /** A program was started. */
  running(argv: readonly string[]): void;
  /** The program has ended. */
  ran(): void;
  /** Parses a line that apt wrote to its APT::Status-Fd. */
  status(line: string): void;
  /** Parses apt's stdout, the only place that contains the download size. */
  output(text: string): void;
  /** Shows what happens now. `share`: how much of the action is done, from 0 to 1. */
  say(text: string, share?: number | null): void;
  /** Erases the line until it is drawn again, so that other output can be printed. */
  erase(): void;
  /** Removes the line and stops drawing it. */
  clear(): void;
}

/**
 * Returns a status line that is redrawn every 500 ms. `now`: the time in milliseconds. An interruption is announced
 * once, above the line.
 */
export function progressLine(terminal: Terminal, now: () => number, stop: Stop): Progress {
  let subject: { label: string; place?: Place | undefined } = { label: "" };
  let what = "";
  let share: number | null = null;
  let since = 0;
  let timer: Timer | undefined;
  let apt = aptProgress();
  let program: string | undefined;
  let isStopping = false;

  function draw(): void {
    if (!isStopping && stop() !== null) {
      isStopping = true;
      terminal.err(`${clearLine}${stoppingText(program, terminal.unicode())}\n`);
    }
    const seconds = Math.floor((now() - since) / 1000);
    // The last column stays empty, because a cursor after it would wrap.
    const text = statusText({ ...subject, share, what, seconds }, terminal.columns() - 1, terminal.unicode());
    terminal.err(`${clearLine}${text}`);
  }

  function show(text: string, far: number | null): void {
    what = text;
    share = far;
    if (timer !== undefined) draw();
  }

  function begin(label: string, place?: Place): void {
    subject = { label, place };
    since = now();
    apt = aptProgress();
    [what, share] = ["", null];
    timer ??= setInterval(draw, tickMs);
  }

  return {
    begin,
    running(argv) {
      program = argv[0];
      apt.running(argv);
    },
    ran() {
      program = undefined;
    },
    status(line) {
      const far = apt.status(line);
      if (far !== null) show(far.what, far.share);
    },
    output: (text) => apt.output(text),
    say(text, far = null) {
      if (timer === undefined) begin("");
      show(text, far);
    },
    erase: () => terminal.err(clearLine),
    clear() {
      clearInterval(timer);
      if (timer !== undefined) terminal.err(clearLine);
      timer = undefined;
    },
  };
}

/** Returns the answer to a signal: the run ends as soon as its program has, so that nothing is left half done. */
function stoppingText(program: string | undefined, unicode: boolean): string {
  const end = unicode ? "…" : "...";
  if (program === undefined) return `Stopping safely${end}`;
  const name = program.slice(program.lastIndexOf("/") + 1);
  return `Stopping after ${name === "apt-get" ? "apt" : name} finishes (safe)${end}`;
}
