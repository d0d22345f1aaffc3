// The settings of the cleanup, and how they are written.

import * as v from "valibot";
import type { HostReader } from "../../host/host.ts";
import { jsonRecord } from "../../problem/json-record.ts";
import { sizeText } from "../../text/size.ts";
import { cleanupPath } from "../paths.ts";
import type { Settings } from "./decide.ts";

/** A share of the disk suits small and large ones. */
export const defaultSettings: Settings = { keep: { share: 0.15 }, unusedForMs: null };

const dayMs = 86_400_000;

const settingsSchema = v.strictObject({
  keep: v.union(
    [
      v.strictObject({ bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) }),
      v.strictObject({ share: v.pipe(v.number(), v.gtValue(0), v.ltValue(1)) }),
    ],
    "it is neither a number of bytes nor a share between 0 and 1",
  ),
  unused_for_days: v.nullable(v.pipe(v.number(), v.gtValue(0))),
});

/** Returns the settings, or null if the cleanup is not enabled. Throws a Problem for an invalid file. */
export function readSettings(reader: HostReader): Settings | null {
  const found = jsonRecord(reader, cleanupPath, settingsSchema);
  if (found === null) return null;
  const { keep, unused_for_days: days } = found;
  return { keep, unusedForMs: days === null ? null : days * dayMs };
}

/** Returns the content of the file with these settings. */
export function settingsText({ keep, unusedForMs }: Settings): string {
  const days = unusedForMs === null ? null : unusedForMs / dayMs;
  return `${JSON.stringify({ keep, unused_for_days: days }, null, 2)}\n`;
}

/** Returns what the settings keep free, for people: "20.0 GiB", "15 %". */
export function keepText({ keep }: Settings): string {
  return "bytes" in keep ? sizeText(keep.bytes) : `${Math.round(keep.share * 1000) / 10} %`;
}
