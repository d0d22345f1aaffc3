// Decides which addresses of a site have an answer that is no file of its tree.

import type { Trees } from "../../host/trees.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import { versionsDir } from "../paths.ts";
import { Answers, SiteFiles } from "../rules/answers.ts";
import { reachedRules } from "../rules/compile.ts";
import { mostBytes, redirectsName } from "../rules/lines.ts";
import { parseRedirects, type Redirect } from "../rules/redirects.ts";
import { indexName } from "../versions/names.ts";

const notFound = "404";

/**
 * Returns a function that decides whether nginx answers an address of the target from elsewhere: from a version, from
 * the default version, which it redirects to, or by a rule of the new tree. Throws a Problem for a rule that is refused.
 */
export function answeredElsewhere(
  trees: Trees,
  { project, target: { kind, slug }, dir }: Pick<DeployRequest, "project" | "target" | "dir">,
): (address: string) => boolean {
  if (kind !== "site") return () => false;
  const { default_version: defaultVersion } = project;
  const at = (path: string) => trees.entry(`${versionsDir}/${slug}/${path}`);
  const { reached } = reachedRules(redirectsIn(trees, dir));
  const answers = new Answers(reached, new SiteFiles(() => false));
  return (address) => {
    // A rule may send the page for missing files, which is no answer for readers.
    const ruled = answers.to(address);
    if (ruled !== null && ruled.rule.status !== notFound) return true;
    const [, first = ""] = address.split("/");
    if (first === indexName) return address === `/${indexName}` && at(indexName) !== null;
    // An alias is a symlink to its version.
    if (first !== "" && ["directory", "link"].includes(at(first)?.type ?? "")) return true;
    if (defaultVersion === undefined) return false;
    const page = defaultVersion + address.replace(/\/$/, "");
    return [page, `${page}.html`, `${page}/index.html`].some((path) => at(path)?.type === "file");
  };
}

/** Returns the redirects of a tree, which may be an open directory. The deploy itself refuses a file that is too large. */
function redirectsIn(trees: Trees, dir: string): Redirect[] {
  const path = `${dir}/${redirectsName}`;
  const entry = trees.entry(path);
  if (entry?.type !== "file" || entry.size > mostBytes) return [];
  return parseRedirects(Buffer.concat(Array.from(trees.pieces(path), (piece) => Uint8Array.from(piece))));
}
