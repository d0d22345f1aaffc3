import type { CertificateStatus } from "../../certs/status.ts";
import { contractLines } from "../../report/contract-lines.ts";
import { lineOf, shellLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";

export default command({
  meta: {
    name: "status",
    description: "Show each certificate and its renewal (read-only)",
    long: [
      "Each certificate is listed with its names, its expiry date and the projects that use it.",
      "The serial number on port 443 shows whether nginx serves exactly this certificate.",
      "Reading the certificates needs root.",
    ],
    examples: ["sudo edox-ops certs status", "sudo edox-ops certs status --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const { certsStatus } = await import("../../certs/status.ts");
    const { hint } = context;
    const host = await context.host();
    const { status, faults } = await certsStatus(host);
    const isHidden = host.uid !== 0;
    const again = shellLine(hint(["sudo", "edox-ops", "certs", "status"]));
    const warnings = [...faults, ...(isHidden ? [`only root may read the certificates (run: ${again})`] : [])];
    return printFound(context, values.json, {
      document: { ...(warnings.length > 0 && { warnings }), certs: status },
      outcome: isHidden ? "unknown" : "ok",
      async view(view) {
        const { certificatesText } = await import("./status-view.ts");
        const isFirst = status.certificates.length === 0 && !isHidden;
        const slugs = isFirst
          ? [...(await (await import("../../sites/store.ts")).readRecords(host)).projects.keys()]
          : [];
        return certificatesText({ status, warnings, slugs }, host.uid, view);
      },
      text() {
        const { certificates, ...renewals } = status;
        return [
          ...contractLines(renewals),
          ...certificates.flatMap(linesFor),
          ...warnings.map((each) => lineOf`certificates: ${each}`),
        ].join("");
      },
    });
  },
});

function linesFor(each: CertificateStatus): string[] {
  const { name, certificate, served, served_serial, projects, hook } = each;
  const parts = [
    ...(certificate === null ? [] : [describe(certificate)]),
    each.webroots.length > 0 ? `webroot ${each.webroots.join(" ")}` : each.authenticator,
    `from ${each.server}`,
    `projects: ${projects === null ? "unknown" : projects.join(" ") || "none"}`,
    `served: ${served === null ? "unknown" : served ? "yes" : served_serial === null ? "no" : `no, ${served_serial}`}`,
    `hook: ${hook === null ? "not run" : [hook.result, hook.at, hook.reason].filter(Boolean).join(" ")}`,
  ];
  return [lineOf`certificate ${name}: ${parts.join("; ")}`];
}

function describe(certificate: NonNullable<CertificateStatus["certificate"]>): string {
  const { names, issuer, serial, key_type, not_after, days_left, lifetime_left } = certificate;
  const left = `${days_left} days and ${Math.floor(lifetime_left * 100)} % of its lifetime left`;
  return `${names.join(" ")}; issuer ${issuer}; serial ${serial}; ${key_type}; until ${not_after}, ${left}`;
}
