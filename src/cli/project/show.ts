import { contractLines } from "../../report/contract-lines.ts";
import { isRecord } from "../../sites/project.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { viewOf } from "../view.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "show",
    description: "Show the settings of a project",
    long: [
      "It prints the record of the project and the paths of its nginx site.",
      "An invalid record is printed as it is stored, so that you can repair it.",
    ],
    examples: ["sudo edox-ops project show docs", "sudo edox-ops project show docs --json"],
  },
  args: {
    ...slugArgument,
    json: { type: "boolean", group: "Output", description: "Print one JSON document on stdout" },
  },
  async run(values, context) {
    const { console } = context;
    const { vhostLinkPath, vhostPath } = await import("../../sites/serve/site.ts");
    const { theProject, theRecord } = await import("../../sites/store.ts");
    const [reader, slug] = [await context.host(), slugOf(values)];
    const found = await theRecord(reader, slug);
    // An invalid record is printed first, because an admin repairs it from its values.
    if ("reason" in found && !values.json)
      await console.out(contractLines(isRecord(found.value) ? found.value : {}).join(""));
    const project = await theProject(reader, slug);
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      await console.out(jsonOf({ command: "project show", outcome: "ok", exit: exitCode.done, projects: [project] }));
      return exitCode.done;
    }
    const view = viewOf(context);
    if (view !== null) {
      const { projectText } = await import("./show-view.ts");
      await console.out(projectText(project, { host: reader, trees: await context.trees() }, view));
      return exitCode.done;
    }
    // The lines of the contract come first in its order, then the keys that the Python version did not have.
    const { slug: name, domain, root_path, source_path, branch, owner_group, tls, enabled, ...more } = project;
    const record = { slug: name, domain, root_path, source_path, branch, owner_group, tls, enabled };
    const paths = { nginx_site: vhostPath(name), nginx_enabled_link: vhostLinkPath(name) };
    await console.out(contractLines({ ...record, ...paths, ...more }).join(""));
    return exitCode.done;
  },
});
