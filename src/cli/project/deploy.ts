import { command } from "../command.ts";
import { slugArgument, slugOf } from "./record.ts";
import { release, releaseFlags } from "./release.ts";

export default command({
  meta: { name: "deploy", description: "publish a directory as a project's site" },
  args: {
    ...slugArgument,
    source: {
      type: "string",
      valueHint: "directory",
      description: "what is published; the record's source path without it",
    },
    ...releaseFlags,
  },
  async run(values, context) {
    const { deployOrder } = await import("../../projects/publish.ts");
    const slug = slugOf(values);
    const told = {
      command: "project deploy",
      id: "project.deploy",
      done: ({ dir }: { dir: string }) => `Deployed project ${slug} from ${values.source ?? dir}.`,
    };
    return release(
      slug,
      (project, choices, host, trees) => deployOrder(project, values.source ?? null, choices, host, trees),
      told,
      values,
      context,
    );
  },
});
