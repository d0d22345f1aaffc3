// The certificates as a table for a terminal. `--json` has the issuer, the serial and the other details.

import type { CertificateStatus, CertsStatus } from "../../certs/status.ts";
import { type Cell, table } from "../../report/table.ts";
import { countOf } from "../../text/lines.ts";
import { utcText } from "../../text/time.ts";
import { linesText, rootCommand, type View } from "../view.ts";

interface Certificates {
  status: CertsStatus;
  /** What is wrong, or could not be read. */
  warnings: readonly string[];
  /** The projects, which could have a certificate. */
  slugs: readonly string[];
}

/** Returns a row for each certificate, and what is known about renewals. */
export function certificatesText({ status, warnings, slugs }: Certificates, uid: number, view: View): string {
  const { certificates } = status;
  const notes = [...certificates.flatMap(hookNote), ...warnings].map((text) => ({ mark: "warning" as const, text }));
  if (certificates.length === 0 && uid === 0) {
    const [slug] = slugs;
    const first =
      slug === undefined ? "publish SLUG --domain docs.example.org --source DIRECTORY --tls" : `certs issue ${slug}`;
    return linesText(view, { text: "No certificates yet.", next: { argv: rootCommand(`project ${first}`) } }, ...notes);
  }
  const rows = certificates.map((each) => rowOf(each, view));
  return [
    ...(rows.length === 0 ? [] : [table(["NAME", "VALID UNTIL", "SERVED", "PROJECTS"], rows, view.width)]),
    linesText(view, { text: `Renewals: ${timerText(status)}` }, ...notes),
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
