import type { Resource } from "../engine/step.ts";
import type { Requirement } from "../problem/requirement.ts";
import { aptFree } from "./apt-lock.ts";
import { sourcesReadable } from "./apt-readable.ts";
import { etcCommitted } from "./etckeeper.ts";

/** Returns the requirements of an apt installation, once these resources have removed what conflicts with ours. */
export function aptUsable(...healing: Resource[]): Requirement[] {
  return [aptFree, sourcesReadable(...healing), etcCommitted];
}
