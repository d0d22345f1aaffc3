import { command } from "../command.ts";
import { exitCode } from "../context.ts";
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
  args: slugArgument,
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
    const lines = [...faults.filter((fault) => !isConsequence(fault)), ...faults.filter(isConsequence)].map((fault) => {
      const end = isConsequence(fault) ? "follows from what is above" : `run: ${shellLine(hint(fault.hint))}`;
      return lineOf`${failures.includes(fault) ? "FAIL" : "WARN"}: ${fault.detail} (${end})`;
    });
    console.err(lines.join(""));
    if (failures.length > 0) return exitCode.failed;
    const unknown = faults.filter((fault) => fault.unknown).length;
    const again = shellLine(hint(["sudo", "edox-ops", "project", "validate", slug]));
    await console.out(
      unknown > 0
        ? lineOf`Project ${slug}: no check failed, but ${unknown} could not be checked (run: ${again}).`
        : `Project ${slug} validation passed.\n`,
    );
    return exitCode.done;
  },
});
