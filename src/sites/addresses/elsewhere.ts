// Decides which addresses of a site have an answer that is no file of its tree.

import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import { versionsDir } from "../paths.ts";
import { Answers, SiteFiles } from "../rules/answers.ts";
import { reachedRules } from "../rules/compile.ts";
import { treeRules } from "../rules/tree-rules.ts";

/**
 * Returns a function that decides whether nginx answers an address of the target from elsewhere: from a version, from
 * the default version, which it redirects to, or by a rule of the new tree. Throws a Problem for a rule that is refused.
 */
export function answeredElsewhere(
  reader: HostReader,
  trees: Trees,
  { project, target: { slug, key }, dir }: Pick<DeployRequest, "project" | "target" | "dir">,
): (address: string) => boolean {
  if (key !== slug) return () => false;
  const { default_version: defaultVersion } = project;
  const at = (path: string) => trees.entry(`${versionsDir}/${slug}/${path}`);
  const { reached } = reachedRules(treeRules(reader, dir)?.redirects ?? []);
  const answers = new Answers(reached, new SiteFiles(() => false));
  return (address) => {
    if (answers.to(address) !== null) return true;
    const [, first = "", ...below] = address.split("/");
    if (first !== "" && below.length > 0 && at(first) !== null) return true;
    if (defaultVersion === undefined) return false;
    return ["", ".html", "/index.html"].some((end) => at(defaultVersion + address + end)?.type === "file");
  };
}
