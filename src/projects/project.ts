// What may stand in the record of a project. Whoever wrote it, each value is looked at again before it is used.

import * as v from "valibot";
import { docsRoot } from "../recipes/paths.ts";

/** First and last a letter or a digit, so that no slug is a hidden name or looks like a flag. */
const slugPattern = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/;
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
/** RFC 1123: labels of at most 63, together at most 253. Case says nothing in a name. */
const domainPattern = new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`, "i");
/** What useradd(8) lets a group be called. */
const groupPattern = /^[a-z_][a-z0-9_-]{0,30}\$?$/;
/** A part of what git-check-ref-format(1) allows. */
const branchPattern = /^(?!.*(?:\.\.|\/\/|\.lock$|\/$))[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}$/;

export const slugRule = "lower-case letters, digits, - and _, a letter or digit first and last, at most 64";

export const slug = v.pipe(v.string(), v.regex(slugPattern, `a slug has ${slugRule}`));
export const domain = v.pipe(
  v.string(),
  v.regex(
    domainPattern,
    "a domain has labels of letters, digits and -, with dots between them, at most 253 characters",
  ),
);
export const rootPath = v.pipe(
  v.string(),
  v.check(
    (path) => path.startsWith(`${docsRoot}/`) && slugPattern.test(path.slice(docsRoot.length + 1)),
    `a root path is ${docsRoot}/ and one name of ${slugRule}`,
  ),
);
export const sourcePath = v.pipe(
  v.string(),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  v.regex(/^\/[^\u0000-\u001f\u007f]*$/, "a source path is absolute, without control characters"),
);
export const branch = v.pipe(v.string(), v.regex(branchPattern, "a branch is a name that git knows as one"));
export const ownerGroup = v.pipe(v.string(), v.regex(groupPattern, "a group has the name of one"));

/** It stands between double quotes in a file of nginx's, where a dollar begins a variable. */
export const csp = v.pipe(
  v.string(),
  v.regex(/^[\x20\x21\x23\x25-\x5b\x5d-\x7e]{1,4000}$/, 'a policy has printable ASCII characters without ", $ and \\'),
);

/** The keys of the contract; others are kept as they are. */
export const projectSchema = v.looseObject({
  slug,
  domain,
  root_path: rootPath,
  source_path: v.nullable(sourcePath),
  branch,
  owner_group: ownerGroup,
  enabled: v.boolean(),
  tls: v.boolean(),
  /** "strict", or a policy in words; without it the default one. Not of the contract. */
  csp: v.optional(csp),
  /** Answers unknown names too. Not of the contract. */
  default: v.optional(v.boolean()),
});

export type Project = v.InferOutput<typeof projectSchema>;
