import type { Requirement, Resource } from "../engine/step.ts";
import { aptFree } from "./apt-lock.ts";
import { sourcesReadable } from "./apt-readable.ts";
import { etcCommitted } from "./etckeeper.ts";

/** Nothing of the host keeps apt from installing, once these resources have removed what contradicts ours. */
export function aptUsable(...healing: Resource[]): Requirement[] {
  return [aptFree, sourcesReadable(...healing), etcCommitted];
}
