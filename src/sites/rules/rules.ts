// The rules of a tree: its files `_redirects` and `_headers`, and what nginx gets for them.

import { pathMaps, reachedRules, redirectMaps } from "./compile.ts";
import { headerLines, headerMaps, type OwnHeader } from "./header-maps.ts";
import { type HeaderRule, parseHeaders } from "./headers.ts";
import { headersName, redirectsName } from "./lines.ts";
import { parseRedirects, type Redirect } from "./redirects.ts";
import { redirectLines } from "./server-lines.ts";

export interface Rules {
  redirects: Redirect[];
  headers: HeaderRule[];
}

/** The two files that a site with rules includes: one in the http block, one in its server. */
export interface RuleTexts {
  maps: string;
  server: string;
}

export const ruleFiles = [redirectsName, headersName] as const;

/**
 * Returns the rules of a tree, or null if it has no file of rules. `read` returns a file of the tree, or null. Throws a
 * Problem that names the line that is refused.
 */
export function rulesOf(read: (name: string) => Uint8Array | null): Rules | null {
  const [redirects, headers] = ruleFiles.map(read);
  if (!redirects && !headers) return null;
  return {
    redirects: redirects ? parseRedirects(redirects) : [],
    headers: headers ? parseHeaders(headers) : [],
  };
}

/** The site that rules are compiled for. */
interface RuledSite {
  slug: string;
  /** The headers that each of its pages has. */
  own: readonly OwnHeader[];
  /** Whether previews have paths of the site. */
  previews: boolean;
}

/** Returns what nginx gets. Throws a Problem if a limit is exceeded. */
export function ruleTexts({ slug, own, previews }: RuledSite, rules: Rules): RuleTexts {
  const { reached } = reachedRules(rules.redirects);
  const head = [
    `# Written by edox-ops from ${ruleFiles.join(" and ")} of the project ${slug}. Change those and deploy them.`,
  ];
  const maps = [
    ...pathMaps(slug, previews),
    ...(reached.length > 0 ? redirectMaps(slug, reached) : []),
    ...headerMaps(slug, rules.headers, own),
  ];
  const server = [...redirectLines(slug, reached), ...headerLines(slug, rules.headers, own)];
  return { maps: textOf([...head, ...maps]), server: textOf([...head, ...server]) };
}

const textOf = (lines: readonly string[]): string => `${lines.join("\n")}\n`;
