import { command, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";
import { type Release, release, releaseFlags, sourceFlags } from "./release.ts";

/** Returns the release of what was typed as the source. */
export function deployRelease(command: string, slug: string, values: Values, context: Context): Release {
  const { source, subdir } = values as { source?: string; subdir?: string };
  // Root's links, and those of the person who typed sudo.
  const trusted = [0, Number(context.variable("SUDO_UID") ?? 0)];
  const given = { source: source ?? null, subdir: subdir ?? null, trusted };
  return {
    command,
    id: "project.deploy",
    done: (from) => `Deployed project ${slug} from ${from}.`,
    async orderOf(project, choices, host, trees) {
      const { deployOrder } = await import("../../projects/publish.ts");
      return deployOrder(project, given, choices, host, trees);
    },
  };
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
  async run(values, context) {
    const slug = slugOf(values);
    return release(slug, deployRelease("project deploy", slug, values, context), values, context);
  },
});
