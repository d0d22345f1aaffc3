import { command } from "../command.ts";
import { exitCode } from "../context.ts";

export default command({
  meta: {
    name: "list",
    description: "List the runners of this host",
    long: [
      "Each runner is listed with its name, its GitLab instance, its executor and whether edox-ops registered it.",
      "Reading the configuration of GitLab Runner needs root.",
    ],
    examples: ["sudo edox-ops gitlab-runner list"],
  },
  args: {},
  async run(_, { console, host: loadHost }) {
    const { surveyConfig } = await import("../../runner/runners.ts");
    const { recordOf, readRecord, recordFaults } = await import("../../runner/record.ts");
    const { lineOf, oneLine } = await import("../../text/lines.ts");
    const host = await loadHost();
    const record = readRecord(host);
    const { runners, invalid } = surveyConfig(host);
    const lines = runners.map((runner) => {
      const { name, url, executor } = runner;
      return lineOf`${name}\t${url}\t${executor}\t${recordOf(record, runner) ? "ours" : "foreign"}`;
    });
    for (const fault of [...invalid, ...recordFaults(record)]) console.err(`warning: ${oneLine(fault)}\n`);
    await console.out(lines.length === 0 ? "No runners.\n" : lines.join(""));
    return exitCode.done;
  },
});
