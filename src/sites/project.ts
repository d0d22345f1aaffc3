// Validation of a project's record. Each value is checked again before it is used, because anyone may have edited the
// record.

import * as v from "valibot";
import { docsRoot } from "../engine/paths.ts";
import { readNetwork } from "./serve/network.ts";
import { versionName } from "./versions/names.ts";

/** The first and the last character are a letter or a digit, so that no slug is a hidden name or looks like a flag. */
const slugPattern = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/;
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
/** RFC 1123: labels of at most 63 characters, at most 253 in total. Domains are case-insensitive. */
const domainPattern = new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`, "i");
/**
 * The names that Debian's useradd(8) accepts. A valid name cannot be another field of /etc/group, a path or an option.
 */
const groupPattern = /^[^\p{C}\p{Z}:,/+~-][^\p{C}\p{Z}:,/]{0,31}$/u;
/**
 * The names that git-check-ref-format(1) accepts. A space, which it rejects, is allowed because the Python version
 * accepted it.
 */
const branchPattern = /^(?![-./])(?!.*(?:\.\.|\/[./]|@\{|\.lock(?:\/|$)|[./]$))[^\p{C}~^:?*[\\]{1,255}$/u;
/**
 * Rejects characters that end a word, escape or expand a variable in nginx's configuration, and invisible characters.
 */
const rootPattern = /^[^\p{C}\p{Z};{}"'\\$]+$/u;
/**
 * In bytes. Every file system accepts such a name; the root takes half of the longest path and leaves the rest for the
 * tree.
 */
const longestName = 255;
const longestRoot = 2048;
/** Every directory of edox-ops beside the sites begins with this prefix. */
const ownPrefix = ".edox-ops-";

export const slugRule = "lower-case letters, digits, - and _, a letter or digit first and last, at most 64";

export const slug = v.pipe(v.string(), v.regex(slugPattern, `a slug has ${slugRule}`));
export const domain = v.pipe(
  v.string(),
  v.regex(domainPattern, ({ input }) => {
    const rule =
      "a domain is a host name such as docs.example.org, without a scheme or a path: letters, digits, - and dots, at most 253 characters";
    const ascii = asciiOf(input);
    return ascii === null ? rule : `${rule}: in ASCII it is ${ascii}`;
  }),
);

/** Returns the form of an internationalized name that certificates and the DNS have, or null for any other text. */
function asciiOf(name: string): string | null {
  if (/^[\x20-\x7e]*$/.test(name) || /[\s/:?#@\\]/.test(name)) return null;
  const url = `http://${name}`;
  const ascii = URL.canParse(url) ? new URL(url).hostname : "";
  return domainPattern.test(ascii) ? ascii : null;
}

/** Let's Encrypt certifies at most 100 names at once: the domain and these. */
const mostAliases = 99;

export const aliases = v.pipe(
  v.array(domain),
  v.minLength(1, "at least one name is named"),
  v.maxLength(mostAliases, `at most ${mostAliases} names are named`),
  v.check((names) => new Set(names.map((name) => name.toLowerCase())).size === names.length, "a name is listed twice"),
);

export const rootPath = v.pipe(
  v.string(),
  v.check(
    isRootPath,
    `a root path is below ${docsRoot}, without blanks, quotes, ; { } $ \\, an empty name or one that is . or .., ` +
      "and is not in the directories of edox-ops",
  ),
);

function isRootPath(path: string): boolean {
  if (!path.startsWith(`${docsRoot}/`) || !rootPattern.test(path) || Buffer.byteLength(path) > longestRoot)
    return false;
  const [first = "", ...below] = path.slice(docsRoot.length + 1).split("/");
  const isName = (name: string): boolean => !["", ".", ".."].includes(name) && Buffer.byteLength(name) <= longestName;
  return !first.startsWith(ownPrefix) && [first, ...below].every(isName);
}

export const sourcePath = v.pipe(
  v.string(),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  v.regex(/^\/[^\u0000-\u001f\u007f]*$/, "a source path is absolute, without control characters"),
);
export const branch = v.pipe(v.string(), v.regex(branchPattern, "a branch is a valid git branch name"));
export const ownerGroup = v.pipe(
  v.string(),
  v.regex(
    groupPattern,
    "a group has a name without blanks and : , / that does not begin with -, + or ~, of at most 32 characters",
  ),
);

