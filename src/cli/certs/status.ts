import type { CertificateStatus } from "../../certs/status.ts";
import { contractLines } from "../../report/contract-lines.ts";
import { lineOf, shellLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { viewOf } from "../view.ts";

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
  args: { json: { type: "boolean", group: "Output", description: "Print one JSON document on stdout" } },
  async run(values, context) {
    const { certsStatus } = await import("../../certs/status.ts");
    const { console, hint } = context;
    const host = await context.host();
    const { status, faults } = await certsStatus(host);
    const isHidden = host.uid !== 0;
    const again = shellLine(hint(["sudo", "edox-ops", "certs", "status"]));
    const warnings = [...faults, ...(isHidden ? [`only root may read the certificates (run: ${again})`] : [])];
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      const outcome = isHidden ? "unknown" : "ok";
      const document = { command: "certs status", outcome, exit: exitCode.done } as const;
      await console.out(jsonOf({ ...document, ...(warnings.length > 0 && { warnings }), certs: status }));
      return exitCode.done;
    }
    const view = viewOf(context);
    if (view !== null) {
      const { certificatesText } = await import("./status-view.ts");
      await console.out(certificatesText({ status, warnings }, host.uid, view));
      return exitCode.done;
    }
    const { certificates, ...renewals } = status;
    const lines = [
      ...contractLines(renewals),
      ...certificates.flatMap(linesFor),
      ...warnings.map((each) => lineOf`certificates: ${each}`),
    ];
    await console.out(lines.join(""));
    return exitCode.done;
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
