// What doctor measures, for `--openmetrics`. A part that cannot be read is left out.

import { readSettings } from "../backup/settings.ts";
import { readState } from "../backup/state.ts";
import { readLineages, shareLeft } from "../certs/lineage.ts";
import type { Finding } from "../engine/finding.ts";
import { docsRoot, logDir } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import { mountPointOf } from "../problem/mount-point.ts";
import { pastDeploys } from "../sites/deploy/history.ts";
import { backupNames } from "../sites/deploy/releases.ts";
import { readProjects } from "../sites/store.ts";
import { isAhead } from "../text/time.ts";

/** A metric with its samples. All units are base units: seconds, bytes, ratios. */
export interface Metric {
  name: string;
  help: string;
  type: "gauge" | "counter" | "summary";
  samples: Sample[];
}

interface Sample {
  /** Appended to the name: "_total". */
  suffix?: string;
  labels: Record<string, string>;
  value: number;
}

const statuses: Finding["status"][] = ["ok", "not-set-up", "warning", "unknown", "error"];
/** The directories whose file systems are measured. */
const dirs = ["/", "/etc", "/usr", "/var/lib", "/var/cache/apt", logDir, docsRoot];

/** Returns the metrics of these findings and of the host. */
export async function metricsOf(reader: HostReader, findings: readonly Finding[]): Promise<Metric[]> {
  const parts = [
    () => certificates(reader),
    () => releases(reader),
    () => backups(reader),
    () => deploys(reader),
    () => disk(reader),
  ];
  const found: Metric[] = [...checks(findings)];
  for (const part of parts) {
    try {
      found.push(...(await part()));
    } catch {
      // Its check reports why.
    }
  }
  const last = gauge("run_timestamp_seconds", "When these metrics were written", [plain(reader.now() / 1000)]);
  return [...found, last].filter(({ samples }) => samples.length > 0);
}

function checks(findings: readonly Finding[]): Metric[] {
  const samples = findings.flatMap(({ name, status }) =>
    statuses.map((each) => ({ labels: { name, status: each }, value: each === status ? 1 : 0 })),
  );
  const counts = statuses.map((status) => {
    return { labels: { status }, value: findings.filter((each) => each.status === status).length };
  });
  return [
    gauge("check", "Whether a check of doctor has this status", samples),
    gauge("checks", "Number of checks of doctor with this status", counts),
  ];
}

function certificates(reader: HostReader): Metric[] {
  const found = [...readLineages(reader).lineages.values()].flatMap(({ name, certificate }) => {
    return certificate === null ? [] : [{ labels: { name }, certificate }];
  });
  const expiry = found.map(({ labels, certificate }) => ({ labels, value: certificate.notAfter / 1000 }));
  const age = found.map(({ labels, certificate }) => ({ labels, value: since(reader, certificate.notBefore) }));
  const left = found.map(({ labels, certificate }) => ({ labels, value: shareLeft(reader, certificate) }));
  return [
    gauge("certificate_expiry_timestamp_seconds", "When the certificate expires", expiry),
    gauge("certificate_age_seconds", "Age of the certificate", age),
    gauge("certificate_lifetime_left_ratio", "Share of the lifetime that is left", left),
  ];
}

/** Returns the number of earlier releases of each project, and the age of the newest. */
async function releases(reader: HostReader): Promise<Metric[]> {
  const found = [...(await readProjects(reader)).keys()].map((project) => {
    return { labels: { project }, names: backupNames(reader, project) };
  });
  const ages = found.flatMap(({ labels, names: [newest] }) => {
    return newest === undefined ? [] : [{ labels, value: since(reader, timeOf(newest)) }];
  });
  return [
    gauge(
      "releases",
      "Number of earlier releases that can be restored",
      found.map(({ labels, names }) => ({ labels, value: names.length })),
    ),
    gauge("release_age_seconds", "Age of the newest of them", ages),
  ];
}

/**
 * Returns the ages of the last backup off this host and of the last verification. One that never was is left out, and so
 * is one in the future, because a clock was wrong.
 */
function backups(reader: HostReader): Metric[] {
  const settings = readSettings(reader);
  if (settings === null) return [];
  const { backedUpMs, verifiedMs, failure } = readState(reader, settings.repository);
  const age = (ms: number | null): Sample[] =>
    ms === null || isAhead(ms, reader.now()) ? [] : [plain(since(reader, ms))];
  return [
    gauge("backup_age_seconds", "Age of the last backup in the repository", age(backedUpMs)),
    gauge("backup_verified_age_seconds", "Time since the repository was verified", age(verifiedMs)),
    gauge("backup_failed", "Whether the last attempt of a backup failed", [plain(failure === null ? 0 : 1)]),
  ];
}

function deploys(reader: HostReader): Metric[] {
  const past = pastDeploys(reader);
  const seconds = past.reduce((sum, { milliseconds }) => sum + milliseconds / 1000, 0);
  const total = (["changed", "unchanged", "failed"] as const).map((result) => {
    return { suffix: "_total", labels: { result }, value: past.filter((each) => each.result === result).length };
  });
  const lasts = past.slice(-1).map(({ endMs }) => plain(endMs / 1000));
  return [
    { ...gauge("deploys", "Deploys in the current log, by their result", total), type: "counter" },
    {
      ...gauge("deploy_duration_seconds", "Durations of these deploys", [
        { suffix: "_sum", ...plain(seconds) },
        { suffix: "_count", ...plain(past.length) },
      ]),
      type: "summary",
    },
    gauge("deploy_last_timestamp_seconds", "When the last of them ended", lasts),
  ];
}

function disk(reader: HostReader): Metric[] {
  const points = [...new Set(dirs.filter((dir) => reader.stat(dir) !== null).map((dir) => mountPointOf(reader, dir)))];
  const spaces = points.flatMap((path) => {
    const space = reader.space(path);
    return space === null ? [] : [{ labels: { path }, ...space }];
  });
  const counted = spaces.filter(({ inodes }) => inodes > 0);
  return [
    gauge(
      "disk_free_bytes",
      "Free space of the file system",
      spaces.map(({ labels, bytesFree }) => ({ labels, value: bytesFree })),
    ),
    gauge(
      "disk_free_inodes",
      "Free inodes of the file system",
      counted.map(({ labels, inodesFree }) => ({ labels, value: inodesFree })),
    ),
    gauge(
      "disk_inodes",
      "Inodes of the file system",
      counted.map(({ labels, inodes }) => ({ labels, value: inodes })),
    ),
  ];
}

function gauge(name: string, help: string, samples: Sample[]): Metric {
  return { name: `edox_ops_${name}`, help, type: "gauge", samples };
}

function plain(value: number): Sample {
  return { labels: {}, value };
}

/** Returns the seconds since a time, which is never negative. */
function since(reader: HostReader, ms: number): number {
  return Math.max(0, (reader.now() - ms) / 1000);
}

/** Returns the time of a backup's name, "20261129T064000Z", in Unix milliseconds. */
function timeOf(name: string): number {
  return Date.parse(name.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}
