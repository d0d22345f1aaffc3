// The certificates as a table for a terminal. `--json` has the issuer, the serial and the other details.

import type { CertificateStatus, CertsStatus } from "../../certs/status.ts";
import { type Cell, table } from "../../report/table.ts";
import { wrap } from "../../report/wrap.ts";
import { countOf, oneLine } from "../../text/lines.ts";
import { utcText } from "../../text/time.ts";
import { nextText, rootCommand, type View } from "../view.ts";

interface Certificates {
  status: CertsStatus;
  /** What is wrong, or could not be read. */
  warnings: readonly string[];
}

/** Returns a row for each certificate, and what is known about renewals. */
export function certificatesText({ status, warnings }: Certificates, uid: number, view: View): string {
  const { certificates } = status;
  const notes = [...certificates.flatMap(hookNote), ...warnings];
  const shown = notes.map((note) => `${wrap(oneLine(`${view.glyph("warning")} ${note}`), view.width, 2)}\n`);
  if (certificates.length === 0 && uid === 0) {
    const issue = rootCommand("project certs issue SLUG");
    return nextText(view, "No certificates yet.", issue) + shown.join("");
  }
  const rows = certificates.map((each) => rowOf(each, view));
  const renewals = wrap(`Renewals: ${timerText(status)}`, view.width, 2);
  return [
    ...(rows.length === 0 ? [] : [table(["NAME", "VALID UNTIL", "SERVED", "PROJECTS"], rows, view.width)]),
    `${renewals}\n${shown.join("")}`,
  ].join("\n");
}

function rowOf({ name, certificate, served, projects }: CertificateStatus, { paint, glyph }: View): Cell[] {
  const until = certificate === null ? glyph("unknown") : untilText(certificate);
  const isServed: Cell =
    served === null
      ? glyph("unknown")
      : { text: served ? "yes" : "no", paint: (text) => paint(served ? "ok" : "failed", text) };
  return [name, until, isServed, projects === null ? glyph("unknown") : projects.join(" ") || "none"];
}

function untilText({ not_after, days_left }: NonNullable<CertificateStatus["certificate"]>): string {
  const left = days_left < 0 ? "expired" : countOf(days_left, "day");
  return `${not_after.slice(0, 10)} (${left})`;
}

function hookNote({ name, hook }: CertificateStatus): string[] {
  return hook?.result === "failed" ? [`${name}: nginx did not load the last renewal: ${hook.reason}`] : [];
}

function timerText({ timer_active, next_run, last_result }: CertsStatus): string {
  if (timer_active === null) return "unknown, systemd does not answer";
  if (!timer_active) return "no timer is active";
  const last = last_result === null ? "" : `, last result ${last_result}`;
  return next_run === null ? `timer active${last}` : `next run ${utcText(Date.parse(next_run))}${last}`;
}
