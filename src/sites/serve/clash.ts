// Detects conflicts between projects: a name, a tree, and the answer to unknown names belong to one project only.

import * as v from "valibot";
import { docsRoot } from "../../engine/paths.ts";
import { parentOf } from "../../text/path.ts";
import { previewDomainOf } from "../previews/names.ts";
import { domain, isRecord, rootPath } from "../project.ts";

/** The values of a record that must be unique. An invalid value claims nothing. */
interface Claim {
  slug: string;
  /** The domain, if it is valid, and the valid aliases. */
  names: { key: "domain" | "aliases"; name: string }[];
  root: string | null;
  isDefault: boolean;
  /** The name below which its previews have host names, in lower case; null where they have none. */
  previews: string | null;
}

export interface Clash {
  /** The key of the record whose value conflicts. */
  key: "domain" | "aliases" | "root_path" | "default" | "previews";
  reason: string;
}

/** Suffix of the name under which a deploy of the Python version keeps the live tree during its swap. */
export const swapSuffix = ".previous-swap";
/** Suffixes of the names beside a tree that a deploy of the Python version uses and removes. */
export const besideSuffixes = [".staging", swapSuffix];

/** Returns the values that a record claims. */
export function claimOf(slug: string, value: unknown): Claim {
  const record = isRecord(value) ? value : {};
  return {
    slug,
    names: [
      { key: "domain", name: record.domain },
      ...(Array.isArray(record.aliases) ? record.aliases : []).map(
        (name: unknown) => ({ key: "aliases", name }) as const,
      ),
    ].filter((each): each is Claim["names"][number] => v.is(domain, each.name)),
    root: v.is(rootPath, record.root_path) ? record.root_path : null,
    isDefault: record.default === true,
    previews:
      record.previews === "host" && v.is(domain, record.domain)
        ? previewDomainOf({ domain: record.domain }).toLowerCase()
        : null,
  };
}

/** Returns the first conflict of each project that has one, by slug. */
export function clashes(claims: readonly Claim[]): Map<string, Clash> {
  const found = new Map<string, Clash>();
  const names = new Map<string, Claim>();
  const roots = new Map<string, Claim>();
  let answering: Claim | undefined;
  for (const claim of claims) {
    for (const { name } of claim.names) {
      const key = name.toLowerCase();
      note(firstOf(names, key, claim), claim, (mine, theirs) => sameName(key, mine, theirs));
    }
    if (claim.root !== null) note(firstOf(roots, claim.root, claim), claim, overlap);
    if (claim.isDefault) {
      answering ??= claim;
      note(answering, claim, sameAnswer);
    }
  }
  for (const claim of claims) {
    for (const path of pathsAround(claim.root ?? "")) note(roots.get(path) ?? claim, claim, overlap);
  }
  const hosts = new Map(claims.flatMap((claim) => (claim.previews === null ? [] : [[claim.previews, claim] as const])));
  if (hosts.size > 0) {
    for (const claim of claims) {
      for (const { name } of claim.names) {
        for (const above of namesAbove(name.toLowerCase())) note(hosts.get(above) ?? claim, claim, previewName);
      }
    }
  }
  return found;

  function note(one: Claim, other: Claim, clash: (mine: Claim, theirs: Claim) => Clash): void {
    if (one === other) return;
    if (!found.has(one.slug)) found.set(one.slug, clash(one, other));
    if (!found.has(other.slug)) found.set(other.slug, clash(other, one));
  }
}

function firstOf(holders: Map<string, Claim>, thing: string, claim: Claim): Claim {
  const holder = holders.get(thing) ?? claim;
  holders.set(thing, holder);
  return holder;
}

/**
 * Returns the paths whose trees would overlap with this one: the directories above it, and the trees whose working
 * names it or one of those has.
 */
function pathsAround(root: string): string[] {
  const paths: string[] = [];
  for (let path = root; path.length > docsRoot.length; path = parentOf(path)) {
    if (path !== root) paths.push(path);
    for (const suffix of besideSuffixes) if (path.endsWith(suffix)) paths.push(path.slice(0, -suffix.length));
  }
  return paths;
}

/** Returns the names that a host name is below. */
function namesAbove(name: string): string[] {
  const labels = name.split(".");
  return labels.slice(1).map((_, i) => labels.slice(i + 1).join("."));
}

function isPreviewOf(name: string, { previews }: Claim): boolean {
  return previews !== null && name.toLowerCase().endsWith(`.${previews}`);
}

/** One of the two projects has a name that is among the names of the other's previews. */
function previewName(mine: Claim, theirs: Claim): Clash {
  const taken = mine.names.find(({ name }) => isPreviewOf(name, theirs));
  if (taken !== undefined) {
    const word = taken.key === "domain" ? "domain" : "alias";
    return { key: taken.key, reason: `${word} ${taken.name} is among the names of previews of project ${theirs.slug}` };
  }
  const name = theirs.names.find((each) => isPreviewOf(each.name, mine))?.name;
  return { key: "previews", reason: `previews would have names such as ${name} of project ${theirs.slug}` };
}

function sameName(name: string, mine: Claim, theirs: Claim): Clash {
  const of = ({ names }: Claim) => names.find((each) => each.name.toLowerCase() === name);
  const { key = "domain", name: shown } = of(mine) ?? {};
  const word = key === "domain" ? "domain" : "alias";
  const end = of(theirs)?.key === "aliases" ? " as an alias" : "";
  return { key, reason: `${word} ${shown} is already used by project ${theirs.slug}${end}` };
}

function sameAnswer(_: Claim, theirs: Claim): Clash {
  return { key: "default", reason: `unknown names are already answered by project ${theirs.slug}` };
}

function overlap(mine: Claim, theirs: Claim): Clash {
  const reason =
    mine.root === theirs.root
      ? `root path ${mine.root} is already used by project ${theirs.slug}`
      : `root path ${mine.root} overlaps with ${theirs.root} of project ${theirs.slug}`;
  return { key: "root_path", reason };
}
