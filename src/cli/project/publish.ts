import type { Draft } from "../../sites/project.ts";
import { usage } from "../arguments.ts";
import { contentFlags, withoutBundle } from "../bundle-content.ts";
import { command } from "../command.ts";
import { deployRelease } from "./deploy.ts";
import { editOf, newProject, recordFlags, slugArgument, slugOf } from "./record.ts";
import { type ReleaseCommand, runRelease } from "./release.ts";
import { releaseFlags, sourceFlags } from "./release-flags.ts";

const { domain, alias, csp, default: unknownNames, "owner-group": ownerGroup } = recordFlags;
const { "rate-limit": rateLimit, "real-ip-from": realIpFrom } = recordFlags;

export default command({
  meta: { name: "publish", description: "register a project, deploy it and serve it, all in one" },
  args: {
    ...slugArgument,
    ...sourceFlags,
    ...contentFlags("Publish the site of this name in an offline bundle"),
    ...{ domain, alias, csp, default: unknownNames, "owner-group": ownerGroup },
    ...{ "rate-limit": rateLimit, "real-ip-from": realIpFrom },
    ...releaseFlags,
  },
  async run(values, context) {
    const { publication } = await import("../../sites/deploy/publish.ts");
    const { applyEdit } = await import("../../sites/recipe.ts");
    const { privilegedRunners, sharedHostWarning } = await import("../../runner/shared-host.ts");
    const slug = slugOf(values);
    if (values.source === undefined && values.bundle === undefined) {
      throw usage("--source is missing", undefined, ["edox-ops", ...context.typed, "--source", "DIRECTORY"]);
    }
    const changes = editOf(values);
    // The flags change the record of an existing project, as those of update do.
    const after = (before: Draft | null): Draft => {
      return { ...applyEdit(before ?? newProject(slug, values, context), changes), enabled: true };
    };
    const shared = sharedHostWarning(await privilegedRunners(await context.host()), [slug]);
    const release: ReleaseCommand = {
      ...deployRelease(slug, values, context),
      warnings: shared === null ? [] : [shared],
      publication: (facts) => publication(slug, after, facts),
    };
    return runRelease(slug, release, withoutBundle(values), context);
  },
});
