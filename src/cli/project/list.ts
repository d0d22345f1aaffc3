import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";

export default command({
  meta: {
    name: "list",
    description: "List all projects",
    long: [
      "Each project is listed with its domain, its directory and whether it is enabled.",
      "An invalid record is listed with the reason.",
      "Reading the records needs root.",
    ],
    examples: ["sudo edox-ops project list", "sudo edox-ops project list --json"],
  },
  args: { json: outputFlags.json },
  async run({ json }, context) {
    const { readRecords } = await import("../../sites/store.ts");
    const host = await context.host();
    const records = await readRecords(host);
    const { projects: valid, broken } = records;
    const projects = [...valid.values()];
    const invalid = [...broken].map(([slug, { reason }]) => ({ slug, reason }));
    return printFound(context, json, {
      document: { projects, ...(invalid.length > 0 && { invalid }) },
      async view(view) {
        const { projectsText } = await import("./list-view.ts");
        return projectsText(records, { host, trees: await context.trees() }, view);
      },
      text() {
        const lines = [
          ...projects.map(({ slug, domain, root_path, enabled }) => {
            return lineOf`${slug}\t${domain}\t${root_path}\t${enabled ? "enabled" : "disabled"}`;
          }),
          ...invalid.map(({ slug, reason }) => lineOf`${slug}\t-\t-\tinvalid: ${reason}`),
        ];
        return lines.sort().join("") || "No managed projects.\n";
      },
    });
  },
});
