// Validates the flags of a project against the schema of its record.

import * as v from "valibot";
import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import * as project from "../../sites/project.ts";
import { readNetwork } from "../../sites/serve/network.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";
import type { Context } from "../context.ts";

export const slugArgument = {
  slug: { type: "positional", completes: "slug", description: `the project's short name: ${project.slugRule}` },
} as const satisfies Arguments;

export const recordFlags = {
  domain: { type: "string", valueHint: "name", description: "the name that the site answers to" },
  alias: {
    type: "string",
    valueHint: "name,...",
    description: "Serve the site under these names too (repeatable); none to serve it under its domain alone",
  },
  "root-path": { type: "string", valueHint: "directory", description: "where the site lies" },
  "source-path": {
    type: "string",
    valueHint: "directory",
    description: "what deploy takes where --source is not given",
  },
  branch: { type: "string", valueHint: "name", description: "the branch that the site is built from" },
  "owner-group": { type: "string", valueHint: "group", description: "the group that the site's files have" },
  csp: {
    type: "string",
    valueHint: "policy",
    description: "the site's content policy: default, strict, or one in words",
  },
  "rate-limit": {
    type: "string",
    valueHint: "number",
    description: "Limit each client address to this many requests per second; off, or default for 500",
  },
  "real-ip-from": {
    type: "string",
    valueHint: "network,...",
    description: "Trust these reverse proxies to name the client's address (repeatable); none to trust no proxy",
  },
  default: { type: "boolean", description: "let the site answer to unknown names too" },
  "no-default": { type: "boolean", description: "let it answer to its own name only" },
  tls: { type: "boolean", description: "serve over HTTPS" },
  "no-tls": { type: "boolean", description: "serve over HTTP only" },
  hsts: { type: "boolean", description: "Tell browsers to use HTTPS alone for a year, not for a day" },
  "no-hsts": { type: "boolean", description: "Tell browsers to use HTTPS alone for a day" },
  precompress: { type: "boolean", description: "Compress pages when they are deployed, not for each request" },
  "no-precompress": { type: "boolean", description: "Compress pages for each request" },
} as const satisfies Arguments;

/**
 * Returns the value. Throws a Problem for a value that its schema rejects, with exit code 1 as in the Python version.
 */
function checkedRecord<T extends v.GenericSchema>(
  schema: T,
  value: unknown,
  name: string,
  shown = value,
): v.InferOutput<T> {
  const found = v.safeParse(schema, value);
  if (!found.success) throw new Problem("invalid-value", `invalid ${name} '${shown}': ${found.issues[0].message}`);
  return found.output;
}

export function slugOf({ slug }: Values): string {
  return checkedRecord(project.slug, slug, "slug");
}

/** Returns only the keys of a record for which a flag was given. Throws a Problem for an invalid value. */
export function editOf(values: Values): Partial<project.Project> {
  const keys = {
    domain: project.domain,
    root_path: project.rootPath,
    source_path: project.sourcePath,
    branch: project.branch,
    owner_group: project.ownerGroup,
  };
  const edit: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(keys)) {
    const flag = key.replace("_", "-");
    if (values[flag] !== undefined) edit[key] = checkedRecord(schema, values[flag], `--${flag}`);
  }
  if (values.csp !== undefined)
    edit.csp = values.csp === "default" ? undefined : checkedRecord(project.csp, values.csp, "--csp");
  const { alias, "rate-limit": rate, "real-ip-from": proxies } = values;
  if (alias !== undefined) edit.aliases = alias === "none" ? undefined : aliasesOf(String(alias));
  if (rate !== undefined) edit.rate_limit = rate === "default" ? undefined : rateLimitOf(String(rate));
  if (proxies !== undefined) edit.real_ip_from = proxies === "none" ? undefined : networksOf(String(proxies));
  for (const key of ["tls", "default", "hsts", "precompress"]) {
    const no = values[`no-${key}`] === true;
    if (no && values[key] === true) throw usage(`--${key} and --no-${key} say the contrary of each other`);
    if (no || values[key] === true) edit[key] = !no;
  }
  return edit;
}

/** Returns each name once, in lower case, so that the same list is idempotent. */
function aliasesOf(typed: string): string[] {
  const names = typed.split(",").map((name) => checkedRecord(project.domain, name, "--alias").toLowerCase());
  if (names.includes("none")) throw usage("--alias none cannot be used with other names");
  return checkedRecord(project.aliases, [...new Set(names)], "--alias", `${names.length} names`);
}

function rateLimitOf(typed: string): number | "off" {
  return checkedRecord(project.rateLimit, /^[1-9]\d*$/.test(typed) ? Number(typed) : typed, "--rate-limit");
}

/** Returns each network once, in its canonical form, so that the same list is idempotent. */
function networksOf(typed: string): string[] {
  const networks = typed.split(",").map((text) => {
    const read = readNetwork(checkedRecord(project.network, text, "--real-ip-from"));
    return "network" in read ? read.network : text;
  });
  return checkedRecord(project.realIpFrom, [...new Set(networks)], "--real-ip-from", `${networks.length} networks`);
}

/** Returns a new record with defaults and the values of the flags. */
export function newProject(slug: string, values: Values, { typed }: Context): project.Project {
  const { domain, ...more } = editOf(values);
  if (domain === undefined) {
    throw usage("--domain is missing", undefined, ["edox-ops", ...typed, "--domain", "DOMAIN"]);
  }
  return { ...project.defaults(slug), domain, ...more };
}

/** Returns the slug, or the key of an invalid record of this host. Throws a Problem for anything else. */
export async function keyOf(reader: () => Promise<HostReader>, values: Values): Promise<string> {
  if (v.is(project.slug, values.slug)) return values.slug;
  const { readRecords } = await import("../../sites/store.ts");
  const typed = String(values.slug);
  const found = await readRecords(await reader()).catch(() => null);
  return found?.broken.has(typed) ? typed : slugOf(values);
}
