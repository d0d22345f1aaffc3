import { isExpired } from "../../../deploy-keys/admission.ts";
import { type DeployKey, idOf } from "../../../deploy-keys/record.ts";
import { countOf, lineOf } from "../../../text/lines.ts";
import { sizeText } from "../../../text/size.ts";
import { utcText } from "../../../text/time.ts";

/** Returns a line for each key. */
export function keysText(keys: readonly DeployKey[], nowMs: number): string {
  if (keys.length === 0) return "No deploy keys.\n";
  return keys.map((key) => lineOf`${idOf(key)}\t${key.fingerprint}\t${limitsOf(key, nowMs)}`).join("");
}

function limitsOf(key: DeployKey, nowMs: number): string {
  const { from, expires, previews_only, max_size, max_files, rate } = key;
  return [
    ...(previews_only ? ["previews only"] : []),
    ...(from === undefined ? [] : [`from ${from.join(", ")}`]),
    ...(expires === undefined
      ? []
      : [`${isExpired(key, nowMs) ? "expired" : "expires"} ${utcText(Date.parse(expires))}`]),
    `${sizeText(max_size)}, ${countOf(max_files, "file")}, ${rate}/h`,
  ].join("; ");
}
