// The broken links of a site as a table for a terminal.

import { table } from "../../report/table.ts";
import type { LinkReport } from "../../sites/addresses/link-check.ts";
import { linesText, type View } from "../view.ts";
import { problemText, summary } from "./check-links.ts";

/** More rows would scroll away. */
const mostRows = 200;

/** Returns the broken links by page, and the sentence about all links. */
export function linksTable(report: LinkReport, view: View): string {
  const { broken, listed } = report;
  const sentence = linesText(view, { mark: broken === 0 ? "done" : "failed", text: summary(report) });
  if (broken === 0) return sentence;
  const rows = listed.slice(0, mostRows).map((each) => [each.page, each.link, problemText(each)]);
  const more = broken - rows.length;
  const rest = more > 0 ? linesText(view, { text: `${more} more are not shown here: --json lists them.` }) : "";
  return `${table(["PAGE", "LINK", "PROBLEM"], rows, view.width)}\n${rest}${sentence}`;
}
