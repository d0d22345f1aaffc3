// Checks the projects of a host: one check for each project, and checks of all of them together.

import { gatherFacts } from "../engine/facts.ts";
import { askRoot, type Check, type CheckResult } from "../engine/finding.ts";
import { backupsDir, projectsPath } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { nginxConfig } from "../nginx/config.ts";
import { sitesAvailableDir, sitesEnabledDir } from "../nginx/paths.ts";
import { countOf, oneLine } from "../text/lines.ts";
import type { Fault } from "./health.ts";
import { previewsDir } from "./paths.ts";

const prefix = "edox-ops-";
/** The checks without which no site responds. */
const serving = ["nginx:config", "nginx:active"];

/**
 * Returns the checks of sites. All projects are examined at once, because one child process responds for all of them.
 */
export async function siteChecks(reader: HostReader, trees: () => Promise<Trees>): Promise<Check[]> {
  return [
    ...(await projectChecks(reader)),
    { name: "nginx:orphan", run: orphan },
    { name: "deploy-backups:web-exposure", run: exposure },
    { name: "deploy-backups:size", run: (host) => backups(host, trees) },
    ...(reader.stat(previewsDir) === null ? [] : (await import("./previews/checks.ts")).previewChecks(trees)),
  ];
}

async function projectChecks(reader: HostReader): Promise<Check[]> {
  try {
    // The schema of records is imported only if there are records.
    const none = reader.stat(projectsPath) === null;
    const all = none
      ? new Map<string, Fault[]>()
      : await (await import("./health.ts")).faultsOfAll(reader, gatherFacts(reader));
    if (all.size > 0)
      return [...all].map(([slug, found]) => {
        const faults = found.filter(({ elsewhere }) => !elsewhere);
        return {
          name: `project:${oneLine(slug)}`,
          ...(isUnanswered(faults) && { follows: serving }),
          run: () => answerOf(faults),
        };
      });
    const detail = "not configured (optional; run edox-ops project publish)";
    const hint = ["edox-ops", "project", "publish", "--help"];
    return [{ name: "projects:managed", run: () => ({ status: "not-set-up", detail, hint }) }];
  } catch (error) {
    return [
      {
        name: "projects:managed",
        run() {
          throw error;
        },
      },
    ];
  }
}

/** Returns whether the only failure is that the site does not respond. */
function isUnanswered(faults: readonly Fault[]): boolean {
  const failures = failuresOf(faults);
  return failures.length > 0 && failures.every(({ follows }) => follows);
}

function failuresOf(faults: readonly Fault[]): Fault[] {
  return faults.filter(({ mild, unknown }) => !mild && !unknown);
}

function answerOf(faults: readonly Fault[]): CheckResult {
  const [failure] = failuresOf(faults);
  const first = failure ?? faults.find(({ unknown }) => unknown) ?? faults[0];
  if (first === undefined) return { status: "ok", detail: "matches its record" };
  const detail = faults.map((fault) => fault.detail).join("; ");
  const affects = [...new Set(faults.flatMap((fault) => fault.affects ?? []))].join(", ");
  if (first.unknown) return { status: "unknown", detail, hint: askRoot };
  return { status: failure ? "error" : "warning", detail, hint: first.hint, ...(affects !== "" && { affects }) };
}

async function orphan(reader: HostReader): Promise<CheckResult> {
  const sites = (reader.list(sitesEnabledDir) ?? []).filter((name) => name.startsWith(prefix));
  if (sites.length === 0) return { status: "not-set-up", detail: "not configured (optional; no site yet)" };
  const { readRecords } = await import("./store.ts");
  const { projects, broken } = await readRecords(reader);
  const slugs = sites.map((name) => name.slice(prefix.length));
  const found = sites[slugs.findIndex((slug) => !projects.has(slug) && !broken.has(slug))];
  if (found === undefined) {
    const verb = sites.length === 1 ? "has its project" : "have their projects";
    return { status: "ok", detail: `${countOf(sites.length, "site")} ${verb}` };
  }
  const detail = `${found} is enabled, and ${projectsPath} has no such project`;
  const path = `${sitesEnabledDir}/${found}`;
  // A regular file there has no other copy, so it is moved and not removed.
  const hint = reader.readLink(path) === null ? ["mv", "--no-clobber", path, sitesAvailableDir] : ["rm", path];
  return { status: "error", detail, hint: ["sudo", ...hint] };
}

/** The contract makes this check fail above this number of bytes. */
const mostBackups = 500 * 1024 * 1024;

async function backups(reader: HostReader, loadTrees: () => Promise<Trees>): Promise<CheckResult> {
  if (reader.stat(projectsPath) === null || reader.stat(backupsDir) === null) {
    return { status: "not-set-up", detail: "not configured (optional; no backup yet)" };
  }
  const [{ readProjects }, { backupHealth }] = [await import("./store.ts"), await import("./deploy/backup-health.ts")];
  const trees = await loadTrees();
  let bytes = 0;
  let largest = { slug: "", bytes: 0 };
  const unread: string[] = [];
  let changed: string | null = null;
  for (const project of (await readProjects(reader)).values()) {
    const health = backupHealth(reader, trees, project);
    bytes += health.bytes;
    if (health.bytes > largest.bytes) largest = { slug: project.slug, bytes: health.bytes };
    changed ??= health.changed;
    unread.push(...health.unread);
  }
  const detail = [`${Math.ceil(bytes / 1024 / 1024)} MiB besides the live trees`, ...unread].join("; ");
  if (bytes > mostBackups) {
    // The admin chooses what to delete: the hint lists each backup with its size.
    return { status: "error", detail, hint: ["sudo", "edox-ops", "project", "backups", "list", largest.slug] };
  }
  if (unread.length > 0) return { status: "warning", detail, hint: ["sudo", "ls", "-lR", backupsDir] };
  if (changed === null) return { status: "ok", detail };
  return {
    status: "warning",
    detail: `${changed} was written to after its backup was made: a tree is never edited in place`,
    hint: ["ls", "-l", "--time-style=full-iso", changed],
  };
}

/** Checks that no document root contains the backups, because it would serve content that was withdrawn. */
function exposure(reader: HostReader): CheckResult {
  const { servers } = nginxConfig(reader);
  const open = servers.find(({ roots }) =>
    roots.some((root) => `${backupsDir}/`.startsWith(`${root.replace(/\/+$/, "")}/`) || root.startsWith(backupsDir)),
  );
  if (open === undefined) return { status: "ok", detail: "no site serves them" };
  return { status: "error", detail: `${open.path}:${open.line} serves the backups`, hint: ["cat", open.path] };
}
