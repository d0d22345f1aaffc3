import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "validate", description: "say whether a project is on this host as its record says" },
  args: slugArgument,
  async run(values, { console, host: loadHost, hint }) {
    const { gatherFacts } = await import("../../engine/facts.ts");
    const { lineOf, shellLine } = await import("../../engine/lines.ts");
    const { faultsOfAll } = await import("../../projects/health.ts");
    const { theRecord } = await import("../../projects/store.ts");
    const host = await loadHost();
    const slug = slugOf(values);
    await theRecord(host, slug);
    const faults = (await faultsOfAll(host, gatherFacts(host))).get(slug) ?? [];
    const lines = faults.map((fault) => {
      return lineOf`${fault.mild ? "WARN" : "FAIL"}: ${fault.detail} (run: ${shellLine(hint(fault.hint))})`;
    });
    const failed = faults.some(({ mild }) => !mild);
    console.err(lines.join(""));
    if (!failed) await console.out(`Project ${slug} validation passed.\n`);
    return failed ? exitCode.failed : exitCode.done;
  },
});
