import { command } from "../command.ts";
import { exitCode } from "../context.ts";

export default command({
  meta: { name: "list", description: "list the projects: slug, domain, root path, enabled or disabled" },
  args: { json: { type: "boolean", description: "print one JSON document on stdout" } },
  async run({ json }, { console, host }) {
    const { readProjects } = await import("../../projects/store.ts");
    const projects = [...(await readProjects(await host())).values()];
    if (json) {
      const { jsonOf } = await import("../../report/json.ts");
      await console.out(jsonOf({ command: "project list", outcome: "ok", exit: exitCode.done, projects }));
      return exitCode.done;
    }
    const lines = projects.map(({ slug, domain, root_path, enabled }) => {
      return `${[slug, domain, root_path, enabled ? "enabled" : "disabled"].join("\t")}\n`;
    });
    await console.out(lines.join("") || "No managed projects.\n");
    return exitCode.done;
  },
});
