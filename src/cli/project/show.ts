import { isRecord } from "../../sites/project.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "show", description: "show a project's record and the paths of its nginx site" },
  args: { ...slugArgument, json: { type: "boolean", description: "print one JSON document on stdout" } },
  async run(values, { console, host }) {
    const { vhostLinkPath, vhostPath } = await import("../../sites/serve/site.ts");
    const { theProject, theRecord } = await import("../../sites/store.ts");
    const [reader, slug] = [await host(), slugOf(values)];
    const found = await theRecord(reader, slug);
    // An invalid record is printed first, because an admin repairs it from its values.
    if ("reason" in found && !values.json) await console.out(linesOf(isRecord(found.value) ? found.value : {}));
    const project = await theProject(reader, slug);
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      await console.out(jsonOf({ command: "project show", outcome: "ok", exit: exitCode.done, projects: [project] }));
      return exitCode.done;
    }
    // The lines of the contract come first in its order, then the keys that the Python version did not have.
    const { slug: name, domain, root_path, source_path, branch, owner_group, tls, enabled, ...more } = project;
    const record = { slug: name, domain, root_path, source_path, branch, owner_group, tls, enabled };
    const paths = { nginx_site: vhostPath(name), nginx_enabled_link: vhostLinkPath(name) };
    await console.out(linesOf({ ...record, ...paths, ...more }));
    return exitCode.done;
  },
});

function linesOf(values: object): string {
  const lines = Object.entries(values).map(([key, value]) => lineOf`${key}: ${shownValue(value)}`);
  return lines.join("");
}

/** Formats a value as the Python version did, because scripts read these lines. */
function shownValue(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
