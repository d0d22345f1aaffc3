import type { Finding } from "../../engine/finding.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "validate",
    description: "Check a project on this host (read-only)",
    long: [
      "It compares the files, the nginx site and the certificate with the project's settings.",
      "Each problem is printed with the command that fixes it.",
      "For the whole host, use doctor.",
    ],
    examples: ["sudo edox-ops project validate docs"],
  },
  args: { ...slugArgument, json: outputFlags.json },
  async run(values, { console, host: loadHost, hint }) {
    const { gatherFacts } = await import("../../engine/facts.ts");
    const { lineOf, shellLine } = await import("../../text/lines.ts");
    const { faultsOfAll, nginxFaults } = await import("../../sites/health.ts");
    const { theRecord } = await import("../../sites/store.ts");
    const host = await loadHost();
    const slug = slugOf(values);
    const record = await theRecord(host, slug);
    const isServed = "project" in record && record.project.enabled;
    const faults = [
      ...(isServed ? await nginxFaults(host, slug) : []),
      ...((await faultsOfAll(host, gatherFacts(host))).get(slug) ?? []),
    ];
    const failures = faults.filter(({ mild, unknown }) => !mild && !unknown);
    const hasCause = failures.some(({ follows }) => !follows);
    const isConsequence = (fault: (typeof faults)[number]): boolean => hasCause && fault.follows === true;
    const sorted = [...faults.filter((fault) => !isConsequence(fault)), ...faults.filter(isConsequence)];
    const unknown = faults.filter((fault) => fault.unknown).length;
    if (values.json) {
      const { findingsOf, jsonOf } = await import("../../report/json.ts");
      const { styleOf } = await import("../../report/style.ts");
      const name = `project:${slug}`;
      const findings = sorted.map((fault): Finding => {
        const status = fault.unknown ? "unknown" : fault.mild ? "warning" : "error";
        return { name, status, detail: fault.detail, hint: fault.hint, ...(isConsequence(fault) && { follows: name }) };
      });
      const outcome = failures.length > 0 ? "failed" : unknown > 0 ? "unknown" : "ok";
      const exit = failures.length > 0 ? exitCode.failed : exitCode.done;
      const shown = findingsOf(findings, styleOf({ colour: false, hint }));
      await console.out(jsonOf({ command: "project validate", outcome, exit, findings: shown }));
      return exit;
    }
    const lines = sorted.map((fault) => {
      const end = isConsequence(fault) ? "follows from what is above" : `run: ${shellLine(hint(fault.hint))}`;
      return lineOf`${failures.includes(fault) ? "FAIL" : "WARN"}: ${fault.detail} (${end})`;
    });
    console.err(lines.join(""));
    if (failures.length > 0) return exitCode.failed;
    const again = shellLine(hint(["sudo", "edox-ops", "project", "validate", slug]));
    await console.out(
      unknown > 0
        ? lineOf`Project ${slug}: no check failed, but ${unknown} could not be checked (run: ${again}).`
        : `Project ${slug} validation passed.\n`,
    );
    return exitCode.done;
  },
});
