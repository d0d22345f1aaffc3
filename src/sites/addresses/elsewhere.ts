// Decides which addresses of a site have an answer that is no file of its tree.

import type { Trees } from "../../host/trees.ts";
import { versionsDir } from "../paths.ts";
import type { Target } from "../target.ts";

/**
 * Returns a function that decides whether nginx answers an address of the target from elsewhere: from a version, or from
 * the default version, which it redirects to.
 */
export function answeredElsewhere(
  trees: Trees,
  { slug, key }: Target,
  defaultVersion: string | undefined,
): (address: string) => boolean {
  if (key !== slug) return () => false;
  const at = (path: string) => trees.entry(`${versionsDir}/${slug}/${path}`);
  return (address) => {
    const [, first = "", ...below] = address.split("/");
    if (first !== "" && below.length > 0 && at(first) !== null) return true;
    if (defaultVersion === undefined) return false;
    return ["", ".html", "/index.html"].some((end) => at(defaultVersion + address + end)?.type === "file");
  };
}
