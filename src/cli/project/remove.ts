import * as v from "valibot";
import type { Facts } from "../../engine/facts.ts";
import { lineOf } from "../../engine/lines.ts";
import { Problem } from "../../engine/step.ts";
import { slug as slugSchema } from "../../projects/project.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { editFlags } from "../flags.ts";
import { demandRoot, edit, takeLock } from "../run.ts";
import { keyOf, slugArgument } from "./record.ts";

const flags = {
  "remove-nginx": { type: "boolean", description: "take its nginx site away too, as without a flag" },
  "delete-files": { type: "boolean", description: "take its files and backups away too: there is no way back" },
  yes: { type: "boolean", description: "do that" },
  "keep-nginx": { type: "boolean", description: "leave its nginx site in sites-available" },
} as const;

export default command({
  meta: { name: "remove", description: "forget a project; its files and backups stay" },
  args: { ...slugArgument, ...flags, ...editFlags },
  async run(values, context) {
    const { forgetRecord, removeProject } = await import("../../projects/recipes.ts");
    const { ownTree, theRecord } = await import("../../projects/store.ts");
    const slug = await keyOf(values, context.host);
    const isSlug = v.is(slugSchema, slug);
    const keeps = values["keep-nginx"] === true;
    if (keeps && values["remove-nginx"] === true) {
      throw usage("--remove-nginx and --keep-nginx say the contrary of each other");
    }
    const { dirsOf, projectLockPath } = await import("../../projects/releases.ts");
    const deletes = values["delete-files"] === true;
    const looks = values["dry-run"] === true || values.check === true;
    if (deletes && !(values.yes || looks)) {
      const hint = ["sudo", "edox-ops", ...context.typed, "--yes"];
      throw new Problem("not-confirmed", `the files and backups of ${slug} would be gone for ever: say --yes`, {
        hint,
      });
    }
    const host = await context.host();
    if (!looks) demandRoot(host, context);
    await theRecord(host, slug);
    const tree = isSlug ? await ownTree(host, slug) : null;
    if (deletes && tree === null) {
      const message = `project ${slug} has no directory that is its alone: its files and backups are not deleted`;
      throw new Problem("state", message, { hint: ["sudo", "edox-ops", "project", "remove", slug] });
    }
    const recipe = (facts: Facts) => (isSlug ? removeProject(slug, keeps, facts) : forgetRecord(slug));
    if (looks) return edit(recipe, values, context);
    const dirs = (isSlug ? dirsOf(slug, tree) : []).filter((dir) => host.stat(dir) !== null);
    // A deploy that runs would put there again what is taken away.
    const lock = deletes ? await takeLock(host, projectLockPath(slug), ["sudo", "edox-ops", ...context.typed]) : null;
    try {
      const exit = await edit(recipe, values, context);
      if (exit !== exitCode.done) return exit;
      const trees = await context.trees();
      if (deletes) for (const dir of dirs) trees.remove(dir);
    } finally {
      lock?.release();
    }
    const what = deletes ? "Deleted" : "Left";
    if (!(values.quiet || values.json)) await context.console.out(dirs.map((dir) => lineOf`${what} ${dir}`).join(""));
    return exitCode.done;
  },
});
