// The sites of a bundle. They are streamed into a deploy and never stored in between.

import { Problem } from "../problem/problem.ts";
import { few } from "../text/lines.ts";
import type { Bundle } from "./reader.ts";
import { hintToShowBundle } from "./show-hint.ts";

/** A site of a bundle as the source of a deploy. */
export interface BundledSite {
  /** Its name in messages. */
  name: string;
  /** The path of the bundle. */
  bundle: string;
  /** Starts to read its tar in verified pieces. Throws a Problem at the first wrong one. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** Returns the site of this name. Throws a Problem that names the sites if there is none. */
export function siteIn(bundle: Pick<Bundle, "path" | "manifest" | "chunks">, name: string): BundledSite {
  const { sites } = bundle.manifest;
  const site = sites.find((each) => each.name === name);
  if (site !== undefined) {
    return { name: `${name} in ${bundle.path}`, bundle: bundle.path, chunks: () => bundle.chunks(site.path) };
  }
  const others = sites.length === 0 ? "it has no sites" : `it has ${few(sites.map((each) => each.name))}`;
  throw new Problem("not-found", `${bundle.path} does not contain a site ${name}: ${others}`, {
    hint: hintToShowBundle(bundle.path),
  });
}
