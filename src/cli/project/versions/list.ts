import { theProject } from "../../../sites/store.ts";
import { lineOf } from "../../../text/lines.ts";
import { command } from "../../command.ts";
import { outputFlags } from "../../flags.ts";
import { printFound } from "../../view.ts";
import { slugArgument, slugOf } from "../record.ts";
import { describeVersions } from "./described.ts";

export default command({
  meta: {
    name: "list",
    description: "List the versions of a site, newest first",
    long: [
      "Each version is listed with its aliases, its title and its path.",
      "The default version is the one that addresses without a version lead to.",
    ],
    examples: ["sudo edox-ops project versions list docs", "sudo edox-ops project versions list docs --json"],
  },
  args: { ...slugArgument, json: outputFlags.json },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const project = await theProject(host, slugOf(values));
    const versions = describeVersions(host, trees, project);
    return printFound(context, values.json, {
      document: { versions },
      async view(view) {
        const { versionsText } = await import("./view.ts");
        return versionsText({ project, versions, nowMs: host.now() }, view);
      },
      text() {
        const lines = versions.map(({ version, aliases, is_default, title, path }) => {
          const marks = [...aliases, ...(is_default ? ["(default)"] : [])].join(",") || "-";
          return lineOf`${version}\t${marks}\t${title}\t${path}`;
        });
        return lines.join("") || "No versions of this project.\n";
      },
    });
  },
});
