// The status line at the bottom of a terminal: the current action, its progress, and the elapsed time.

import type { Stop } from "../problem/wait.ts";
import { oneLine } from "../text/lines.ts";

const tickMs = 500;
const clearLine = "\r\u001B[K";

interface Terminal {
  err(text: string): void;
  /** Returns the current width. */
  columns(): number;
}

export interface Progress {
  /** Shows the line and starts the elapsed time. */
  begin(subject: string): void;
  /** Parses a line that apt wrote to its APT::Status-Fd. */
  status(line: string): void;
  /** Parses apt's stdout, the only place that contains the download size. */
  output(text: string): void;
  say(text: string): void;
  /** Erases the line until it is drawn again, so that other output can be printed. */
  erase(): void;
  /** Removes the line and stops drawing it. */
  clear(): void;
}

/** Returns a status line that is redrawn every 500 ms. `now`: the time in milliseconds. */
export function progressLine(terminal: Terminal, now: () => number, stop: Stop): Progress {
  let subject = "";
  let what = "";
  let since = 0;
  let toFetch = "";
  let timer: Timer | undefined;

  function draw(): void {
    const seconds = Math.floor((now() - since) / 1000);
    const ending = stop()?.message;
    const text = [subject, ending ? `${ending}, ending in order` : "", what, `${seconds} s`].filter(Boolean).join("  ");
    // The last column stays empty, because a cursor after it would wrap.
    terminal.err(`${clearLine}${fitLine(oneLine(text), terminal.columns() - 1)}`);
  }

  function show(next: string): void {
    what = next;
    if (timer !== undefined) draw();
  }

  function begin(next: string): void {
    subject = next;
    since = now();
    what = "";
    timer ??= setInterval(draw, tickMs);
  }

  return {
    begin,
    status(line) {
      const found = aptStatus(line);
      if (found === null) return;
      const { phase, percent, description } = found;
      const share = `${Math.round(percent)} %`;
      show(
        phase === "fetch" && toFetch !== "" ? `${share}  ${fetchStatus(percent, toFetch)}` : `${share}  ${description}`,
      );
    },
    output(text) {
      toFetch = /Need to get (\S+ \w?B)/.exec(text)?.[1] ?? toFetch;
    },
    say(text) {
      if (timer === undefined) begin("");
      show(text);
    },
    erase: () => terminal.err(clearLine),
    clear() {
      clearInterval(timer);
      if (timer !== undefined) terminal.err(clearLine);
      timer = undefined;
    },
  };
}

/**
 * Parses "dlstatus:2:45.1:Retrieving file 2 of 5" or "pmstatus:git:amd64:62.5:Unpacking git (amd64)". A name may
 * contain colons.
 */
function aptStatus(line: string): { phase: "fetch" | "install"; percent: number; description: string } | null {
  const [, kind, percent, description = ""] = /^(dl|pm)status:.+?:(\d+(?:\.\d+)?):(.*)$/.exec(line) ?? [];
  if (kind === undefined) return null;
  return { phase: kind === "dl" ? "fetch" : "install", percent: Number(percent), description: description };
}

/**
 * Returns a text such as "8.1 of 17.9 MB". In apt's output, the size that is still to be downloaded precedes a slash.
 */
function fetchStatus(percent: number, total: string): string {
  const [amount = "", unit = ""] = total.split("/")[0]?.split(" ") ?? [];
  const all = Number(amount.replaceAll(",", ""));
  return `${((all * percent) / 100).toFixed(1)} of ${all} ${unit}`;
}

function fitLine(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let shown = "";
  for (const letter of text) {
    if (Bun.stringWidth(shown + letter) > width - 1) break;
    shown += letter;
  }
  return `${shown}…`;
}
