// Downloads of large files over HTTP or HTTPS on unreliable networks, with resumption of interrupted transfers.

import * as fs from "node:fs";
import type { DownloadOptions } from "./host.ts";
import { isLate, openResponse, whyNot } from "./local-fetch.ts";
import { withPath } from "./local-naming.ts";
import { atSignal } from "./local-signal.ts";

/** The minimum number of bytes per time window, and the amount by which the pause grows before each further attempt. */
interface Pace {
  windowMs: number;
  leastBytes: number;
  pauseMs: number;
}

/**
 * 1 KiB per second, averaged over a minute: even a bad mobile connection delivers more, pauses included. Without a
 * minimum, a server that sends a byte now and then would keep the caller's lock forever.
 */
const usualPace: Pace = { windowMs: 60_000, leastBytes: 60 * 1024, pauseMs: 1000 };
/** The download fails after this many slow windows in a row, or after this many attempts in a row without progress. */
const mostIdle = 4;
/** An attempt that extends the file by fewer bytes than this made no progress. */
const leastProgress = 1024;

/** The reason why an attempt failed. `again`: a retry may succeed. */
interface Miss {
  reason: string;
  again: boolean;
}

/** Downloads the file, with retries. Returns the reason for a failure, or null. `pace`: tests use a faster one. */
export async function download(
  url: string,
  path: string,
  wanted: DownloadOptions,
  pace: Pace = usualPace,
): Promise<string | null> {
  const ended = new AbortController();
  const forget = atSignal(() => ended.abort(new Error("interrupted")));
  const fd = fs.openSync(path, "wx", 0o600);
  const meter = new Meter(pace);
  try {
    let farthest = 0;
    for (let idle = 0; ; ) {
      const miss = await part({ url, path, fd, wanted, meter, ended: ended.signal });
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

/**
 * Counts the received bytes across all attempts. Aborts the current attempt at the end of a window with too few of
 * them.
 */
class Meter {
  /** Number of slow windows in a row up to now. */
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
      const reason = bytes === 0 ? "nothing came" : `fewer than ${leastBytes} bytes were received`;
      this.#running.abort(new DOMException(`${reason} in ${seconds} s`, "TimeoutError"));
    }, windowMs);
  }

  /** Returns the signal that aborts the attempt that begins now. */
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

/** Requests the rest of the file, from its current size on. Returns the reason for a failure, or null. */
async function part({
  url,
  path,
  fd,
  wanted,
  meter,
  ended,
}: {
  url: string;
  path: string;
  fd: number;
  wanted: DownloadOptions;
  meter: Meter;
  ended: AbortSignal;
}): Promise<Miss | null> {
  const { mostBytes, onBytes, ...options } = wanted;
  try {
    let size = fs.fstatSync(fd).size;
    const headers = { "Accept-Encoding": "identity", ...(size > 0 && { Range: `bytes=${size}-` }) };
    const response = await openResponse("GET", url, { ...options, headers }, AbortSignal.any([ended, meter.began()]));
    const { status } = response;
    const goesOn = status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${size}-`);
    if (!goesOn && size > 0 && [200, 206, 416].includes(status)) {
      // The server cannot resume from there: either it sends the whole file now, or the next attempt requests it.
      fs.ftruncateSync(fd);
      size = 0;
      if (status !== 200) return { reason: `unexpected status ${status}`, again: true };
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
      withPath(path, () => {
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
    // A failed write to the local disk is not the server's fault.
    if ((error as NodeJS.ErrnoException).syscall === "write") throw error;
    return { reason: whyNot(error, url, options), again: true };
  }
}
