import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { nextText, rootCommand, viewOf } from "../view.ts";

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
    const { console } = context;
    const host = await context.host();
    const record = readRecord(host);
    const config = surveyConfig(host);
    const runners = config.runners.map((runner) => {
      const { name, url, executor } = runner;
      return { name, url, executor, ours: recordOf(record, runner) !== null };
    });
    const faults = [...config.invalid, ...recordFaults(record)];
    if (json) {
      const { jsonOf } = await import("../../report/json.ts");
      const document = { command: "gitlab-runner list", outcome: "ok", exit: exitCode.done } as const;
      await console.out(jsonOf({ ...document, ...(faults.length > 0 && { warnings: faults }), runners }));
      return exitCode.done;
    }
    for (const fault of faults) console.err(`warning: ${oneLine(fault)}\n`);
    const view = viewOf(context);
    if (view === null) {
      const lines = runners.map(({ name, url, executor, ours }) => {
        return lineOf`${name}\t${url}\t${executor}\t${ours ? "ours" : "foreign"}`;
      });
      await console.out(lines.length === 0 ? "No runners.\n" : lines.join(""));
    } else if (runners.length === 0) {
      await console.out(nextText(view, "No runners yet.", firstRunner));
    } else {
      const { table } = await import("../../report/table.ts");
      const rows = runners.map(({ name, url, executor, ours }) => [name, url, executor, ours ? "edox-ops" : "foreign"]);
      await console.out(table(["NAME", "GITLAB", "EXECUTOR", "OWNER"], rows, view.width));
    }
    return exitCode.done;
  },
});
