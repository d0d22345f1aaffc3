import { lineOf } from "../../engine/lines.ts";
import { Problem } from "../../engine/step.ts";
import { sitesEnabledDir } from "../../recipes/paths.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { demandRoot, edit } from "../run.ts";
import { deployGiven } from "./deploy.ts";
import { editOf, newProject, recordFlags, slugArgument, slugOf } from "./record.ts";
import { releaseFlags, sourceFlags } from "./release.ts";

const { domain, csp, default: unknownNames, "owner-group": ownerGroup } = recordFlags;
const { "dry-run": _, diff: __, json: ___, ...deployFlags } = releaseFlags;

export default command({
  meta: { name: "publish", description: "register a project, deploy it and serve it, all in one" },
  args: {
    ...slugArgument,
    ...sourceFlags,
    ...{ domain, csp, default: unknownNames, "owner-group": ownerGroup },
    ...deployFlags,
  },
  async run(values, context) {
    const { addProject, enableProject, initProject, updateProject } = await import("../../projects/recipes.ts");
    const { frontPage, urlOf } = await import("../../projects/answer.ts");
    const { draftOf, theProject } = await import("../../projects/store.ts");
    const { privilegedRunners, sharedHostWarning } = await import("../../runner/shared-host.ts");
    const slug = slugOf(values);
    if (values.source === undefined) {
      throw usage("--source is missing", undefined, ["edox-ops", ...context.typed, "--source", "public"]);
    }
    const host = await context.host();
    demandRoot(host, context);
    if (host.stat(sitesEnabledDir) === null) {
      const hint = ["sudo", "edox-ops", "bootstrap", "--yes"];
      throw new Problem("requirement", "nginx is not set up", { hint });
    }
    const shared = sharedHostWarning(await privilegedRunners(host), [slug]);
    if (shared !== null) context.console.err(lineOf`warning: ${shared}`);
    // What is said of a project that is there changes its record, as update does.
    const fresh = (await draftOf(host, slug)) ? null : newProject(slug, values, context);
    const changes = editOf(values);
    const steps = [
      () => edit((facts) => (fresh ? addProject(fresh, facts) : updateProject(slug, changes, facts)), values, context),
      () => edit(() => initProject(slug), values, context),
      () => deployGiven("project publish", slug, values, context),
      () => edit((facts) => enableProject(slug, facts), values, context),
    ];
    for (const step of steps) {
      const exit = await step();
      if (exit !== exitCode.done) return exit;
    }
    const project = await theProject(host, slug);
    // A site without a front page answers as it should with an error.
    const asks = !values["no-probe"] && host.stat(`${project.root_path}/index.html`) !== null;
    const answer = asks ? await frontPage(host, project) : null;
    if (answer && "why" in answer) throw new Problem("blocked", answer.why, { hint: ["sudo", "edox-ops", "doctor"] });
    if (!values.quiet) await context.console.out(lineOf`${urlOf(project)} is served`);
    return exitCode.done;
  },
});
