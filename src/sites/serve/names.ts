// The names that a site answers to now.

import type { HostReader } from "../../host/host.ts";
import { namesOf } from "../project.ts";
import { theRecord } from "../store.ts";
import { vhostLinkPath } from "./site.ts";

/** Returns the names that nginx serves a project under; none if its site is not enabled in nginx. */
export async function servedNames(reader: HostReader, slug: string): Promise<string[]> {
  if (reader.stat(vhostLinkPath(slug)) === null) return [];
  const record = await theRecord(reader, slug);
  // The names of a record that is not valid are not known.
  return "project" in record ? namesOf(record.project) : [slug];
}
