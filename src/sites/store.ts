// The records of all projects in one file, whose format the contract fixes. Each record is validated separately, so
// that an invalid one disables only its own project. A change rewrites the file and keeps every other record byte for
// byte.

import * as v from "valibot";
import { Text } from "../engine/change.ts";
import { docsRoot, projectsPath } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import type { ProblemCode } from "../problem/codes.ts";
import { Problem } from "../problem/problem.ts";
import { regularFile } from "../problem/regular-file.ts";
import { decodeJson, type Member, membersOf, objectOf } from "./deploy/members.ts";
import {
  type Draft,
  defaults,
  domain as domainSchema,
  isRecord,
  type Project,
  projectSchema,
  slug as slugSchema,
} from "./project.ts";
import { type Clash, claimOf, clashes } from "./serve/clash.ts";

/** The reason why a record is invalid, and a command that fixes it. */
interface InvalidRecord {
  /** The value in the file. */
  value: unknown;
  reason: string;
  code?: ProblemCode;
  hint: string[];
}

type JudgedRecords = { project: Project } | Omit<InvalidRecord, "value">;

interface Records {
  /** Valid records by slug, sorted. */
  projects: Map<string, Project>;
  /** Invalid records by their key in the file, sorted. */
  broken: Map<string, InvalidRecord>;
}

/**
 * Returns all records. Throws a Problem where the file is not an object with unique keys, since the records cannot be
 * separated then.
 */
export async function readRecords(reader: HostReader): Promise<Records> {
  const values = Object.entries(await valuesOf(reader)).sort(([a], [b]) => (a < b ? -1 : 1));
  const claimed = clashes(values.map(([key, value]) => claimOf(key, value)));
  const records: Records = { projects: new Map(), broken: new Map() };
  for (const [key, value] of values) {
    const found = judge(reader, key, value, claimed.get(key));
    if ("project" in found) records.projects.set(key, found.project);
    else records.broken.set(key, { value, ...found });
  }
  return records;
}

/** Returns the projects with valid records, by slug, sorted. Throws as {@link readRecords} does. */
export async function readProjects(reader: HostReader): Promise<Map<string, Project>> {
  return (await readRecords(reader)).projects;
}

/** Returns a project. Throws a Problem where it does not exist or its record is invalid. */
export async function theProject(reader: HostReader, slug: string): Promise<Project> {
  const found = await theRecord(reader, slug);
  if ("reason" in found) throw unusableRecord(slug, found);
  return found.project;
}

/** Returns a project or its invalid record. Throws a Problem where there is neither. */
export async function theRecord(reader: HostReader, slug: string): Promise<InvalidRecord | { project: Project }> {
  const { projects, broken } = await readRecords(reader);
  const project = projects.get(slug);
  const found = project ? { project } : broken.get(slug);
  if (found) return found;
  throw new Problem("not-found", `project ${slug} is not registered`, { hint: ["edox-ops", "project", "list"] });
}

/**
 * Returns the tree that belongs to the project alone; null where its record names none, or one that overlaps with
 * another project's.
 */
export async function ownTree(reader: HostReader, slug: string): Promise<string | null> {
  const values = Object.entries(await valuesOf(reader));
  const claims = values.map(([key, value]) => claimOf(key, value));
  const root = claims.find((claim) => claim.slug === slug)?.root ?? null;
  if (root === null || notDirectory(reader, root) !== null) return null;
  const trees = claims.map((claim) => ({ ...claim, names: [], isDefault: false, previews: null }));
  return clashes(trees).has(slug) ? null : root;
}

/**
 * Returns the draft that a change of the record starts from, or null where there is no record. For an invalid record,
 * it is the content of the record, with defaults for missing keys.
 */
export async function draftOf(reader: HostReader, slug: string): Promise<Draft | null> {
  const { projects, broken } = await readRecords(reader);
  const record = broken.get(slug);
  if (record === undefined) return projects.get(slug) ?? null;
  return { ...defaults(slug), ...(isRecord(record.value) ? record.value : {}), slug };
}

/** Validates a new record against the other records of this host. */
export async function judgeDraft(reader: HostReader, slug: string, draft: Draft): Promise<JudgedRecords> {
  const others = Object.entries(await valuesOf(reader)).filter(([key]) => key !== slug);
  const claims = others.map(([key, value]) => claimOf(key, value));
  return judge(reader, slug, draft, clashes([...claims, claimOf(slug, draft)]).get(slug));
}

/** Returns the project of a draft. Throws a Problem where the draft is invalid. */
export async function projectFrom(reader: HostReader, slug: string, draft: Draft): Promise<Project> {
  const found = await judgeDraft(reader, slug, draft);
  if ("project" in found) return found.project;
  throw unusableRecord(slug, found);
}

/**
 * Returns the text of the file with this record, or without it for null. It is identical byte for byte where nothing
 * changes.
 */
