// The terminal of this process, without the runtime's stream objects: touching those takes longer than a whole command.

import { writeSync } from "node:fs";
import { Secret } from "../text/secret.ts";
import { OutputError } from "./system-error.ts";

const stdout = 1;
const stderr = 2;

/** Delay before the next attempt to write to a descriptor that is not ready. */
const retryMs = 5;

/** Columns of a terminal that does not report them. */
const usualWidth = 80;

/** In characters; a token has a few dozen. */
const mostSecret = 4096;

/** Within this time the next piece of a text follows. */
const pauseMs = 500;

/** One queue for stdout and stderr keeps their texts in order. */
let last: Promise<unknown> = Promise.resolve();

function write(fd: number, text: string): Promise<unknown> {
  const written = last.then(() => append(fd, text));
  last = written.catch(() => {});
  return written;
}

/**
 * Writes a whole text to an open descriptor at its current position. Waits for a non-blocking pipe, and throws the
 * system's error. The runtime's own writers are not usable. One truncates a file that it writes nothing to and spins on
 * a full pipe; the other leaves the pipe non-blocking for every process that shares it.
 */
export async function append(fd: number, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await Bun.sleep(retryMs);
    }
  }
}

export const localConsole = {
  async out(text: string): Promise<void> {
    await write(stdout, text).catch((error: NodeJS.ErrnoException) => {
      throw new OutputError(error);
    });
  },
  err(text: string): void {
    write(stderr, text).catch(() => {});
  },
  /** Resolves when all queued text is written. */
  async written(): Promise<void> {
    await last;
  },
  /** Returns whether the stream is a terminal with colours, and NO_COLOR is not set (no-color.org). */
  colour(stream: "out" | "err"): boolean {
    const { NO_COLOR, TERM } = process.env;
    // The runtime's own check covers either stream and costs nothing.
    if (!Bun.enableANSIColors || NO_COLOR || TERM === "dumb") return false;
    return process.getBuiltinModule("node:tty").isatty(stream === "out" ? 1 : 2);
  },
  /**
   * Returns the present width of a terminal that can clear a line, or null: for a pipe, a file, or TERM=dumb. A serial
   * console reports no width.
   */
  width(stream: "out" | "err"): number | null {
    const { NO_COLOR, TERM } = process.env;
    // The runtime knows for free whether there is a terminal, unless NO_COLOR disables colours.
    if (TERM === "dumb" || !(Bun.enableANSIColors || NO_COLOR)) return null;
    if (!process.getBuiltinModule("node:tty").isatty(stream === "out" ? stdout : stderr)) return null;
    return (stream === "out" ? process.stdout : process.stderr).getWindowSize()[0] || usualWidth;
  },
  /** Returns whether the terminal shows more than ASCII: the console of Linux has few glyphs, and C is no UTF-8. */
  unicode(): boolean {
    const { TERM, LC_ALL, LC_CTYPE, LANG } = process.env;
    const locale = LC_ALL || LC_CTYPE || LANG;
    return TERM !== "linux" && (!locale || /utf-?8/i.test(locale));
  },
  interactive: (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true,
  async confirm(question: string, stream: "out" | "err", usual: "yes" | "no"): Promise<boolean> {
    const fd = stream === "out" ? stdout : stderr;
    await write(fd, question);
    // The terminal edits and echoes the line, and Ctrl-C ends this process as it does at any other time.
    const { createInterface } = process.getBuiltinModule("node:readline");
    const lines = createInterface({ input: process.stdin, terminal: false });
    const { promise, resolve } = Promise.withResolvers<string | null>();
    lines.on("line", resolve);
    lines.on("close", () => resolve(null));
    const line = await promise;
    lines.close();
    if (line === null) await write(fd, "\n");
    const answer = line?.trim() ?? "";
    return usual === "yes" ? !/^no?$/i.test(answer) : /^y(es)?$/i.test(answer);
  },
  async secret(question: string): Promise<Secret> {
    if (process.stdin.isTTY !== true) return new Secret(firstLine(await beginning(Bun.stdin.stream())));
    await last;
    const { createInterface } = process.getBuiltinModule("node:readline");
    const { Writable } = process.getBuiltinModule("node:stream");
    // Typed characters are not echoed. That begins before the question, which a script answers at once.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    const { promise, resolve } = Promise.withResolvers<string>();
    lines.on("line", resolve);
    lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
    // Ctrl-Z does nothing: the runtime does not read on after a stop.
    lines.on("SIGTSTP", () => {});
    lines.on("close", () => resolve(""));
    await write(stderr, `${question}: `);
    const line = await promise;
    lines.close();
    await write(stderr, "\n");
    return new Secret(firstLine(line));
  },
  async text(question: string, most: number): Promise<string> {
    if (process.stdin.isTTY === true) return (await localConsole.secret(question)).reveal();
    const reader = Bun.stdin.stream().getReader();
    const decoder = new TextDecoder();
    const pause = (): Promise<{ done: true; value?: undefined }> => Bun.sleep(pauseMs).then(() => ({ done: true }));
    let text = "";
    while (text.length <= most) {
      // The writer may keep a pipe open after its line.
      const { done, value } = await Promise.race([reader.read(), ...(text.includes("\n") ? [pause()] : [])]);
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    return text.slice(0, most + 1);
  },
};

/** Reads until the first line has ended, or until more than {@link mostSecret} characters have arrived. */
async function beginning(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of stream) {
    text += decoder.decode(part, { stream: true });
    if (text.includes("\n") || text.length > mostSecret) break;
  }
  return text;
}

function firstLine(text: string): string {
  return text.split("\n")[0]?.trim() ?? "";
}
