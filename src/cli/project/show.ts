import { contractLines } from "../../report/contract-lines.ts";
import { isRecord } from "../../sites/project.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "show",
    description: "Show the settings of a project",
    long: [
      "It prints the record of the project and the paths of its nginx site; at a terminal also that of its access log.",
      "With --json it lists the versions too, and prints the number of previews.",
      "An invalid record is printed as it is stored, so that you can repair it.",
    ],
    examples: ["sudo edox-ops project show docs", "sudo edox-ops project show docs --json"],
  },
  args: { ...slugArgument, json: outputFlags.json },
  async run(values, context) {
    const { vhostLinkPath, vhostPath } = await import("../../sites/serve/site.ts");
    const { theProject, theRecord } = await import("../../sites/store.ts");
    const [reader, slug] = [await context.host(), slugOf(values)];
    const found = await theRecord(reader, slug);
    // An invalid record is printed first, because an admin repairs it from its values.
    if ("reason" in found && !values.json)
      await context.console.out(contractLines(isRecord(found.value) ? found.value : {}).join(""));
    const project = await theProject(reader, slug);
    const { previewNames } = await import("../../sites/previews/present.ts");
    const previews = previewNames(reader, slug);
    const described = values.json ? await import("./versions/described.ts") : null;
    const versions = described?.describeVersions(reader, await context.trees(), project) ?? [];
    return printFound(context, values.json, {
      document: { projects: [project], versions, preview_count: previews.length },
      async view(view) {
        const { projectText } = await import("./show-view.ts");
        return projectText(project, { host: reader, trees: await context.trees(), previews }, view);
      },
      text() {
        // The lines of the contract come first in its order, then the keys that the Python version did not have.
        const { slug: name, domain, root_path, source_path, branch, owner_group, tls, enabled, ...more } = project;
        const record = { slug: name, domain, root_path, source_path, branch, owner_group, tls, enabled };
        const paths = { nginx_site: vhostPath(name), nginx_enabled_link: vhostLinkPath(name) };
        const isCounted = previews.length > 0 || project.previews !== undefined;
        const count = isCounted ? { preview_count: previews.length } : {};
        return contractLines({ ...record, ...paths, ...more, ...count }).join("");
      },
    });
  },
});
