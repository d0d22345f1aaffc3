import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { linesText, printFound, rootCommand } from "../view.ts";

/** The command that registers the first runner of a host. It reads the token from stdin. */
const firstRunner = rootCommand("gitlab-runner register --profile ci --url https://gitlab.com --token -");

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
  args: { json: outputFlags.json },
  async run({ json }, context) {
    const { surveyConfig } = await import("../../runner/runners.ts");
    const { recordOf, readRecord, recordFaults } = await import("../../runner/record.ts");
    const { lineOf, oneLine } = await import("../../text/lines.ts");
    const host = await context.host();
    const record = readRecord(host);
    const config = surveyConfig(host);
    const runners = config.runners.map((runner) => {
      const { name, url, executor } = runner;
      return { name, url, executor, ours: recordOf(record, runner) !== null };
    });
    const faults = [...config.invalid, ...recordFaults(record)];
    if (!json) for (const fault of faults) context.console.err(`warning: ${oneLine(fault)}\n`);
    return printFound(context, json, {
      document: { ...(faults.length > 0 && { warnings: faults }), runners },
      async view(view) {
        if (runners.length === 0) {
          const { runnerProgram } = await import("../../runner/service.ts");
          const argv = runnerProgram(host) === null ? rootCommand("gitlab-runner prepare-ci-host") : firstRunner;
          return linesText(view, { text: "No runners yet.", next: { argv } });
        }
        const { table } = await import("../../report/table.ts");
        const rows = runners.map(({ name, url, executor, ours }) => {
          return [name, url, executor, ours ? "edox-ops" : "foreign"];
        });
        return table(["NAME", "GITLAB", "EXECUTOR", "OWNER"], rows, view.width);
      },
      text() {
        const lines = runners.map(({ name, url, executor, ours }) => {
          return lineOf`${name}\t${url}\t${executor}\t${ours ? "ours" : "foreign"}`;
        });
        return lines.join("") || "No runners.\n";
      },
    });
  },
});
