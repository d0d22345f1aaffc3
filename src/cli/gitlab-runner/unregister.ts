import { lineOf } from "../../engine/lines.ts";
import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { demandRoot, edit } from "../run.ts";

export default command({
  meta: { name: "unregister", description: "take a runner that edox-ops registered away, here and in GitLab" },
  args: {
    name: { type: "positional", description: "the runner's name" },
    url: {
      type: "string",
      valueHint: "url",
      description: "the GitLab of it, where several have a runner of this name",
    },
    force: { type: "boolean", description: "forget it here, though GitLab cannot be told" },
    ...editFlags,
  },
  async run(values, context) {
    const { theRunner, unregistration, wasMade } = await import("../../runner/unregister.ts");
    const { systemIdOf } = await import("../../runner/system-id.ts");
    const { forget } = await import("../../runner/gitlab.ts");
    const host = await context.host();
    const { name = "" } = values;
    const looks = values["dry-run"] === true || values.check === true;
    if (!looks) demandRoot(host, context);
    const known = theRunner(host, name, values.url, ["edox-ops", ...context.typed]);
    const { runner } = known;
    if (runner && !looks && !values.force) {
      const server = { url: runner.url, caPath: runner["tls-ca-file"] };
      const { token } = runner;
      const told = await forget(host, server, { token, systemId: systemIdOf(host), wasMade: wasMade(host, runner) });
      if (told === "gone") context.console.err(lineOf`warning: ${runner.url} did not know ${name} any more`);
    }
    return edit(() => unregistration(known), values, context);
  },
});
