import { command, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";
import { release, releaseFlags, sourceFlags } from "./release.ts";

/** What was typed of a source becomes the site. */
export async function deployGiven(name: string, slug: string, values: Values, context: Context): Promise<number> {
  const { deployOrder } = await import("../../projects/publish.ts");
  const { source, subdir } = values as { source?: string; subdir?: string };
  // Root's links, and those of the person who typed sudo.
  const trusted = [0, Number(context.variable("SUDO_UID") ?? 0)];
  const given = { source: source ?? null, subdir: subdir ?? null, trusted };
  const told = {
    command: name,
    id: "project.deploy",
    done: (from: string) => `Deployed project ${slug} from ${from}.`,
  };
  return release(
    slug,
    (project, choices, host, trees) => deployOrder(project, given, choices, host, trees),
    told,
    values,
    context,
  );
}

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
  run: async (values, context) => deployGiven("project deploy", slugOf(values), values, context),
});
