// The previews of a project as a table for a terminal.

import { table } from "../../report/table.ts";
import { expiryText } from "../../sites/previews/expiry.ts";
import type { Project } from "../../sites/project.ts";
import { countOf } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { ageText } from "../../text/time.ts";
import { linesText, rootCommand, type View } from "../view.ts";
import type { PreviewPart } from "./preview-part.ts";

/** Returns a row for each preview, and the command that removes one. */
export function previewsText(
  { slug, enabled }: Project,
  previews: readonly PreviewPart[],
  nowMs: number,
  view: View,
): string {
  const [first] = previews;
  if (first === undefined) {
    const next = { argv: rootCommand(`project deploy ${slug} DIRECTORY --preview NAME`) };
    return linesText(view, { text: `No previews of ${slug}. Make one:`, next });
  }
  const unknown = view.glyph("unknown");
  const sizeOf = (bytes: number | null): string => (bytes === null ? unknown : sizeText(bytes));
  const rows = previews.map((preview) => {
    const { name, url, created, expires, bytes, own_bytes: own, branch, key, fault } = preview;
    const age = created === null ? unknown : ageText(Date.parse(created), nowMs);
    const end = fault === undefined ? expiryText(expires === null ? null : Date.parse(expires), nowMs) : unknown;
    return [name, url ?? "", age, end, sizeOf(own), sizeOf(bytes), branch ?? "", key ?? ""];
  });
  const heads = ["PREVIEW", "ADDRESS", "CREATED", "EXPIRES", "DIFFERS", "SIZE", "BRANCH", "KEY"];
  const own = previews.reduce((sum, { own_bytes }) => sum + (own_bytes ?? 0), 0);
  const total = `${countOf(previews.length, "preview")}, ${sizeText(own)} more than the live site. Remove one:`;
  const offline = enabled
    ? []
    : [{ mark: "absent" as const, text: `${slug} is disabled: its previews are offline too` }];
  const remove = { text: total, next: { argv: rootCommand(`project previews remove ${slug} ${first.name}`) } };
  return `${table(heads, rows, view.width)}\n${linesText(view, ...offline, remove)}`;
}
