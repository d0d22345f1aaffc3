// A large file over HTTP or HTTPS, over a bad line: it goes on from where it was cut.

import * as fs from "node:fs";
import type { Wanted } from "./host.ts";
import { isLate, opened, whyNot } from "./local-fetch.ts";
import { acted } from "./local-naming.ts";
import { atSignal } from "./local-signal.ts";

/** Nothing has come for so long: the connection is as good as gone. */
const stallMs = 60_000;
/** As often in a row nothing more of it comes before it is given up. */
const mostIdle = 4;
const pauseMs = 1000;

/** Why a part did not come; `again`: it may, later. */
interface Miss {
  reason: string;
  again: boolean;
}

/** Answers why the file is not there, or null. */
export async function download(url: string, path: string, wanted: Wanted): Promise<string | null> {
  const ended = new AbortController();
  const forget = atSignal(() => ended.abort(new Error("interrupted")));
  const fd = fs.openSync(path, "wx", 0o600);
  try {
    for (let idle = 0; ; ) {
      const before = fs.fstatSync(fd).size;
      const miss = await part(url, path, fd, wanted, ended.signal);
      if (miss === null) return null;
      if (!miss.again || ended.signal.aborted) return miss.reason;
      idle = fs.fstatSync(fd).size > before ? 0 : idle + 1;
      if (idle === mostIdle) return miss.reason;
      await Bun.sleep(Math.max(0, idle - 1) * pauseMs);
    }
  } finally {
    fs.closeSync(fd);
    forget();
  }
}

/** From the end of what is there. */
async function part(url: string, path: string, fd: number, wanted: Wanted, ended: AbortSignal): Promise<Miss | null> {
  const { mostBytes, onBytes, ...options } = wanted;
  const stalled = new AbortController();
  const late = () => stalled.abort(new DOMException("late", "TimeoutError"));
  let timer = setTimeout(late, stallMs);
  try {
    let size = fs.fstatSync(fd).size;
    const headers = { "Accept-Encoding": "identity", ...(size > 0 && { Range: `bytes=${size}-` }) };
    const response = await opened("GET", url, { ...options, headers }, AbortSignal.any([ended, stalled.signal]));
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
      clearTimeout(timer);
      timer = setTimeout(late, stallMs);
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
    if (isLate(error)) return { reason: `nothing came for ${stallMs / 1000} s`, again: true };
    // What cannot be kept here is no fault of the server.
    if ((error as NodeJS.ErrnoException).syscall === "write") throw error;
    return { reason: whyNot(error, options), again: true };
  } finally {
    clearTimeout(timer);
  }
}
