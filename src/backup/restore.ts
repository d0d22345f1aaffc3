// Puts a fetched snapshot back. What is missing is put to its place, a live site is replaced by a deploy, and nothing else
// is overwritten.

import * as v from "valibot";
import { lockPath, projectsPath } from "../engine/paths.ts";
import type { Host } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { jsonRecord } from "../problem/json-record.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { type Project, projectSchema } from "../sites/project.ts";
import { recordsText, theRecord } from "../sites/store.ts";
import { parseJson } from "../text/json.ts";
import { few } from "../text/lines.ts";
import { nameOf } from "../text/path.ts";
import { originOf } from "./copy.ts";
import { fetchedPath, putMissing, type Restorable } from "./fetched.ts";
import { copyDir } from "./paths.ts";

/** What a restore works with. */
export interface RestoreTools {
  host: Host;
  trees: Trees;
  /** The path of this program, whose commands deploy and enable sites under their own locks. */
  program: string;
  /** Takes the lock of the host, and returns what releases it. */
  lockHost(path: string): Promise<() => void>;
  stop: Stop;
}

export interface Restored {
  /** Projects whose records and trees are back. */
  projects: string[];
  /** Projects that were there, and whose site is that of the snapshot now. */
  deployed: string[];
  /** Lineages of certificates. */
  certificates: string[];
  runners: boolean;
  /** Projects that were not restored. */
  failed: string[];
  /** What was not restored, and why. */
  warnings: string[];
}

/** Returns the projects in the records of the fetched snapshot, and what is wrong with the other records. */
export function fetchedProjects(host: Host): { projects: Map<string, Project>; warnings: string[] } {
  const all = jsonRecord(host, fetchedPath(projectsPath), v.record(v.string(), v.unknown())) ?? {};
  const projects = new Map<string, Project>();
  const warnings: string[] = [];
  for (const [slug, value] of Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found = v.safeParse(projectSchema, value);
    if (found.success && found.output.slug === slug) projects.set(slug, found.output);
    else warnings.push(`the record of project ${slug} in the snapshot is invalid: it is not restored`);
  }
  return { projects, warnings };
}

/** Restores these parts of the fetched snapshot. A project that fails does not keep the others from being restored. */
export async function restore(tools: RestoreTools, parts: readonly Restorable[]): Promise<Restored> {
  const { host, trees, stop } = tools;
  const restored: Restored = { projects: [], deployed: [], certificates: [], runners: false, failed: [], warnings: [] };
  // A site with HTTPS needs its certificate.
  if (parts.includes("certs")) restored.certificates.push(...restoreCertificates(host, trees));
  if (parts.includes("sites")) {
    const { projects, warnings } = fetchedProjects(host);
    restored.warnings.push(...warnings);
    for (const project of projects.values()) {
      throwIfInterrupted(stop);
      try {
        const what = await restoreProject(tools, project);
        if (what !== null) restored[what].push(project.slug);
      } catch (error) {
        const { code, message } = Problem.of(error);
        if (code === "interrupted") throw error;
        restored.failed.push(project.slug);
        restored.warnings.push(`project ${project.slug}: ${message}`);
      }
    }
    putMissing(host, trees, fetchedPath("/etc/edox-ops/deploy-keys.json"), "/etc/edox-ops/deploy-keys.json", 0);
  }
  if (parts.includes("runner")) {
    const put = ["/etc/gitlab-runner/config.toml", "/etc/edox-ops/runner.json", "/etc/gitlab-runner/certs"].map(
      (path) => putMissing(host, trees, fetchedPath(path), path, 0).length > 0,
    );
    restored.runners = put[0] === true;
    if (!restored.runners && host.stat(fetchedPath("/etc/gitlab-runner/config.toml")) !== null) {
      restored.warnings.push("this host has runners already: /etc/gitlab-runner/config.toml stays as it is");
    }
  }
  return restored;
}

/** Throws a Problem if a project was not restored. */
export function demandWhole({ failed }: Restored): void {
  if (failed.length === 0) return;
  const hint = ["sudo", "edox-ops", "doctor"];
  throw new Problem("command-failed", `not restored: ${few(failed)}`, { hint });
}

