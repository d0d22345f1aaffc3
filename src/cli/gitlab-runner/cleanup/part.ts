// The part of the document about a cleanup.

import type { Document } from "../../../report/schema.ts";
import type { Candidate, Settings } from "../../../runner/cleanup/decide.ts";
import { wantedBytes } from "../../../runner/cleanup/decide.ts";
import type { DataRoom } from "../../../runner/cleanup/inventory.ts";

type Part = NonNullable<Document["cleanup"]>;

const dayMs = 86_400_000;

/** Returns the settings and the disks. */
export function settingsPart(settings: Settings, rooms: readonly DataRoom[]): Part {
  const { unusedForMs } = settings;
  return {
    enabled: true,
    disks: rooms.map((room) => {
      const { path, free, size } = room;
      return { path, bytes: size, bytes_free: free, bytes_wanted: wantedBytes(settings, room) };
    }),
    unused_for_days: unusedForMs === null ? null : unusedForMs / dayMs,
  };
}

/** Returns something that may be removed. */
export function removablePart({ kind, id, name, bytes, usedMs }: Candidate): NonNullable<Part["removable"]>[number] {
  return { kind, id, name, bytes, last_used: new Date(Math.floor(usedMs)).toISOString() };
}
