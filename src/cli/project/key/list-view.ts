import { isExpired } from "../../../deploy-keys/admission.ts";
import { type DeployKey, idOf } from "../../../deploy-keys/record.ts";
import { table } from "../../../report/table.ts";
import { countOf, lineOf } from "../../../text/lines.ts";
import { sizeText } from "../../../text/size.ts";
import { utcText } from "../../../text/time.ts";
import { linesText, rootCommand, type View } from "../../view.ts";

/** Returns a line for each key. */
export function keysText(keys: readonly DeployKey[], nowMs: number): string {
  if (keys.length === 0) return "No deploy keys.\n";
  return keys.map((key) => lineOf`${idOf(key)}\t${key.fingerprint}\t${limitsOf(key, nowMs)}`).join("");
}

/** Returns a table for a terminal, or the command that adds a key. */
export function keysTable(keys: readonly DeployKey[], slug: string | null, nowMs: number, view: View): string {
  if (keys.length === 0) {
    const next = { argv: rootCommand(`project key add ${slug ?? "SLUG"} --generate`) };
    return linesText(view, { text: "No deploy keys. Add one:", next });
  }
  const rows = keys.map((key) => [idOf(key), key.fingerprint, limitsOf(key, nowMs)]);
  return table(["KEY", "FINGERPRINT", "LIMITS"], rows, view.width);
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
