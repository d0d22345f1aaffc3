// The history of a host, and the page that is made from it.

import { describe, expect, test } from "bun:test";
import { projectLogPath } from "../../src/sites/paths.ts";
import { mostSamples, readHistory, type Sample } from "../../src/watch/history.ts";
import { watchHistoryPath } from "../../src/watch/paths.ts";
import { pageOf } from "../../src/watch/report/page.ts";
import { reportDays, trendOf } from "../../src/watch/report/trend.ts";
import { typed } from "../cli/typed.ts";
import { alertHost } from "./alert-host.ts";

const hour = 3_600_000;
const nowMs = Date.parse("2026-11-29T12:00:00Z");
const none = { changed: 0, unchanged: 0, failed: 0, seconds: 0 };

/** Returns a sample of so many hours ago. */
const sample = (hoursAgo: number, more: Partial<Sample> = {}): Sample => ({
  ...{ at: new Date(nowMs - hoursAgo * hour).toISOString(), free: { "/": 5e9 }, checks: {}, deploys: none },
  ...more,
});

describe("history of alerts:", () => {
  test("there is a sample an hour, counted in looks, with what is reported and deployed", async () => {
    const { host, look } = alertHost({ "webhook-url": "https://hooks.test/" });
    for (let i = 0; i < 12; i++) await look("a");
    expect(readHistory(host)).toHaveLength(1);
    const stamp = (ms: number): string => `[${new Date(host.now() + ms).toISOString().slice(0, 19)}Z]`;
    const lines = [
      `${stamp(1000)} STEP project.deploy START x`,
      `${stamp(4000)} STEP project.deploy SUCCESS returncode=0`,
    ];
    host.put(projectLogPath, `${lines.join("\n")}\n`);
    await host.sleep(hour);
    await look("a");
    const [, second] = readHistory(host);
    expect(second).toMatchObject({ checks: { a: "error" }, deploys: { ...none, changed: 1, seconds: 3 } });
    for (let i = 0; i < 12; i++) await look("a");
    expect(readHistory(host)[2]?.deploys).toEqual(none);
  });

  test("a month is kept, and a line that a power cut left incomplete is dropped", async () => {
    const { host, look } = alertHost({ "webhook-url": "https://hooks.test/" });
    const lines = Array.from({ length: mostSamples + 50 }, (_, i) => JSON.stringify(sample(i)));
    host.put(watchHistoryPath, `${lines.join("\n")}\n{"at":"2026\n\0\0\0\n{"at":"never","free":{},"checks":{}}\n`);
    await look();
    expect(readHistory(host)).toHaveLength(mostSamples);
    expect(host.text(watchHistoryPath)?.split("\n")).toHaveLength(mostSamples + 1);
  });

  test("a history that cannot be written is a warning, and alerts are sent", async () => {
    const { host, received, look } = alertHost({ "webhook-url": "https://hooks.test/" }, { every_seconds: 3600 });
    host.broken.add(watchHistoryPath);
    await look("a");
    const { warnings, deliveries } = await look("a");
    expect(warnings).toEqual([expect.stringContaining(`${watchHistoryPath} cannot be written: `)]);
    expect([deliveries.length, received.length]).toEqual([1, 1]);
  });
});

describe("report:", () => {
  test("each failure has its time, and a host that was off has a gap", () => {
    const failing = { checks: { a: "error", b: "warning" } } as const;
    const samples = [sample(50, failing), sample(49, failing), sample(10, { checks: { a: "error" } }), sample(9)];
    const { checks, days } = trendOf(samples, nowMs);
    expect(checks.map(({ name, milliseconds, isFailing }) => [name, milliseconds / hour, isFailing])).toEqual([
      ["a", 5, false],
      ["b", 4, false],
    ]);
    expect(days).toHaveLength(reportDays);
    expect(trendOf([sample(1, failing)], nowMs).checks[0]?.isFailing).toBe(true);
  });

  test("deploys are counted by day, and samples of an earlier month or of the future are left out", () => {
    const deploys = { changed: 2, unchanged: 1, failed: 1, seconds: 9 };
    const { days, disks } = trendOf(
      [-24, 1, 24, 24 * 40].map((hours) => sample(hours, { deploys })),
      nowMs,
    );
    expect(days.slice(-2).map(({ changed, unchanged, failed }) => [changed, unchanged, failed])).toEqual([
      [2, 1, 1],
      [2, 1, 1],
    ]);
    expect(disks[0]?.points).toHaveLength(2);
  });

  test("the page is one file that requests nothing and runs nothing, and hostile names are text", () => {
    const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>`;
    const samples = [sample(2, { checks: { [hostile]: "error" }, free: { [hostile]: 1e9, "/": 3e9 } }), sample(1)];
    const page = pageOf(hostile, trendOf(samples, nowMs), nowMs);
    expect(page).not.toMatch(/<(script|img|link|iframe|object|form|a)\b/);
    expect(page).not.toMatch(/<[^<>]*\b(src|href|action|on\w+)=|url\(|@import/);
    expect(page).toContain("default-src 'none'");
    // Each element that is opened is closed.
    const open: string[] = [];
    for (const [, slash, name = "", own] of page.matchAll(/<(\/?)([a-z0-9]+)(?:\s[^<>]*?)?(\/?)>/gi)) {
      if (["meta"].includes(name) || own === "/") continue;
      if (slash === "/") expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });

  test("the page has a chart and a table for each part, and one without a history says so", () => {
    const samples = Array.from({ length: 100 }, (_, i) => {
      return sample(100 - i, { checks: i > 90 ? { "nginx:active": "error" } : {}, deploys: { ...none, changed: 1 } });
    });
    const page = pageOf("docs-1", trendOf(samples, nowMs), nowMs);
    expect(page.match(/<svg [^>]*role="img" aria-label="[^"]+"/g)).toHaveLength(3);
    expect(page).toContain("<td>nginx:active</td><td>error</td><td>9 h</td><td>yes</td>");
    expect(page).toMatchSnapshot();
    const empty = pageOf("docs-1", trendOf([], nowMs), nowMs);
    expect(empty).toContain("Nothing is recorded yet.");
    expect(empty).not.toContain("<svg");
  });

  test("the command writes the page, and a host without alerts has a hint", async () => {
    const { host, look } = alertHost({ "webhook-url": "https://hooks.test/" });
    host.dir("/srv");
    await look("a");
    const { exit, out } = await typed("watch report /srv/index.html", host);
    expect([exit, out]).toEqual([0, "The report is in /srv/index.html.\n"]);
    expect([host.stat("/srv/index.html")?.mode, host.text("/srv/index.html")]).toEqual([
      0o644,
      expect.stringContaining("<h1>docs-1: the last 30 days</h1>"),
    ]);
    expect((await typed("watch report /srv", host)).err).toBe(
      "error: /srv is a directory, and should be a file\nhint: ls -ld /srv\n",
    );
    expect(JSON.parse((await typed("watch report /srv/index.html --json", host)).out).report).toEqual({
      ...{ path: "/srv/index.html", samples: 1, checks: 0 },
    });
  });
});
