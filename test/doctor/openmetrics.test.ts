// The metrics of doctor, read by a parser of OpenMetrics that accepts no error.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { metricsOf } from "../../src/doctor/metrics.ts";
import { openmetricsOf } from "../../src/report/openmetrics.ts";
import { pastDeploys } from "../../src/sites/deploy/history.ts";
import { projectLogPath } from "../../src/sites/paths.ts";
import { certbotHost } from "../certs/fake-certbot.ts";
import { typed } from "../cli/typed.ts";
import { fakeHost } from "../fake-host.ts";
import { liveHost } from "../hints/typing.ts";

interface Family {
  type: string;
  /** By the sample's line without its value. */
  samples: Map<string, number>;
}

const suffixes: Record<string, string[]> = { gauge: [""], counter: ["_total"], summary: ["_sum", "_count"] };

/** Parses a text as the specification of OpenMetrics 1.0 describes it. Throws for anything else. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let current: [string, Family] | undefined;
  if (!text.endsWith("# EOF\n")) throw new Error("it has no end");
  for (const line of text.slice(0, -"# EOF\n".length).split("\n").slice(0, -1)) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line) ?? [];
    if (word === "HELP") {
      if (families.has(name)) throw new Error(`${name} is not contiguous`);
      current = [name, { type: "", samples: new Map() }];
      families.set(...current);
    } else if (word === "TYPE") {
      if (current?.[0] !== name || !(rest in suffixes)) throw new Error(`misplaced ${line}`);
      current[1].type = rest;
    } else {
      const sample = /^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(
        line,
      );
      if (sample === null || current === undefined) throw new Error(`not a sample: ${line}`);
      const [, full = "", labels = "", value] = sample;
      const [family, { type, samples }] = current;
      if (!suffixes[type]?.some((suffix) => full === family + suffix)) throw new Error(`${full} is not of ${family}`);
      if (samples.has(full + labels)) throw new Error(`${full}${labels} twice`);
      samples.set(full + labels, Number(value));
    }
  }
  return families;
}

describe("doctor --openmetrics:", () => {
  test("a host with a site has metrics of every check, the disk, releases and deploys", async () => {
    const host = await liveHost();
    const lines = ["START action='x'", "SUCCESS returncode=0", "START action='x'", "FAILURE returncode=1"];
    const log = lines.map((line, i) => `[2026-11-29T06:40:0${i * 2}Z] STEP project.deploy ${line}\n`).join("");
    host.put(projectLogPath, log);
    host.dir("/var/www/docs/.edox-ops-backups/demo/20260101T000000Z");
    const { err } = await typed("doctor --openmetrics /srv/edox-ops.prom", host);
    expect([err, host.stat("/srv/edox-ops.prom")?.mode]).toEqual(["", 0o644]);
    const families = parse(host.text("/srv/edox-ops.prom") ?? "");
    const value = (family: string, sample: string) =>
      families.get(`edox_ops_${family}`)?.samples.get(`edox_ops_${sample}`);
    expect(value("check", 'check{name="nginx:active",status="ok"}')).toBe(1);
    expect(value("check", 'check{name="nginx:active",status="error"}')).toBe(0);
    expect(value("checks", 'checks{status="error"}')).toBe(0);
    expect(value("releases", 'releases{project="demo"}')).toBe(1);
    expect(value("release_age_seconds", 'release_age_seconds{project="demo"}')).toBeGreaterThan(86_400);
    expect(value("deploys", 'deploys_total{result="failed"}')).toBe(1);
    expect(value("deploy_duration_seconds", "deploy_duration_seconds_sum")).toBe(4);
    expect(value("disk_free_bytes", 'disk_free_bytes{path="/"}')).toBeGreaterThan(0);
    expect(value("run_timestamp_seconds", "run_timestamp_seconds")).toBeGreaterThan(1_700_000_000);
  });

  test("backups off this host have their age and that of their verification, and one that never was has none", async () => {
    const host = fakeHost();
    host.put("/etc/edox-ops/projects.json", "{}");
    const settings = { repository: "/mnt/repo", host: "docs-1", with_releases: false, keep: null };
    const state = { ...{ repository: "/mnt/repo", prunedMs: null, failure: null, damage: null, part: 1 } };
    const found = async (changes: object | null) => {
      host.put("/etc/edox-ops/backup.json", JSON.stringify(settings), { mode: 0o600 });
      if (changes !== null) host.put("/var/lib/edox-ops/backup/state.json", JSON.stringify({ ...state, ...changes }));
      const families = parse(openmetricsOf(await metricsOf(host, [])));
      return ["backup_age_seconds", "backup_verified_age_seconds", "backup_failed"].map((name) => {
        const value = families.get(`edox_ops_${name}`)?.samples.get(`edox_ops_${name}`);
        return value === undefined ? null : Math.floor(value);
      });
    };
    expect(await found(null)).toEqual([null, null, 0]);
    const hourMs = 3_600_000;
    expect(await found({ backedUpMs: host.now() - hourMs, verifiedMs: host.now() - 24 * hourMs })).toEqual([
      3600, 86_400, 0,
    ]);
    expect(await found({ backedUpMs: host.now() + hourMs, verifiedMs: null, failure: "no space" })).toEqual([
      0,
      null,
      1,
    ]);
    // The clock was wrong.
    expect(await found({ backedUpMs: host.now() + 2 * hourMs, verifiedMs: host.now() + 2 * hourMs })).toEqual([
      null,
      null,
      0,
    ]);
  });

  test("certificates have their expiry, age and the share of their lifetime", async () => {
    const families = parse(openmetricsOf(await metricsOf(certbotHost([{ name: "demo.test", to: "2027-02-01" }]), [])));
    const expiry = families.get("edox_ops_certificate_expiry_timestamp_seconds")?.samples;
    expect([...(expiry ?? [])]).toEqual([
      ['edox_ops_certificate_expiry_timestamp_seconds{name="demo.test"}', Date.parse("2027-02-01") / 1000],
    ]);
    expect(families.get("edox_ops_certificate_lifetime_left_ratio")?.samples.size).toBe(1);
    expect(families.get("edox_ops_certificate_age_seconds")?.samples.size).toBe(1);
  });

  test("- prints only the metrics, and the exit code is that of doctor", async () => {
    const host = await liveHost();
    const { exit, out } = await typed("doctor --openmetrics -", host);
    expect([exit, parse(out).size > 5]).toEqual([0, true]);
    expect((await typed("doctor --openmetrics - --json", host)).out).toContain("are mutually exclusive");
  });

  test("parts that cannot be read are left out", async () => {
    const host = fakeHost(1000);
    for (const path of ["/etc", "/var"]) host.hidden.add(path);
    expect([...parse(openmetricsOf(await metricsOf(host, []))).keys()]).toEqual([
      "edox_ops_checks",
      "edox_ops_run_timestamp_seconds",
    ]);
  });

  test("property: no name of a check or a project breaks the format", () => {
    const unit = fc.constantFrom('"', "\\", "\n", "\r", "\u2028", "{", "}", "=", ",", " ", "#", "ä", "a");
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit }), { maxLength: 5 }), (names) => {
        const samples = names.map((name) => ({ labels: { name }, value: 1 }));
        const text = openmetricsOf([{ name: "edox_ops_check", help: "Help", type: "gauge", samples }]);
        expect(parse(text).get("edox_ops_check")?.samples.size).toBe(names.length);
      }),
    );
  });
});

test("history of deploys: overlapping, incomplete and foreign lines of the log", () => {
  const host = fakeHost();
  const lines = [
    ["06:40:00", "STEP project.deploy SUCCESS returncode=0"],
    ["06:40:01", "STEP project.deploy START action='STEP project.deploy SUCCESS'"],
    ["06:40:02", "STEP project.deploy START action='b'"],
    ["06:40:03", "STDOUT project.deploy STEP project.deploy FAILURE"],
    ["06:40:05", "STEP project.deploy SKIPPED returncode=0"],
    ["06:40:01", "STEP project.deploy SUCCESS returncode=0"],
    ["06:40:01", "STDOUT project.deploy NOTE project.deploy took 7 ms"],
    ["06:40:01", "NOTE project.deploy took 153 ms"],
    ["06:40:09", "STEP project.deploy START action='killed'"],
  ];
  host.put(projectLogPath, `oken\n${lines.map(([at, line]) => `[2026-11-29T${at}Z] ${line}\n`).join("")}`);
  expect(pastDeploys(host).map(({ milliseconds, result }) => [milliseconds, result])).toEqual([
    [4000, "unchanged"],
    [153, "changed"],
  ]);
  expect(pastDeploys(fakeHost())).toEqual([]);
});
