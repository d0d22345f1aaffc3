import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { linesText, printFound } from "../view.ts";

export default command({
  meta: {
    name: "report",
    description: "Write a page about the last 30 days of this host",
    long: [
      "It draws free disk space, deploys and failing checks from what the runs of watch run have recorded.",
      "The page is one HTML file without scripts, which requests nothing from other hosts.",
      "You can publish it as a project, in a directory of its own.",
    ],
    examples: ["sudo edox-ops watch report report.html", "sudo edox-ops watch report /srv/status/index.html --json"],
  },
  args: {
    file: { type: "positional", valueHint: "file", description: "The file to write; an existing one is replaced" },
    json: outputFlags.json,
  },
  async run(values, context) {
    const { writeReport } = await import("../../watch/report/write.ts");
    const host = await context.host();
    const path = String(values.file);
    const report = writeReport(host, path);
    return printFound(context, values.json, {
      document: { report },
      view: (view) => linesText(view, { mark: "done", text: `The report is in ${path}` }),
      text: () => lineOf`The report is in ${path}.`,
    });
  },
});
