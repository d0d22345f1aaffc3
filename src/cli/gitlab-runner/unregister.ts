import { command } from "../command.ts";
import { editFlags } from "../flags.ts";
import { change, demandRoot } from "../run.ts";

const lockWaitMs = 30_000;

export default command({
  meta: { name: "unregister", description: "take a runner that edox-ops registered away, here and in GitLab" },
  args: {
    name: { type: "positional", description: "the runner's name" },
    force: { type: "boolean", description: "forget it here, though GitLab cannot be told" },
    ...editFlags,
  },
  async run(values, context) {
    const { systemIdOf, theRunner, unregistration } = await import("../../runner/register.ts");
    const { forget } = await import("../../runner/gitlab.ts");
    const host = await context.host();
    const name = values.name ?? "";
    const looks = values["dry-run"] === true || values.check === true;
    if (!looks) demandRoot(host, context);
    const runner = theRunner(host, name);
    if (!looks && !values.force) {
      const server = { url: runner.url, caPath: runner["tls-ca-file"] };
      const told = await forget(host, server, runner.token, systemIdOf(host));
      if (told === "gone") context.console.err(`warning: ${runner.url} did not know ${name} any more\n`);
    }
    return change(() => unregistration(name), { ...values, yes: true }, context, lockWaitMs);
  },
});
