// How the nginx site of a project includes the rules of its tree.

import { rulesDir } from "../../nginx/paths.ts";
import type { Part } from "./part.ts";

export const ruleMapsPath = (slug: string): string => `${rulesDir}/${slug}.maps`;
export const ruleServerPath = (slug: string): string => `${rulesDir}/${slug}.server`;

/** Returns the line before the server, in the http block. */
export function ruleMapsInclude(slug: string): string {
  return `include ${ruleMapsPath(slug)};\n`;
}

/** Returns the lines of the server. The included file has the page of errors and the headers of the site as well. */
export function ruleServerInclude(slug: string, part: Pick<Part, "prefix">): string[] {
  return ["# The redirects and headers of the site.", errorPageLine(part), `include ${ruleServerPath(slug)};`];
}

/** Returns the line that sets the page of errors: a version or a preview with a path of the site has its own. */
export function errorPageLine({ prefix }: Pick<Part, "prefix">): string {
  return `set $edox_ops_error_page "${prefix}/404.html";`;
}
