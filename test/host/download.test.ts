// Downloads of large files on an unreliable network.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { localHost } from "../../src/host/local.ts";
import { download } from "../../src/host/local-download.ts";
import { Releases, type Twisting } from "../install/server.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-download-`);
const host = localHost();
/** Long enough to arrive in several pieces. */
const content = Buffer.from(Array.from({ length: 400_000 }, (_, i) => `${i}\n`).join(""));
const path = `${dir}/fetched`;
const mostBytes = 1e7;
let server: Releases;

beforeAll(async () => {
  mkdirSync(`${dir}/served`);
  writeFileSync(`${dir}/served/file`, content);
  server = await Releases.up(`${dir}/served`, dir);
});
beforeEach(() => rmSync(path, { force: true }));
afterAll(() => {
  server[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});

async function fetched(
  twisting?: Twisting,
  more: { mostBytes?: number; onBytes?: (bytes: number, total: number) => void } = {},
) {
  const { url, asked } = server.place(twisting);
  const why = await host.download(`${url}/file`, path, { mostBytes, caPath: server.authority, ...more });
  return { why, times: asked.length };
}

function expectWhole(): void {
  expect(Buffer.compare(readFileSync(path), content)).toBe(0);
  expect(host.stat(path)).toMatchObject({ type: "file", mode: 0o600 });
}

test("download: fetches a whole file and reports the progress", async () => {
  const received: number[][] = [];
  expect(await fetched(undefined, { onBytes: (...figures: number[]) => received.push(figures) })).toEqual({
    why: null,
    times: 1,
  });
  expectWhole();
  expect(received.at(-1)).toEqual([content.length, content.length]);
});

test("download: resumes a transfer that was cut off at any tenth", async () => {
  for (let tenth = 1; tenth < 10; tenth++) {
    rmSync(path, { force: true });
    const cutAt = Math.floor((content.length * tenth) / 10);
    const ended = await fetched((_, nth) => (nth === 0 ? { cutAt } : undefined));
    expect(ended).toEqual({ why: null, times: 2 });
    expectWhole();
  }
});

test("download: starts over if the server ignores or rejects the range", async () => {
  expect(await fetched((_, nth) => (nth === 0 ? { cutAt: 2_000_000 } : { whole: true }))).toEqual({
    why: null,
    times: 2,
  });
  expectWhole();
  rmSync(path);
  const twisting: Twisting = (_, nth) =>
    nth === 0 ? { cutAt: 2_000_000 } : nth === 1 ? { status: 416, body: "" } : undefined;
  expect(await fetched(twisting)).toEqual({ why: null, times: 3 });
  expectWhole();
});

test("download: gives up with the reason if the transfer is always cut off at the same place", async () => {
  const { why, times } = await paced((_, nth) => ({ cutAt: nth === 0 ? 2_000_000 : 0 }), patient);
  expect(why).toContain("the connection was closed");
  expect(times).toBe(5);
}, 20_000);

test("download: does not retry after 404, but retries after 503", async () => {
  expect(await fetched(() => ({ status: 404, body: "" }))).toEqual({ why: "404 Not Found", times: 1 });
  rmSync(path);
  expect(await fetched((_, nth) => (nth === 0 ? { status: 503, body: "" } : undefined))).toEqual({
    why: null,
    times: 2,
  });
  expectWhole();
});

test("download: keeps the received bytes while the server is temporarily unavailable", async () => {
  const twisting: Twisting = (_, nth) => {
    if (nth === 0) return { cutAt: 2_000_000 };
    return nth === 1 ? { status: 503, body: content } : undefined;
  };
  const begun: number[] = [];
  const onBytes = (bytes: number) => begun.push(bytes);
  expect(await fetched(twisting, { onBytes })).toEqual({ why: null, times: 3 });
  expectWhole();
  expect(begun).toEqual([...begun].sort((one, other) => one - other));
});

/** Scaled down from 1 KiB per second over a minute, to fractions of a second. */
const pace = { windowMs: 300, leastBytes: 6000, pauseMs: 1 };
/** Never cuts off a slow transfer. */
const patient = { ...pace, windowMs: 60_000 };

async function paced(twisting: Twisting, at = pace): Promise<{ why: string | null; times: number; ms: number }> {
  const { url, asked } = server.place(twisting);
  const start = performance.now();
  const why = await download(`${url}/file`, path, { mostBytes, caPath: server.authority }, at);
  return { why, times: asked.length, ms: performance.now() - start };
}

test("download: gives up after four windows if the server sends single bytes", async () => {
  const { why, times, ms } = await paced(() => ({ drip: { bytes: 1, everyMs: 20 } }));
  expect(why).toBe("fewer than 6000 bytes were received in 0.3 s");
  // On a busy machine a window may pass before the next request is sent.
  expect([2, 3, 4]).toContain(times);
  expect(ms).toBeLessThan(10_000);
});

test("download: gives up after four windows if the server sends nothing after the headers", async () => {
  const { why, times } = await paced(() => ({ drip: { bytes: 0, everyMs: 20 } }));
  expect(why).toBe("nothing came in 0.3 s");
  expect([2, 3, 4]).toContain(times);
});

test("download: gives up if the server closes each connection after a few bytes", async () => {
  const { why, times } = await paced((_, nth) => ({ cutAt: (nth + 1) * 10 }), patient);
  expect([why, times]).toEqual(["the connection was closed", 4]);
}, 20_000);

test("download: gives up if the server starts over again and again", async () => {
  const { why, times } = await paced((_, nth) => (nth % 2 === 0 ? { cutAt: 2_000_000 } : { status: 416, body: "" }));
  expect(why).not.toBeNull();
  // The number of bytes that arrive before each cut varies.
  expect(times).toBeLessThan(20);
}, 20_000);

test("download: completes on a slow connection above the minimum rate, with pauses and cuts", async () => {
  const twisting: Twisting = (_, nth) =>
    nth < 3 ? { cutAt: (nth + 1) * 600_000 } : { drip: { bytes: 20_000, everyMs: 10 } };
  expect((await paced(twisting)).why).toBeNull();
  expectWhole();
});

test("download: fails if the server sends more than the maximum", async () => {
  expect((await fetched(undefined, { mostBytes: 50_000 })).why).toBe("it is longer than 50000 bytes");
});

test("download: does not follow a redirect from HTTPS to HTTP", async () => {
  const { url, asked } = server.place(undefined, "http");
  const { why, times } = await fetched((each) => ({ location: `${url}${each}` }));
  expect([why, times, asked]).toEqual([`302 Found, it leads to ${url}/file`, 1, []]);
});

test("download: does not overwrite an existing file", async () => {
  writeFileSync(path, "mine");
  await expect(fetched()).rejects.toThrow("EEXIST");
  expect(readFileSync(path, "utf8")).toBe("mine");
});
