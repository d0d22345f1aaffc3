// Validates the flags of a project against the schema of its record.

import * as v from "valibot";
import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import * as project from "../../sites/project.ts";
import { readNetwork } from "../../sites/serve/network.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";
import type { Context } from "../context.ts";
import { passwordFlags, passwordScopeOf } from "./password-flags.ts";

export const slugArgument = {
  slug: { type: "positional", completes: "slug", description: `Short name of the project: ${project.slugRule}` },
} as const satisfies Arguments;

/** The flags of `project update` that a new project has no use for. */
export const previewsFlag = {
  previews: {
    type: "string",
    group: "Preview",
    valueHint: "mode",
    options: [...project.previewModes, "off"],
    description: "Serve previews by host (NAME.preview.DOMAIN) or path (DOMAIN/-/NAME/), or off",
  },
} as const satisfies Arguments;

export const recordFlags = {
  domain: { type: "string", group: "Site", valueHint: "name", description: "Domain of the site" },
  alias: {
    type: "string",
    group: "Site",
    valueHint: "name,...",
    description: "Serve the site under these names as well (repeatable); none removes them",
  },
  "root-path": {
    type: "string",
    group: "Advanced",
    valueHint: "directory",
    description: "Directory of the live site; /var/www/docs/SLUG by default",
  },
  "source-path": {
    type: "string",
    group: "Site",
    valueHint: "directory",
    description: "Default source of project deploy",
  },
  branch: {
    type: "string",
    group: "Site",
    valueHint: "name",
    description: "Branch that the site is built from; main by default",
  },
  "owner-group": {
    type: "string",
    group: "Advanced",
    valueHint: "group",
    description: "Group of the site's files; www-data by default",
  },
  csp: {
    type: "string",
    group: "Site",
    valueHint: "policy",
    description: "Content security policy: default, strict, or the text of one",
  },
  "rate-limit": {
    type: "string",
    group: "Site",
    valueHint: "number",
    description: "Limit each client address to this many requests per second; default (500) or off",
  },
  "real-ip-from": {
    type: "string",
    group: "Site",
    valueHint: "network,...",
    description: "Trust client addresses from these reverse proxies (repeatable); none trusts no proxy",
  },
  ...passwordFlags,
  default: { type: "boolean", group: "Site", description: "Serve this site for unknown host names as well" },
  "no-default": { type: "boolean", group: "Site", description: "Serve this site for its own names only" },
  tls: { type: "boolean", group: "Site", description: "Serve the site over HTTPS" },
  "no-tls": { type: "boolean", group: "Site", description: "Serve the site over HTTP only" },
  hsts: { type: "boolean", group: "Site", description: "Require HTTPS in browsers for a year" },
  "no-hsts": { type: "boolean", group: "Site", description: "Require HTTPS in browsers for a day (default)" },
  "noindex-old-versions": {
    type: "boolean",
    group: "Version",
    description: "Keep versions other than the default one out of search engines",
  },
  "no-noindex-old-versions": {
    type: "boolean",
    group: "Version",
    description: "Keep all versions in search engines (default)",
  },
  precompress: { type: "boolean", group: "Site", description: "Compress pages once when they are deployed" },
  "no-precompress": { type: "boolean", group: "Site", description: "Compress pages for each request" },
  "strict-urls": {
    type: "boolean",
    group: "Site",
    description: "Refuse deploys that remove an address without a redirect",
  },
  "no-strict-urls": {
    type: "boolean",
    group: "Site",
    description: "Deploy even if addresses vanish, with a warning (default)",
  },
} as const satisfies Arguments;

/**
 * Returns the value. Throws a Problem for a value that its schema rejects, with exit code 1 as in the Python version.
 */
export function checkedRecord<T extends v.GenericSchema>(
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
  if (values.password !== undefined) edit.password = passwordScopeOf(values.password);
  const { alias, "rate-limit": rate, "real-ip-from": proxies } = values;
  if (alias !== undefined) edit.aliases = alias === "none" ? undefined : aliasesOf(String(alias));
  const { previews } = values;
  if (previews !== undefined) {
    edit.previews = previews === "off" ? undefined : checkedRecord(project.previews, previews, "--previews");
    edit.preview_certificate = undefined;
  }
  if (rate !== undefined) edit.rate_limit = rate === "default" ? undefined : rateLimitOf(String(rate));
  if (proxies !== undefined) edit.real_ip_from = proxies === "none" ? undefined : networksOf(String(proxies));
  for (const flag of ["tls", "default", "hsts", "precompress", "noindex-old-versions", "strict-urls"]) {
    const chosen = switchOf(flag, values);
    if (chosen !== undefined) edit[flag.replaceAll("-", "_")] = chosen;
  }
  return edit;
}

/** Returns the value of `--flag` and `--no-flag`; undefined for neither. Throws a usage Problem for both. */
export function switchOf(flag: string, values: Values): boolean | undefined {
  const [yes, no] = [values[flag] === true, values[`no-${flag}`] === true];
  if (yes && no) throw usage(`--${flag} and --no-${flag} cannot be used together`);
  return yes || no ? yes : undefined;
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
