// Decides which addresses of a site have an answer that is no file of its tree.

import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import { versionsDir } from "../paths.ts";
import { Answers, SiteFiles } from "../rules/answers.ts";
import { reachedRules } from "../rules/compile.ts";
import { mostBytes, redirectsName } from "../rules/lines.ts";
import { parseRedirects, type Redirect } from "../rules/redirects.ts";
import { withWayOut } from "../rules/way-out.ts";
import { indexName } from "../versions/names.ts";

const notFound = "404";

/** `again` is missing where no source is given. */
interface Asked
  extends Pick<DeployRequest, "project" | "target" | "dir" | "select" | "ignoresRefusedRules">,
    Partial<Pick<DeployRequest, "again">> {}

/**
 * Returns a function that decides whether nginx answers an address of the target from elsewhere: from a version, from
 * the default version, which it redirects to, or by a rule of the new tree. Throws a Problem for a rule that is refused.
 */
export function answeredElsewhere(trees: Trees, request: Asked): (address: string) => boolean {
  const {
    project,
    target: { kind, slug },
  } = request;
  if (kind !== "site") return () => false;
  const { default_version: defaultVersion } = project;
  const at = (path: string) => trees.entry(`${versionsDir}/${slug}/${path}`);
  /** Whether each first name of an address is a version or an alias, which is a symlink to its version. */
  const versions = new Map<string, boolean>();
  const isVersion = (name: string): boolean => {
    const known = versions.get(name) ?? ["directory", "link"].includes(at(name)?.type ?? "");
    versions.set(name, known);
    return known;
  };
  const { reached } = reachedRules(redirectsIn(trees, request));
  const answers = new Answers(reached, new SiteFiles(() => false));
  return (address) => {
    // A rule may send the page for missing files, which is no answer for readers.
    const ruled = reached.length === 0 ? null : answers.to(address);
    if (ruled !== null && ruled.rule.status !== notFound) return true;
    const [, first = ""] = address.split("/");
    if (first === indexName) return address === `/${indexName}` && at(indexName) !== null;
    if (first !== "" && isVersion(first)) return true;
    if (defaultVersion === undefined) return false;
    const page = defaultVersion + address.replace(/\/$/, "");
    return [page, `${page}.html`, `${page}/index.html`].some((path) => at(path)?.type === "file");
  };
}

/** Returns the redirects of a tree, which may be an open directory. The deploy itself refuses a file that is too large. */
function redirectsIn(trees: Trees, request: Asked): Redirect[] {
  const { dir, select } = request;
  if (select?.exclude.includes(redirectsName)) return [];
  const path = `${dir}/${redirectsName}`;
  const entry = trees.entry(path);
  if (entry?.type !== "file" || entry.size > mostBytes) return [];
  try {
    return parseRedirects(Buffer.concat(Array.from(trees.pieces(path), (piece) => Uint8Array.from(piece))));
  } catch (error) {
    if (error instanceof Problem && request.ignoresRefusedRules) return [];
    throw withWayOut(error, request);
  }
}
