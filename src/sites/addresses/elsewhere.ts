// Decides which addresses of a site have an answer that is no file of its tree.

import type { Trees } from "../../host/trees.ts";
import { versionsDir } from "../paths.ts";
import type { Target } from "../target.ts";

/** Returns a function that decides whether nginx answers an address of the target from elsewhere: from a version. */
export function answeredElsewhere(trees: Trees, { slug, key }: Target): (address: string) => boolean {
  if (key !== slug) return () => false;
  return (address) => {
    const [, first = "", ...below] = address.split("/");
    return first !== "" && below.length > 0 && trees.entry(`${versionsDir}/${slug}/${first}`) !== null;
  };
}