/** Restores lineages of which nothing is there, and accounts. Returns the names of the lineages. */
function restoreCertificates(host: Host, trees: Trees): string[] {
  const top = "/etc/letsencrypt";
  const from = fetchedPath(top);
  const renewed = (host.list(`${from}/renewal`) ?? []).flatMap((name) => /^(.+)\.conf$/.exec(name)?.[1] ?? []);
  // An admin may have installed a certificate that certbot does not renew.
  const live = (host.list(`${from}/live`) ?? []).filter(
    (name) => host.stat(`${from}/live/${name}`)?.type === "directory",
  );
  const names = [...new Set([...renewed, ...live])].sort();
  const placesOf = (name: string): string[] => [`live/${name}`, `archive/${name}`, `renewal/${name}.conf`];
  // The files of a lineage belong together, so those of an existing one stay.
  const missing = names.filter((name) => placesOf(name).every((place) => trees.entry(`${top}/${place}`) === null));
  for (const place of [...missing.flatMap(placesOf), "accounts"]) {
    putMissing(host, trees, `${from}/${place}`, `${top}/${place}`, place === "accounts" ? 9 : 0);
  }
  return missing;
}

/** Restores a project. Returns whether its record and trees are back, or its site was deployed; null without a change. */
async function restoreProject(tools: RestoreTools, project: Project): Promise<"projects" | "deployed" | null> {
  const { host, trees } = tools;
  const { slug } = project;
  const isNew = await theRecord(host, slug).then(
    () => false,
    () => true,
  );
  const password = `/etc/nginx/edox-ops-password-${slug}`;
  if (isNew) putMissing(host, trees, fetchedPath(password), password, 0);
  const put = restoreTrees(host, trees, project);
  if (isNew) {
    await register(tools, project);
    if (project.enabled) await runProgram(tools, ["project", "enable", slug]);
    return "projects";
  }
  const site = fetchedPath(`${copyDir}/${slug}/site`);
  if (host.stat(site) === null) return put.length > 0 ? "projects" : null;
  const outcome = await runProgram(tools, ["project", "deploy", slug, "--source", site]);
  return outcome === "changed" ? "deployed" : put.length > 0 ? "projects" : null;
}

/** Puts the trees of a project that are missing to their places. Returns their paths. */
function restoreTrees(host: Host, trees: Trees, { slug, root_path }: Project): string[] {
  const from = fetchedPath(`${copyDir}/${slug}`);
  return (host.list(from) ?? []).flatMap((kind) => {
    const to = originOf(slug, root_path, kind);
    const depth = { versions: 1, previews: 2, releases: 3 }[kind] ?? 0;
    return to === null ? [] : putMissing(host, trees, `${from}/${kind}`, to, depth);
  });
}

/** Writes the record of a project, which is not served yet. */
async function register({ host, lockHost }: RestoreTools, project: Project): Promise<void> {
  const release = await lockHost(lockPath);
  try {
    const { bytes } = await recordsText(host, project.slug, { ...project, enabled: false });
    host.writeFile(projectsPath, bytes, { mode: 0o600, uid: host.uid, gid: host.uid });
  } finally {
    release();
  }
}

/** Runs a command of this program, and returns its outcome. Throws the Problem that it reports. */
async function runProgram({ host, program, stop }: RestoreTools, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await host.run([program, ...words, "--json"], { endsInOrder: true });
  throwIfInterrupted(stop);
  const { outcome, error } = documentIn(stdout);
  if (code === 0) return outcome;
  const hint = ["sudo", nameOf(program), ...words];
  throw new Problem("command-failed", error?.message ?? `${words.join(" ")} failed`, { stderr, hint });
}

/** Returns the checks of doctor that fail, each with its detail. */
export async function doctorFailures(host: Host, program: string): Promise<string[]> {
  const { stdout } = await host.run([program, "doctor", "--json"], { endsInOrder: true });
  const { findings } = documentIn(stdout);
  return findings.filter(({ status }) => status === "error").map(({ name, detail }) => `${name}: ${detail}`);
}

const documentSchema = v.object({
  outcome: v.optional(v.string(), ""),
  error: v.optional(v.object({ message: v.string() })),
  findings: v.optional(v.array(v.object({ name: v.string(), status: v.string(), detail: v.string() })), []),
});

function documentIn(json: string): v.InferOutput<typeof documentSchema> {
  try {
    return v.parse(documentSchema, parseJson(json));
  } catch {
    return { outcome: "", findings: [] };
  }
}
