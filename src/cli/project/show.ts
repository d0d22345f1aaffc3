import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "show", description: "show a project's record and the paths of its nginx site" },
  args: { ...slugArgument, json: { type: "boolean", description: "print one JSON document on stdout" } },
  async run(values, { console, host }) {
    const { vhostLinkPath, vhostPath } = await import("../../projects/site.ts");
    const { theProject } = await import("../../projects/store.ts");
    const project = await theProject(await host(), slugOf(values));
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      await console.out(jsonOf({ command: "project show", outcome: "ok", exit: exitCode.done, projects: [project] }));
      return exitCode.done;
    }
    const paths = { nginx_available: vhostPath(project.slug), nginx_enabled: vhostLinkPath(project.slug) };
    const lines = Object.entries({ ...project, ...paths }).map(([key, value]) => `${key}: ${shown(value)}\n`);
    await console.out(lines.join(""));
    return exitCode.done;
  },
});

/** As the Python version spelled them: scripts read these lines. */
function shown(value: unknown): string {
  if (value === null) return "None";
  return typeof value === "boolean" ? (value ? "True" : "False") : String(value);
}
