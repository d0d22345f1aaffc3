import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { viewOf } from "../view.ts";

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
  args: { json: { type: "boolean", group: "Output", description: "Print one JSON document on stdout" } },
  async run({ json }, context) {
    const { readRecords } = await import("../../sites/store.ts");
    const { console } = context;
    const host = await context.host();
    const records = await readRecords(host);
    const { projects: valid, broken } = records;
    if (json) {
      const { jsonOf } = await import("../../report/json.ts");
      const projects = [...valid.values()];
      const invalid = [...broken].map(([slug, { reason }]) => ({ slug, reason }));
      const more = invalid.length > 0 ? { invalid } : {};
      await console.out(jsonOf({ command: "project list", outcome: "ok", exit: exitCode.done, projects, ...more }));
      return exitCode.done;
    }
    const view = viewOf(context);
    if (view !== null) {
      const { projectsText } = await import("./list-view.ts");
      await console.out(projectsText(records, { host, trees: await context.trees() }, view));
      return exitCode.done;
    }
    const lines = [
      ...[...valid.values()].map(({ slug, domain, root_path, enabled }) => {
        return lineOf`${slug}\t${domain}\t${root_path}\t${enabled ? "enabled" : "disabled"}`;
      }),
      ...[...broken].map(([key, { reason }]) => lineOf`${key}\t-\t-\tinvalid: ${reason}`),
    ].sort();
    await console.out(lines.join("") || "No managed projects.\n");
    return exitCode.done;
  },
});
