// A large file over HTTP or HTTPS, over a bad line: it goes on from where it was cut.

import * as fs from "node:fs";
import type { Wanted } from "./host.ts";
import { isLate, opened, whyNot } from "./local-fetch.ts";
import { acted } from "./local-naming.ts";
import { atSignal } from "./local-signal.ts";

/** The least that must come in each window of time, and how much longer each further pause before a try is. */
export interface Pace {
  windowMs: number;
  leastBytes: number;
  pauseMs: number;
}

/**
 * 1 KiB a second, over a minute: a bad mobile line brings more, with its pauses. A server that sends a byte now and then
 * would keep the caller's lock for ever.
 */
const usualPace: Pace = { windowMs: 60_000, leastBytes: 60 * 1024, pauseMs: 1000 };
/** It is given up after so many windows in a row with too little, and after so many tries in a row that brought nothing. */
const mostIdle = 4;
/** Fewer bytes than this beyond all that came before are nothing. */
const leastProgress = 1024;

/** Why a part did not come; `again`: it may, later. */
interface Miss {
  reason: string;
  again: boolean;
}

/** Answers why the file is not there, or null. `pace`: a test does not wait for minutes. */
export async function download(
  url: string,
  path: string,
  wanted: Wanted,
  pace: Pace = usualPace,
): Promise<string | null> {
  const ended = new AbortController();
  const forget = atSignal(() => ended.abort(new Error("interrupted")));
  const fd = fs.openSync(path, "wx", 0o600);
  const meter = new Meter(pace);
  try {
    let farthest = 0;
    for (let idle = 0; ; ) {
      const miss = await part(url, path, fd, wanted, meter, ended.signal);
      if (miss === null) return null;
      if (!miss.again || ended.signal.aborted) return miss.reason;
      const { size } = fs.fstatSync(fd);
      idle = size < farthest + leastProgress ? idle + 1 : 0;
      farthest = Math.max(farthest, size);
      if (idle === mostIdle || meter.slowWindows >= mostIdle) return miss.reason;
      await Bun.sleep(Math.max(0, idle - 1) * pace.pauseMs);
    }
  } finally {
    fs.closeSync(fd);
    meter.stop();
    forget();
  }
}

/** Counts what comes, over all tries: at the end of a window with too little the try that runs is cut off. */
class Meter {
  /** In a row, up to now. */
  slowWindows = 0;
  #bytes = 0;
  #running = new AbortController();
  readonly #timer: Timer;

  constructor({ windowMs, leastBytes }: Pace) {
    const seconds = windowMs / 1000;
    this.#timer = setInterval(() => {
      const bytes = this.#bytes;
      this.#bytes = 0;
      this.slowWindows = bytes < leastBytes ? this.slowWindows + 1 : 0;
      if (this.slowWindows === 0) return;
      const reason = bytes === 0 ? "nothing came" : `less than ${leastBytes} bytes came`;
      this.#running.abort(new DOMException(`${reason} in ${seconds} s`, "TimeoutError"));
    }, windowMs);
  }

  /** Returns what cuts off the try that begins now. */
  began(): AbortSignal {
    this.#running = new AbortController();
    return this.#running.signal;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** From the end of what is there. */
async function part(
  url: string,
  path: string,
  fd: number,
  wanted: Wanted,
  meter: Meter,
  ended: AbortSignal,
): Promise<Miss | null> {
  const { mostBytes, onBytes, ...options } = wanted;
  try {
    let size = fs.fstatSync(fd).size;
    const headers = { "Accept-Encoding": "identity", ...(size > 0 && { Range: `bytes=${size}-` }) };
    const response = await opened("GET", url, { ...options, headers }, AbortSignal.any([ended, meter.began()]));
    const { status } = response;
    const goesOn = status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${size}-`);
    if (!goesOn && size > 0 && [200, 206, 416].includes(status)) {
      // It cannot go on from there: it comes whole, or the next try is for all of it.
      fs.ftruncateSync(fd);
      size = 0;
      if (status !== 200) return { reason: `${status} instead of what was asked for`, again: true };
    }
    if (status !== 200 && !goesOn) {
      const location = response.headers.get("location");
      const leads = status >= 300 && status < 400 && location ? `, it leads to ${location}` : "";
      const again = status === 408 || status === 429 || status >= 500;
      return { reason: `${status} ${response.statusText}`.trim() + leads, again };
    }
    const length = Number(response.headers.get("content-length") ?? 0);
    const total = length > 0 ? size + length : 0;
    for await (const bytes of response.body ?? []) {
      meter.add(bytes.length);
      if (size + bytes.length > mostBytes) return { reason: `it is longer than ${mostBytes} bytes`, again: false };
      acted(path, () => {
        for (let done = 0; done < bytes.length; ) {
          done += fs.writeSync(fd, bytes, done, bytes.length - done, size + done);
        }
      });
      size += bytes.length;
      onBytes?.(size, total);
    }
    return total > 0 && size < total ? { reason: "the connection was closed", again: true } : null;
  } catch (error) {
    if (isLate(error)) return { reason: (error as Error).message, again: true };
    // What cannot be kept here is no fault of the server.
    if ((error as NodeJS.ErrnoException).syscall === "write") throw error;
    return { reason: whyNot(error, url, options), again: true };
  }
}
