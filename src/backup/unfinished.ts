// The mark of restores that are not complete: they may have restored files without all that these need.

import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { type Restorable, restorable } from "./fetched.ts";
import { incompletePath } from "./paths.ts";

/** Returns the parts that an earlier restore has not completed. */
export function unfinishedParts(reader: HostReader): Restorable[] {
  const names = (textOf(reader, incompletePath) ?? "").trim().split(",");
  return restorable.filter((part) => names.includes(part));
}

/** Records that these parts are not complete; none removes the mark. */
export function markUnfinished(host: Host, parts: readonly Restorable[]): void {
  if (parts.length === 0) {
    host.remove(incompletePath);
    return;
  }
  const text = new TextEncoder().encode(parts.join(","));
  host.writeFile(incompletePath, text, { mode: 0o600, uid: host.uid, gid: host.uid });
}
