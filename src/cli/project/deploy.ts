import { command } from "../command.ts";
import { slugArgument, slugOf } from "./record.ts";
import { release, releaseFlags, sourceFlags } from "./release.ts";

export default command({
  meta: {
    name: "deploy",
    description: "publish a directory or an archive as a project's site; without --source that of its record",
  },
  args: {
    ...slugArgument,
    ...sourceFlags,
    ...releaseFlags,
  },
  async run(values, context) {
    const { deployOrder } = await import("../../projects/publish.ts");
    const slug = slugOf(values);
    const given = { source: values.source ?? null, subdir: values.subdir ?? null };
    const told = {
      command: "project deploy",
      id: "project.deploy",
      done: (name: string) => `Deployed project ${slug} from ${name}.`,
    };
    return release(
      slug,
      (project, choices, host, trees) => deployOrder(project, given, choices, host, trees),
      told,
      values,
      context,
    );
  },
});