/** The policy is written between double quotes in nginx's configuration, where a dollar sign begins a variable. */
export const csp = v.pipe(
  v.string(),
  v.regex(/^[\x20\x21\x23\x25-\x5b\x5d-\x7e]{1,4000}$/, 'a policy has printable ASCII characters without ", $ and \\'),
);

/** In requests per second. nginx counts in thousandths, in an integer that must not overflow. */
const highestRate = 100_000;

export const rateLimit = v.custom<number | "off">(
  (value) => value === "off" || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= highestRate),
  `a rate limit is a whole number of requests per second, 1 to ${highestRate}, or off`,
);

/** nginx compares the address of each request with every network. */
const mostProxies = 200;

export const network = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const read = dataset.typed ? readNetwork(dataset.value) : null;
    if (read !== null && "reason" in read) addIssue({ message: read.reason });
  }),
);
export const realIpFrom = v.pipe(
  v.array(network),
  v.minLength(1, "at least one network is named"),
  v.maxLength(mostProxies, `at most ${mostProxies} networks are named`),
);

export const passwordScopes = ["site", "previews"] as const;
export const password = v.picklist(passwordScopes, "a password is for the site or for its previews");
export type PasswordScope = (typeof passwordScopes)[number];

/** Previews are served each under a host name of its own, or below a path of the site. */
export const previewModes = ["host", "path"] as const;
export type PreviewMode = (typeof previewModes)[number];
export const previews = v.picklist(previewModes, "previews are served by host or path, or off");

/** The name of a lineage becomes a part of a path in nginx's configuration. */
const lineageName = v.pipe(
  v.string(),
  v.regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/, "a certificate has letters, digits, dots, - and _"),
);

/** The keys of the contract. Unknown keys are preserved. */
const recordSchema = v.looseObject({
  slug,
  domain,
  root_path: rootPath,
  source_path: v.nullable(sourcePath),
  branch,
  owner_group: ownerGroup,
  enabled: v.boolean(),
  tls: v.boolean(),
  /** Further names of the site, which its certificate covers as well. Not part of the contract. */
  aliases: v.optional(aliases),
  /** "strict" or the text of a policy; absent for the default policy. Not part of the contract. */
  csp: v.optional(csp),
  /** The site also answers requests for unknown names. Not part of the contract. */
  default: v.optional(v.boolean()),
  /** The version or alias that unversioned addresses lead to. Not part of the contract. */
  default_version: v.optional(versionName),
  /** The HSTS lifetime is a year; without it a day. Not part of the contract. */
  hsts: v.optional(v.boolean()),
  /** What readers need a password for; "site" includes the previews. Not part of the contract. */
  password: v.optional(password),
  /** Whether search engines may list only the default version. Not part of the contract. */
  noindex_old_versions: v.optional(v.boolean()),
  /** Whether deploys write compressed files beside pages; absent for the default. Not part of the contract. */
  precompress: v.optional(v.boolean()),
  /** How previews are served; absent while they are not. Not part of the contract. */
  previews: v.optional(previews),
  /** The lineage that covers previews with host names; absent for plain HTTP. Not part of the contract. */
  preview_certificate: v.optional(lineageName),
  /** Requests per second of one client address, or "off"; absent for the default. Not part of the contract. */
  rate_limit: v.optional(rateLimit),
  /** Networks of reverse proxies whose X-Forwarded-For is trusted. Not part of the contract. */
  real_ip_from: v.optional(realIpFrom),
  /** Whether deploys that take addresses away without a redirect are refused. Not part of the contract. */
  strict_urls: v.optional(v.boolean()),
});

export const projectSchema = v.pipe(
  recordSchema,
  v.forward(
    v.check(
      (record) => !record.aliases?.some((alias) => alias.toLowerCase() === record.domain.toLowerCase()),
      "the domain is one of them",
    ),
    ["aliases"],
  ),
);

export type Project = v.InferOutput<typeof projectSchema>;

/** Returns all names of a site, the domain first. */
export function namesOf({ domain, aliases = [] }: Pick<Project, "domain" | "aliases">): string[] {
  return [domain, ...aliases];
}

/** The content of a record before it is validated. */
export type Draft = Record<string, unknown>;

export function isRecord(value: unknown): value is Draft {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the defaults of a new record: every key except the domain. */
export function defaults(slug: string) {
  return {
    slug,
    root_path: `${docsRoot}/${slug}`,
    source_path: null,
    branch: "main",
    owner_group: "www-data",
    enabled: false,
    tls: false,
  };
}