export async function recordsText(reader: HostReader, slug: string, draft: Draft | null): Promise<Text> {
  const bytes = regularFile(reader, projectsPath);
  const before = bytes === null ? [] : membersOf(decodeJson(bytes));
  const old = before.find(({ key }) => key === slug);
  const same =
    old === undefined ? draft === null : draft !== null && Bun.deepEquals(JSON.parse(old.value), draft, true);
  if (bytes !== null && same) return new Text(bytes);
  const members = before.filter(({ key }) => key !== slug);
  if (draft !== null) members.push(memberOf(slug, draft));
  const lines = members.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ text }) => `  ${text}`);
  return Text.of(lines.length === 0 ? "{}\n" : `{\n${lines.join(",\n")}\n}\n`);
}

function memberOf(key: string, draft: Draft): Member {
  const value = JSON.stringify(draft, null, 2).replaceAll("\n", "\n  ");
  return { key, value, text: `${JSON.stringify(key)}: ${value}` };
}

/** Parsed records, by the bytes that were read: a command reads the file once and looks up records many times. */
const objects = new WeakMap<Uint8Array, Record<string, unknown>>();

async function valuesOf(reader: HostReader): Promise<Record<string, unknown>> {
  const bytes = regularFile(reader, projectsPath);
  if (bytes === null) return {};
  const known = objects.get(bytes) ?? (await objectOf(decodeJson(bytes)));
  objects.set(bytes, known);
  return known;
}

function judge(reader: HostReader, key: string, value: unknown, clash: Clash | undefined): JudgedRecords {
  if (!v.is(slugSchema, key)) {
    // The command line would take such a key for an option or an empty argument, or a terminal would display it
    // wrongly.
    const hint = /^(-|$)|\p{C}/u.test(key) ? ["sudo", "cat", "-n", projectsPath] : command("remove", key);
    return { reason: "its key is not a slug", hint };
  }
  if (!isRecord(value)) return { reason: "it is not an object", hint: command("remove", key) };
  const found = v.safeParse(projectSchema, value);
  if (!found.success) {
    const [issue] = found.issues;
    const name = String(issue.path?.[0]?.key);
    const reason = Object.hasOwn(value, name) ? `${name} is invalid: ${issue.message}` : `${name} is missing`;
    return { reason, hint: commandToFix(key, name, value) };
  }
  const project = found.output;
  if (project.slug !== key) return { reason: `its slug is ${project.slug}`, hint: commandToFix(key, "slug", value) };
  const file = notDirectory(reader, project.root_path);
  if (file !== null) return { reason: `root_path is invalid: ${file} is not a directory`, hint: ["ls", "-ld", file] };
  return clash === undefined
    ? { project }
    : { code: "conflict", reason: clash.reason, hint: commandToFix(key, clash.key, value) };
}

/**
 * Returns the first path between the docs root and the tree that exists and is no directory, or null. A symlink there
 * would lead a deploy out of the docs root.
 */
function notDirectory(reader: HostReader, root: string): string | null {
  const names = root.slice(docsRoot.length + 1).split("/");
  const above = names.slice(1).map((_, i) => `${docsRoot}/${names.slice(0, i + 1).join("/")}`);
  return above.find((path) => (reader.stat(path)?.type ?? "directory") !== "directory") ?? null;
}

function unusableRecord(slug: string, { reason, hint }: Omit<InvalidRecord, "value">): Problem {
  return new Problem("invalid-config", `project ${slug} has an invalid record in ${projectsPath}: ${reason}`, { hint });
}

/** Returns the command that fixes this key of a record. */
function commandToFix(slug: string, key: string, { domain }: Draft): string[] {
  if (key === "enabled") return command("disable", slug);
  const flags: Record<string, string[]> = {
    // Every update writes the slug, and this one changes nothing else.
    slug: ["--domain", v.is(domainSchema, domain) ? domain : "DOMAIN"],
    domain: ["--domain", "DOMAIN"],
    aliases: ["--alias", "none"],
    root_path: ["--root-path", `${docsRoot}/${slug}`],
    source_path: ["--source-path", "DIRECTORY"],
    branch: ["--branch", "main"],
    owner_group: ["--owner-group", "www-data"],
    tls: ["--no-tls"],
    csp: ["--csp", "default"],
    default: ["--no-default"],
    noindex_old_versions: ["--no-noindex-old-versions"],
    hsts: ["--no-hsts"],
    password: ["--password", "none"],
    preview_certificate: ["--previews", "host"],
    previews: ["--previews", "off"],
    rate_limit: ["--rate-limit", "default"],
    real_ip_from: ["--real-ip-from", "none"],
  };
  return command("update", slug, ...(flags[key] ?? []));
}

function command(...words: string[]): string[] {
  return ["sudo", "edox-ops", "project", ...words];
}
